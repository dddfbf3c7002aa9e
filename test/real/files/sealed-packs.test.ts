import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { verify } from '../../../core/commands/proof/verify.ts';
import { rotate } from '../../../core/commands/rotate.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import type { BackupId, SourceName } from '../../../core/domain/keys.ts';
import { inspection } from '../../../core/engines/files/inspection.ts';
import type { Vault } from '../../../core/vault.ts';
import { folderVault } from '../../../core/vaults/folder/folder.ts';
import { serverRoot } from '../../servers/root.ts';
import { copying } from '../../support/copying.ts';
import { sealedScene } from '../../support/files/sealed.ts';
import type { SealedScene } from '../../support/files/sealed.ts';
import { bash, seenByStock } from '../../support/files/stock.ts';
import { everyCall } from '../../support/faults/every-call.ts';
import { policyOf } from '../../support/vaults/history.ts';
import { emptyState, memoryVault } from '../../support/vaults/memory-vault.ts';
import type { MemoryState } from '../../support/vaults/memory-vault.ts';
import { depsOf, limit } from '../../support/vaults/vault.ts';

// encrypted backups of a folder in a vault that has no names of its own: links and packs, as of plain ones

const shop = 'shop' as SourceName;
let state: MemoryState;
let scene: SealedScene;
/** The same numbers on each run. */
let drawn: number;
const draw = (below: number): number => {
  drawn = (drawn * 1_103_515_245 + 12_345) % 2 ** 31;
  return drawn % below;
};

beforeEach(async () => {
  drawn = 7;
  state = emptyState();
  let now: () => Date = () => new Date();
  const vault = memoryVault(state, { now: () => now() });
  scene = await sealedScene(() => ({
    vault,
    deps: (other: Vault = vault) => depsOf(other),
    files: async () => [...state.objects.keys()],
    remove: async () => {},
  }));
  now = scene.clock.now;
});
afterEach(() => scene.close());

const packsThere = () => [...state.objects.keys()].filter((key) => key.startsWith('shop/packs/'));
const bytesThere = () => [...state.objects.values()].reduce((sum, { body }) => sum + body.length, 0);
const idsThere = () => scene.depsOf().store.backupIds(shop, limit());
const manifestOf = async (id: BackupId) => (await scene.depsOf().store.readManifest(shop, id, limit())).manifest;
const rotating = (count: number, vault: Vault = scene.vault.vault) =>
  rotate(shop, policyOf({ count }), { dryRun: false, anyShare: true }, scene.depsOf({}, vault), limit());

/** From the call of this number on, none is answered: nobody tidies up. */
function dying(from: number): Vault {
  let calls = 0;
  return everyCall(scene.vault.vault, async () => {
    calls += 1;
    if (calls >= from) throw new Error('killed');
  });
}

test('nights of change, with runs and rotations killed at random: every backup comes back as it was', async () => {
  await bash('mkdir a b; for n in {1..30}; do head -c 9000 /dev/urandom > a/$n; done; ln a/1 b/twin', scene.media);
  const whole = Number((await bash('du -sb .', scene.media)).split('\t')[0]);
  const seen = new Map<string, Awaited<ReturnType<typeof seenByStock>>>();
  for (let nth = 1; nth <= 14; nth += 1) {
    const [one, two] = [1 + draw(30), 1 + draw(30)];
    await bash(
      `head -c 9000 /dev/urandom > a/${one}; printf ${nth} >> b/log; rm -f a/${two}; : > a/${two}`,
      scene.media,
    );
    if (draw(3) === 0) await scene.night({}, { vault: dying(1 + draw(60)) }).catch(() => undefined);
    const made = await scene.night();
    seen.set(made.id, await seenByStock(scene.media));
    if (draw(3) === 0) await rotating(5, dying(1 + draw(60))).catch(() => undefined);
    expect((await rotating(5)).failures).toEqual([]);
    expect(
      await scene.problems(await manifestOf((await idsThere()).at(-1 - draw(2)) ?? (made.id as BackupId))),
    ).toEqual([]);
  }

  const ids = (await idsThere()).filter((id) => seen.has(id));
  expect(ids.length).toBeGreaterThanOrEqual(4);
  for (const id of ids) {
    expect((await scene.restored(await manifestOf(id), id)).proof).toMatchObject({ differences: [] });
    expect([id, await seenByStock(scene.path(id))]).toEqual([id, seen.get(id)]);
  }
  expect(bytesThere()).toBeLessThan(whole * 3);
  expect(packsThere().every((key) => key.endsWith('.tar.zst.age'))).toBe(true);
}, 300_000);

test('whoever has no key removes, rotates, and verifies as stored; what no backup needs is freed', async () => {
  await bash('head -c 400000 /dev/urandom > picture; printf 1 > note', scene.media);
  await scene.night();
  const before = bytesThere();
  await bash('printf 2 > note', scene.media);
  const second = await scene.night();
  expect(bytesThere() - before).toBeLessThan(25_000);
  const { problems, sealed } = await verify(second, { ...scene.depsOf(), ...inspection }, limit());
  expect([problems, sealed]).toEqual([[], true]);

  await bash('head -c 400000 /dev/urandom > picture', scene.media);
  const third = await scene.night();
  scene.sleep(2);
  await rotating(1);
  scene.sleep(2);
  const freed = await rotating(1);
  expect(freed.freed).toBeGreaterThan(400_000);
  expect(await idsThere()).toEqual([third.id]);
  expect(await scene.problems(third)).toEqual([]);
});

test('copies share there as they do here, and are whole alone', async () => {
  await bash('head -c 90000 /dev/urandom > a; printf 2 > b', scene.media);
  const first = await scene.night();
  await bash('printf 3 > b', scene.media);
  const second = await scene.night();
  const there = emptyState();
  const to = memoryVault(there, { now: scene.clock.now });

  for (const { id } of [second, first]) await copying(id as BackupId, scene.vault.vault, to);

  for (const one of [first, second]) expect(await scene.problems(one, to)).toEqual([]);
  const bytes = [...there.objects.values()].reduce((sum, { body }) => sum + body.length, 0);
  expect(bytes).toBeLessThan(130_000);
});

test(
  'a bucket that was downloaded comes back by hand, by the commands of the manifest and the stock age',
  async () => {
    await bash('head -c 90000 /dev/urandom > a; printf 2 > b; printf gone > c', scene.media);
    await scene.night();
    await bash('printf 3 > b; rm c', scene.media);
    const { id, restore }: Manifest = await scene.night();
    for (const [key, { body }] of state.objects) {
      await mkdir(scene.path(`bucket/${dirname(key)}`), { recursive: true });
      await writeFile(scene.path(`bucket/${key}`), body);
    }
    const moved = depsOf(folderVault(scene.path('bucket')));
    const { manifest } = await moved.store.readManifest(shop, id as BackupId, limit());
    expect((await verify(manifest, { ...moved, ...inspection }, limit())).problems).toEqual([]);
    const { path } = await serverRoot({ name: 'age', suites: ['trixie'], packages: ['age'] }, () => {}, limit());
    await writeFile(scene.path('identity.txt'), `${scene.identity}\n`);

    const env = { FOLDER: scene.path('by-hand'), IDENTITY: scene.path('identity.txt') };
    const PATH = `${join(path, 'usr/bin')}:${process.env['PATH']}`;
    await bash(restore.join('\n'), scene.path(`bucket/shop/${id}`), { ...env, PATH });

    expect(await seenByStock(scene.path('by-hand'))).toEqual(await seenByStock(scene.media));
  },
  20 * 60_000,
);
