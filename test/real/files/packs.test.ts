import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { backup } from '../../../core/commands/backup.ts';
import type { BackupDeps } from '../../../core/commands/backup.ts';
import { verify } from '../../../core/commands/proof/verify.ts';
import { rotate } from '../../../core/commands/rotate.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import type { BackupId, ObjectKey, SourceName } from '../../../core/domain/keys.ts';
import type { Policy } from '../../../core/domain/retention/rotation.ts';
import { inspection } from '../../../core/engines/files/inspection.ts';
import { openStore } from '../../../core/store/store.ts';
import type { Vault } from '../../../core/vault.ts';
import { folderVault } from '../../../core/vaults/folder/folder.ts';
import { copying } from '../../support/copying.ts';
import { filesSceneIn } from '../../support/files/scene.ts';
import { bash, seenByStock } from '../../support/files/stock.ts';
import { everyCall } from '../../support/faults/every-call.ts';
import { none, policyOf } from '../../support/vaults/history.ts';
import { emptyState, memoryVault } from '../../support/vaults/memory-vault.ts';
import type { MemoryState } from '../../support/vaults/memory-vault.ts';
import { depsOf, limit } from '../../support/vaults/vault.ts';
import { toySource } from '../../support/worlds/toy-engine.ts';

// what find and sha256sum say of folders that come back out of a vault without names of its own, night after night

const shop = 'shop' as SourceName;
const dayMs = 86_400_000;
/** A day of the test's own: which nights end a week, and so how many are kept, must not hang on the day it is run. */
const began = Date.parse('2026-03-04T03:00:00Z') - Date.now();
const kept = policyOf({ ...none, daily: 5, weekly: 2 });
let state: MemoryState;
let today: number;
let scene: Awaited<ReturnType<typeof inBucket>>;
const seen = new Map<string, Awaited<ReturnType<typeof seenByStock>>>();
/** The same numbers on each run. */
let drawn: number;
const draw = (below: number): number => {
  drawn = (drawn * 1_103_515_245 + 12_345) % 2 ** 31;
  return drawn % below;
};

function inBucket() {
  state = emptyState();
  const now = () => new Date(began + Date.now() + today * dayMs);
  const vault = memoryVault(state, { now });
  const deps = (other: Vault = vault): BackupDeps => ({ ...depsOf(other), clock: { now } });
  return filesSceneIn(() => ({ vault, deps, files: async () => [...state.objects.keys()], remove: async () => {} }));
}

beforeEach(async () => {
  [today, drawn] = [0, 7];
  seen.clear();
  scene = await inBucket();
});
afterEach(() => scene.close());

/** A backup of the next night. */
function night(on: Vault = scene.vault.vault): Promise<Manifest> {
  today += 1;
  return backup({ ...toySource(scene.engine()), compressionLevel: 1 }, scene.vault.deps(on), limit());
}

/** One whose content is asked for again. */
async function seenNight(on?: Vault): Promise<Manifest> {
  const made = await night(on);
  seen.set(made.id, await seenByStock(scene.media));
  return made;
}

const rotating = (policy: Policy = kept, on: Vault = scene.vault.vault) =>
  rotate(shop, policy, { dryRun: false, anyShare: true }, scene.vault.deps(on), limit());
const idsThere = () => scene.vault.deps().store.backupIds(shop, limit());
const manifestOf = async (id: BackupId) => (await scene.vault.deps().store.readManifest(shop, id, limit())).manifest;
const packsThere = () => [...state.objects.keys()].filter((key) => key.startsWith('shop/packs/'));
const bytesThere = () => [...state.objects.values()].reduce((sum, { body }) => sum + body.length, 0);
const removing = (one: Manifest) =>
  scene.vault.deps().store.removeBackup(
    shop,
    one.id as BackupId,
    one.parts.map(({ file }) => file),
    limit(),
  );

/** Restored by tar and judged by find and sha256sum. */
async function requireBack(id: BackupId, name = 'back'): Promise<void> {
  const { proof } = await scene.restore(await manifestOf(id), name);
  expect(proof).toMatchObject({ differences: [] });
  expect([id, await seenByStock(scene.path(name))]).toEqual([id, seen.get(id)]);
  await bash('rm -rf "$NAME"', scene.top, { NAME: name });
}

