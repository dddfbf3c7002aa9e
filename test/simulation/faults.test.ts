import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { backup } from '../../core/commands/backup.ts';
import { check } from '../../core/commands/check.ts';
import { findManifest, listBackups } from '../support/vaults/listed.ts';
import { restore, restoreRecorded } from '../../core/commands/restore.ts';
import { rotate } from '../../core/commands/rotate.ts';
import { verify, verifyRecorded } from '../../core/commands/verify.ts';
import type { Manifest } from '../../core/contract/manifest/manifest.ts';
import { BackupError, isBackupError } from '../../core/domain/errors.ts';
import { partKey } from '../../core/domain/keys.ts';
import type { BackupId, SourceName } from '../../core/domain/keys.ts';
import type { Engine, Vault } from '../../core/ports.ts';
import { openStore } from '../../core/store/store.ts';
import { faultsOf, faultyVault } from '../support/vaults/faulty-vault.ts';
import type { Fault } from '../support/vaults/faulty-vault.ts';
import { policyOf, putBackup, dailyIds } from '../support/vaults/history.ts';
import { watching } from '../support/vaults/seen.ts';
import { toyEngine, toySource } from '../support/toy-engine.ts';
import type { ToyServer } from '../support/toy-engine.ts';
import { folderScene, limit } from '../support/vaults/vault.ts';
import type { FolderScene } from '../support/vaults/vault.ts';

const shop = 'shop' as SourceName;
const rows = () => ({ orders: ['1', '2', '3'], items: ['hat', 'coat'] });
let scenes: FolderScene[];
beforeEach(() => void (scenes = []));
afterEach(() => Promise.all(scenes.map((scene) => scene.remove())));

async function fresh(): Promise<FolderScene & { server: ToyServer }> {
  const scene = await folderScene();
  scenes.push(scene);
  return { ...scene, server: new Map([['shop', rows()]]) };
}

const backingUp = (
  scene: FolderScene & { server: ToyServer },
  vault: Vault = scene.vault,
  engine: Engine = toyEngine(scene.server, 'shop'),
) => backup(toySource(engine), scene.deps(vault), limit());

type Ended<T> = { result: T; error?: undefined } | { result?: undefined; error: unknown };
const ended = <T>(work: Promise<T>): Promise<Ended<T>> =>
  work.then(
    (result) => ({ result }),
    (error: unknown) => ({ error }),
  );

/**
 * Does the same once well, to see which calls there are, and then once for each way in which one of them can go wrong;
 * `judge` names what is not as it must be.
 */
async function matrix<S extends FolderScene, T>(
  open: () => Promise<S>,
  work: (scene: S, vault: Vault) => Promise<T>,
  judge: (scene: S, ended: Ended<T>, fault: Fault) => Promise<string[]>,
): Promise<{ tried: number; problems: string[] }> {
  const well = await open();
  const { vault, calls } = faultyVault(well.vault);
  await work(well, vault);
  const faults = faultsOf(calls);
  const problems: string[] = [];
  for (const fault of faults) {
    const scene = await open();
    const end = await ended(work(scene, faultyVault(scene.vault, fault).vault));
    const found = [
      ...(end.error === undefined || isBackupError(end.error) ? [] : [`threw ${String(end.error)}`]),
      ...(await judge(scene, end, fault)),
    ];
    problems.push(...found.map((problem) => `${fault.call} ${fault.nth} ${fault.how} ${fault.code}: ${problem}`));
  }
  return { tried: faults.length, problems };
}

/** What is wrong with the backups that are listed: by the honest vault, and by what they restore to. */
async function lies({ vault, deps }: FolderScene, allowed: readonly object[]): Promise<string[]> {
  const problems: string[] = [];
  for (const found of await listBackups(shop, vault, limit())) {
    if (found.status !== 'complete') return [`${found.id} can't be read`];
    problems.push(...(await verify(found.manifest, deps(), limit())).problems.map(({ file }) => `${file} is damaged`));
    const server: ToyServer = new Map();
    await restore(
      found.manifest,
      toyEngine(server, 'again'),
      { replace: false, owners: true, proof: true },
      { ...deps(), parallel: 2 },
      limit(),
    );
    if (!allowed.some((content) => JSON.stringify(content) === JSON.stringify(server.get('again'))))
      problems.push(`${found.id} holds something else`);
  }
  return problems;
}