async function problemsOf(one: Manifest): Promise<string[]> {
  const { problems } = await verify(one, { ...scene.vault.deps(), ...inspection }, limit());
  return problems.map(({ error }) => error.message);
}

/** From the call of this number on, none is answered: nobody tidies up. */
function dying(from: number): { vault: Vault; calls: () => number } {
  let calls = 0;
  const vault = everyCall(scene.vault.vault, async () => {
    calls += 1;
    if (calls >= from) throw new Error('killed');
  });
  return { vault, calls: () => calls };
}

test('thirty nights of change, with runs and rotations killed at random: every backup comes back as it was', async () => {
  await bash('mkdir a b; for n in {1..40}; do head -c 9000 /dev/urandom > a/$n; done; ln a/1 b/twin', scene.media);
  const whole = (await bash('du -sb .', scene.media)).split('\t')[0]!;
  for (let nth = 1; nth <= 30; nth += 1) {
    const [one, two] = [1 + draw(40), 1 + draw(40)];
    await bash(
      `head -c 9000 /dev/urandom > a/${one}; printf ${nth} >> b/log; rm -f a/${two}; : > a/${two}`,
      scene.media,
    );
    if (draw(3) === 0) await seenNight(dying(1 + draw(60)).vault).catch(() => undefined);
    const made = await seenNight();
    if (draw(3) === 0) await rotating(kept, dying(1 + draw(60)).vault).catch(() => undefined);
    const { failures } = await rotating();
    expect(failures).toEqual([]);
    const ids = await idsThere();
    expect(ids).toContain(made.id);
    expect(await problemsOf(await manifestOf(ids[draw(ids.length)]!))).toEqual([]);
  }

  const ids = await idsThere();
  // a night of its own for each of `daily`, whatever day of the week it is
  expect(ids.length).toBeGreaterThanOrEqual(5);
  for (const id of ids) await requireBack(id);
  // each of them alone holds as much
  expect(bytesThere()).toBeLessThan(Number(whole) * 3);
}, 300_000);

test('whatever order backups are removed in, those that stay come back, and in the end nothing is left', async () => {
  for (const order of [
    [0, 1, 2, 3],
    [3, 2, 1, 0],
    [1, 3, 0, 2],
  ]) {
    await bash('rm -rf -- *; for n in {1..9}; do head -c 9000 /dev/urandom > $n; done', scene.media);
    const made: Manifest[] = [];
    for (let nth = 1; nth <= 4; nth += 1) {
      await bash(`printf ${nth} >> ${nth}`, scene.media);
      made.push(await seenNight());
    }
    expect(packsThere().length).toBeLessThan(10);
    for (const [nth, which] of order.entries()) {
      if (nth < 3) expect(await removing(made[which]!)).toMatchObject({ state: 'gone', failures: [] });
      today += 2;
      for (const _ of ['found', 'swept']) await rotating(policyOf({ count: 9 }));
      for (const id of await idsThere()) expect(await problemsOf(await manifestOf(id))).toEqual([]);
    }
    await requireBack((await idsThere())[0]!);
    const last = made[order[3]!]!;
    await removing(last);
    today += 2;
    await rotating(policyOf({ count: 9 }));
    expect(packsThere()).toEqual([]);
    expect((await scene.vault.files()).filter((key) => key.includes('/data/'))).toEqual([]);
  }
}, 300_000);

test('a second backup stores what has changed, and shares the rest; a rotation frees it the night after', async () => {
  await bash('head -c 400000 /dev/urandom > picture; printf 1 > note', scene.media);
  const first = await night();
  const before = bytesThere();
  await bash('printf 2 > note', scene.media);
  const second = await night();

  expect(bytesThere() - before).toBeLessThan(20_000);
  expect(packsThere()).toHaveLength(2);
  await bash('head -c 400000 /dev/urandom > picture', scene.media);
  await night();
  today += 2;
  const third = await rotating(policyOf({ count: 1 }));
  expect(third.removals.map(({ id, state: ended }) => [id, ended])).toEqual([
    [first.id, 'gone'],
    [second.id, 'gone'],
  ]);
  expect(third.swept.packs).toBeUndefined();
  const freed = await rotating(policyOf({ count: 1 }));
  expect(freed.swept).toMatchObject({ state: 'swept', objects: 0, packs: { keys: expect.any(Array) } });
  expect(freed.freed).toBeGreaterThan(400_000);
});