const proofsOf = async ({ vault }: FolderScene) =>
  (await Array.fromAsync(vault.list('', limit()))).flatMap(
    ({ key }) => /proofs\/\w+-(\w+-\w+)\.json$/.exec(key)?.[1] ?? [],
  );

async function backedUp(): Promise<FolderScene & { server: ToyServer; manifest: Manifest }> {
  const scene = await fresh();
  return { ...scene, manifest: await backingUp(scene) };
}

test('whatever fails in the vault, a backup that is listed is whole, and one that is told is listed', async () => {
  const { tried, problems } = await matrix(
    backedUp,
    (scene, vault) => backingUp(scene, vault),
    async (scene, { result }) => {
      const listed = await listBackups(shop, scene.vault, limit());
      return [
        ...(result !== undefined && !listed.some(({ id }) => id === result.id) ? ['told, and not listed'] : []),
        ...(await lies(scene, [rows()])),
        ...(listed.some(({ id }) => id === scene.manifest.id) ? [] : ['lost the one before']),
        ...((await scene.files()).some((path) => path.includes('.nightjar/incoming/'))
          ? ['left unfinished writes']
          : []),
      ];
    },
  );

  expect(problems).toEqual([]);
  expect(tried).toBeGreaterThan(25);
}, 120_000);

async function damaged() {
  const scene = await backedUp();
  await writeFile(join(scene.folder, partKey(shop, scene.manifest.id as BackupId, 'data/0002.sql.zst')), 'damaged');
  return scene;
}

test.each([
  ['a whole backup', backedUp, []],
  ['a damaged one', damaged, ['data/0002.sql.zst']],
] as const)(
  'whatever fails in the vault, %s is verified as what it is, or not at all',
  async (_, open, bad) => {
    const { tried, problems } = await matrix<Awaited<ReturnType<typeof backedUp>>, Awaited<ReturnType<typeof verify>>>(
      open,
      ({ manifest, deps }, vault) => verifyRecorded(manifest, deps(vault), limit()),
      async (scene, { result }, { call, how, code }) => {
        const proofs = await proofsOf(scene);
        const files = result?.problems.map(({ file }) => file) ?? [];
        const vaultSaidSo = call === 'get' && (code === 'object-missing' || how === 'cut' || how === 'flip');
        return [
          ...(result !== undefined && !bad.every((file) => files.includes(file)) ? ['missed the damage'] : []),
          ...(files.length > bad.length && !vaultSaidSo ? ['called a good part damaged'] : []),
          ...(proofs.includes('verify-passed') && (bad.length > 0 || files.length > 0) ? ['on record as passed'] : []),
          ...(proofs.includes('verify-failed') && bad.length === 0 && !vaultSaidSo ? ['on record as failed'] : []),
        ];
      },
    );

    expect(problems).toEqual([]);
    expect(tried).toBeGreaterThan(20);
  },
  120_000,
);

test('whatever fails in the vault, a database is replaced by the whole backup, or is as it was, or is gone, and is told so', async () => {
  const later = { ...rows(), orders: ['1', '2', '3', '4'] };
  async function open() {
    const scene = await backedUp();
    scene.server.set('shop', structuredClone(later));
    return scene;
  }
  const replacing = ({ manifest, server, deps }: Awaited<ReturnType<typeof open>>, vault: Vault) =>
    restoreRecorded(
      manifest,
      toyEngine(server, 'shop'),
      { replace: true, owners: true, proof: true },
      { ...deps(vault), parallel: 2 },
      limit(),
    );

  const { tried, problems } = await matrix(open, replacing, async (scene, { result, error }) => {
    const content = JSON.stringify(scene.server.get('shop'));
    const proofs = await proofsOf(scene);
    return [
      ...(result !== undefined && content !== JSON.stringify(rows())
        ? ['told as restored, and holds something else']
        : []),
      ...(result === undefined && content !== undefined && content !== JSON.stringify(later)
        ? ['told as failed, and something else is there']
        : []),
      ...(error instanceof BackupError && content === undefined && !error.message.includes('shop is gone')
        ? ['does not say that it is gone']
        : []),
      ...(result === undefined && proofs.includes('restore-passed') ? ['on record as passed'] : []),
    ];
  });

  expect(problems).toEqual([]);
  expect(tried).toBeGreaterThan(25);
}, 120_000);

test('whatever fails in the vault, a listing is complete or none', async () => {
  async function open() {
    const scene = await backedUp();
    await backingUp(scene);
    return scene;
  }
  const { problems } = await matrix(
    open,
    (_, vault) => listBackups(shop, vault, limit()),
    async (scene, { result }, { call, code }) => {
      const honest = await listBackups(shop, scene.vault, limit());
      // a manifest that the vault says is not there has been rotated away
      return result === undefined ||
        (call === 'read' && code === 'object-missing') ||
        JSON.stringify(result) === JSON.stringify(honest)
        ? []
        : [`listed ${result.length} of ${honest.length}`];
    },
  );
  const latest = await matrix(
    open,
    (_, vault) => findManifest(shop, 'latest', vault, limit()),
    async (scene, { result }) => {
      const honest = await findManifest(shop, 'latest', scene.vault, limit());
      return result === undefined || result.id === honest.id ? [] : ['found an older one'];
    },
  );

  expect([...problems, ...latest.problems]).toEqual([]);
}, 120_000);

test.each([
  ['new', 0, 'fresh'],
  ['old', 48, 'stale'],
] as const)(
  'whatever fails in the vault, a backup that is %s is found so, or unknown',
  async (_, hours, truth) => {
    const checking = ({ deps }: FolderScene, vault: Vault) => {
      const clock = { now: () => new Date(Date.now() + hours * 3_600_000) };
      return check(
        [{ ...watching(), place: 'here' }],
        { whole: true },
        { store: openStore(vault), clock, notifiers: [], meter: () => {} },
        limit(),
      ).then((checked) => ({ ...checked, deps }));
    };
    const { problems } = await matrix(backedUp, checking, async (__, { result }, { call, code }) => {
      const state = result?.judgements[0]!.state ?? 'unknown';
      // a manifest that the vault says is not there has been rotated away
      return [truth, 'unknown'].includes(state) || (call === 'read' && code === 'object-missing')
        ? []
        : [`found ${state}`];
    });

    expect(problems).toEqual([]);
  },
  120_000,
);

test('whatever fails in the vault, a rotation removes what the policy lets go, and nothing else', async () => {
  const ids = dailyIds(4);
  async function open() {
    const scene = await folderScene();
    scenes.push(scene);
    for (const id of ids) await putBackup(scene.vault, 'shop', id);
    return scene;
  }
  const rotating = (scene: FolderScene, vault: Vault) =>
    rotate(
      shop,
      policyOf({ count: 3 }),
      { dryRun: false, anyShare: false },
      { ...scene.deps(vault), clock: { now: () => new Date('2026-11-20T12:00:00Z') } },
      limit(),
    );

  const { problems } = await matrix(open, rotating, async (scene, { result }, { call, code }) => {
    const left = await listBackups(shop, scene.vault, limit());
    const damaged = await Promise.all(
      left.map(async (one) =>
        one.status === 'complete' ? (await verify(one.manifest, scene.deps(), limit())).problems.length : 1,
      ),
    );
    const kept = left.map(({ id }) => id);
    return [
      ...(ids.slice(1).every((id) => kept.includes(id)) ? [] : ['a backup is gone that was to stay']),
      ...(damaged.some((count) => count > 0) ? ['a backup is listed that is not whole'] : []),
      // a manifest that the vault says is not there has been rotated away by somebody else
      ...(result !== undefined &&
      result.failures.length === 0 &&
      kept.length !== 3 &&
      !(call === 'read' && code === 'object-missing')
        ? ['told as done, and is not']
        : []),
    ];
  });

  expect(problems).toEqual([]);
}, 120_000);