test('a run that dies at any call leaves the backup before whole, and none of its own, or a whole one', async () => {
  await bash('printf 1 > a; printf 2 > b', scene.media);
  const first = await night();
  for (let nth = 1, calls = 1; calls >= nth - 1; nth += 1) {
    await bash(`printf ${nth} > b`, scene.media);
    const killed = dying(nth);
    await night(killed.vault).catch(() => undefined);
    calls = killed.calls();
    today += 2;
    await rotating(policyOf({ count: 3 }));

    for (const id of await idsThere()) expect(await problemsOf(await manifestOf(id))).toEqual([]);
  }
  expect(first.parts.length).toBeGreaterThan(2);
}, 120_000);

test('a rotation that dies at one call or another leaves every backup that has a manifest whole', async () => {
  await bash('printf 1 > a; printf 2 > b', scene.media);
  await night();
  for (let nth = 1, calls = 1; calls >= nth - 1; nth += 1 + draw(6)) {
    await bash(`printf ${nth} >> b`, scene.media);
    await night();
    const killed = dying(nth);
    await rotating(policyOf({ count: 1 }), killed.vault).catch(() => undefined);
    calls = killed.calls();

    for (const id of await idsThere()) expect(await problemsOf(await manifestOf(id))).toEqual([]);
    today += 2;
    await rotating(policyOf({ count: 1 }));
    for (const id of await idsThere()) expect(await problemsOf(await manifestOf(id))).toEqual([]);
  }
}, 120_000);

test('a backup is whole though the one before is removed, and packs are swept, at any moment of its run', async () => {
  await bash('printf 1 > a; printf 2 > b', scene.media);
  let before = await night();
  for (let nth = 1, calls = 1; calls >= nth; nth += 1) {
    await bash(`printf ${nth} > b`, scene.media);
    calls = 0;
    const busy = everyCall(scene.vault.vault, async () => {
      calls += 1;
      if (calls !== nth) return;
      await removing(before);
      await rotating(policyOf({ count: 9 }));
    });
    today += 2;
    // the sweep may have the lease at this moment
    before = await night(busy).catch(() => night());

    expect(await problemsOf(before)).toEqual([]);
  }
  seen.set(before.id, await seenByStock(scene.media));
  await requireBack(before.id as BackupId);
}, 120_000);

test('what no backup needs stays while one of the source lacks a part, or can’t be read', async () => {
  await bash('printf 1 > a', scene.media);
  const first = await night();
  await bash('printf 2 > a', scene.media);
  const second = await night();
  await removing(first);
  today += 2;
  const manifest = `shop/${second.id}/manifest.json` as ObjectKey;
  const [link] = [...state.objects.keys()].filter((key) => key.includes('.in-'));
  const lost = state.objects.get(link!)!;
  const document = state.objects.get(manifest)!;

  state.objects.delete(link!);
  for (const _ of ['once', 'again']) expect((await rotating(policyOf({ count: 9 }))).swept.packs).toBeUndefined();
  state.objects.set(link!, lost);
  state.objects.set(manifest, { ...document, body: Buffer.from('{"format":2}') });
  for (const _ of ['once', 'again']) expect((await rotating(policyOf({ count: 9 }))).swept.packs).toBeUndefined();
  state.objects.set(manifest, document);
  const unknown = `shop/${second.id}/data/0009.tar.zst.in-elsewhere` as ObjectKey;
  state.objects.set(unknown, lost);
  for (const _ of ['once', 'again']) expect((await rotating(policyOf({ count: 9 }))).swept.packs).toBeUndefined();
  expect(packsThere()).toHaveLength(2);
  expect(await problemsOf(second)).toEqual([]);

  state.objects.delete(unknown);
  expect((await rotating(policyOf({ count: 9 }))).swept).toMatchObject({ state: 'swept', packs: {} });
  expect(packsThere()).toHaveLength(1);
  expect(await problemsOf(second)).toEqual([]);
});

test('a pack that is gone or cut is damage of every backup that has it, and the next one stores that content again', async () => {
  await bash('printf 1 > a', scene.media);
  await night();
  await night();
  const [pack] = packsThere();
  const { body, ...rest } = state.objects.get(pack!)!;
  const judged = async () => (await rotating(policyOf({ count: 9 }))).plan.backups.map(({ reasons }) => reasons);

  state.objects.set(pack!, { ...rest, body: body.subarray(1) });
  expect(await judged()).toEqual(Array(2).fill([{ rule: 'damaged' }]));
  state.objects.delete(pack!);
  expect(await judged()).toEqual(Array(2).fill([{ rule: 'damaged' }]));

  const third = await night();
  expect(await problemsOf(third)).toEqual([]);
});

test('copies into a further bucket share there, are mended where a pack is lost, and are whole alone', async () => {
  await bash('head -c 90000 /dev/urandom > a; printf 2 > b', scene.media);
  const first = await night();
  await bash('printf 3 > b', scene.media);
  const second = await night();
  const there = emptyState();
  const to = memoryVault(there, { now: scene.vault.deps().clock.now });
  const problems = async (one: Manifest) =>
    (await verify(one, { ...scene.vault.deps(to), ...inspection }, limit())).problems;

  for (const { id } of [second, first]) await copying(id as BackupId, scene.vault.vault, to);
  for (const one of [first, second]) expect(await problems(one)).toEqual([]);
  const bytes = [...there.objects.values()].reduce((sum, one) => sum + one.body.length, 0);
  expect(bytes).toBeLessThan(120_000);

  for (const key of there.objects.keys()) if (key.startsWith(`shop/packs/${second.id}`)) there.objects.delete(key);
  for (const { id } of [second, first]) await copying(id as BackupId, scene.vault.vault, to);
  for (const one of [first, second]) expect(await problems(one)).toEqual([]);
  const parts = second.parts.map(({ file }) => file);
  await openStore(to).removeBackup(shop, second.id as BackupId, parts, limit());
  expect(await problems(first)).toEqual([]);
});

test('a bucket that was downloaded is a vault, and a backup comes out of it by hand, by the commands of its manifest', async () => {
  await bash('head -c 90000 /dev/urandom > a; printf 2 > b', scene.media);
  await night();
  await bash('printf 3 > b', scene.media);
  const { id, restore } = await seenNight();
  const { now } = scene.vault.deps().clock;
  for (const [key, { body }] of state.objects) {
    await mkdir(scene.path(`bucket/${dirname(key)}`), { recursive: true });
    await writeFile(scene.path(`bucket/${key}`), body);
  }

  const moved = depsOf(folderVault(scene.path('bucket')));
  const all = await moved.store.backupIds(shop, limit());
  for (const one of all) {
    const { manifest } = await moved.store.readManifest(shop, one, limit());
    expect((await verify(manifest, { ...moved, ...inspection }, limit())).problems).toEqual([]);
  }
  await bash(restore.join('\n'), scene.path(`bucket/shop/${id}`), { FOLDER: scene.path('by-hand') });

  expect(await seenByStock(scene.path('by-hand'))).toEqual(seen.get(id));

  const next = await backup(
    { ...toySource(scene.engine()), compressionLevel: 1 },
    { ...moved, clock: { now } },
    limit(),
  );
  const { parts } = await manifestOf(id as BackupId);
  await moved.store.removeBackup(
    shop,
    all[0]!,
    parts.map(({ file }) => file),
    limit(),
  );
  for (const one of [id, next.id] as BackupId[]) {
    const { manifest } = await moved.store.readManifest(shop, one, limit());
    expect((await verify(manifest, { ...moved, ...inspection }, limit())).problems).toEqual([]);
  }
});
