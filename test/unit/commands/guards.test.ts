import { createHash } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { backup } from '../../../core/commands/backup.ts';
import { listBackups } from '../../support/vaults/listed.ts';
import { isInPlace, restoreRecorded } from '../../../core/commands/restore/restore.ts';
import { verify, verifyRecorded } from '../../../core/commands/proof/verify.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { BackupError } from '../../../core/domain/errors.ts';
import { backupPrefix, leaseKey, manifestKey, partKey } from '../../../core/domain/layout/places.ts';
import type { BackupId, SourceName } from '../../../core/domain/keys.ts';
import type { Engine } from '../../../core/ports.ts';
import type { Vault } from '../../../core/vault.ts';
import { openStore } from '../../../core/store/store.ts';
import { opening } from '../../support/parts.ts';
import { toyEngine, toySource } from '../../support/worlds/toy-engine.ts';
import type { ToyServer } from '../../support/worlds/toy-engine.ts';
import { limit, memoryScene, overwrite } from '../../support/vaults/vault.ts';
import type { VaultScene } from '../../support/vaults/vault.ts';

const shop = 'shop' as SourceName;
const rows = () => ({ orders: ['1', '2', '3'], items: ['hat', 'coat'] });
let scene: VaultScene;
let server: ToyServer;
let warnings: string[];

beforeEach(async () => {
  scene = memoryScene();
  server = new Map([['shop', rows()]]);
  warnings = [];
});
afterEach(() => scene.remove());

const deps = (vault: Vault = scene.vault) => ({
  ...scene.deps(vault),
  report: (event: { type: string; message?: string }) =>
    void (event.type === 'warning' && warnings.push(event.message!)),
});
const backingUp = (vault?: Vault, engine: Engine = toyEngine(server, 'shop')) =>
  backup(toySource(engine), deps(vault), limit());
const restoring = (
  manifest: Manifest,
  { engine = toyEngine(server, 'shop'), replace = true, vault = scene.vault } = {},
) =>
  restoreRecorded(manifest, engine, { replace, owners: true, proof: true }, { ...deps(vault), parallel: 2 }, limit());
const keys = async () =>
  (await Array.fromAsync(scene.vault.list('', limit())))
    .map(({ key }) => String(key))
    .filter((key) => !key.includes('/starts/'));
const manifests = async () => (await keys()).filter((key) => key.endsWith('/manifest.json'));
const proofs = async () => (await keys()).flatMap((key) => /proofs\/\w+-(\w+-\w+)\.json$/.exec(key)?.[1] ?? []);
const fileOf = ({ id }: Manifest, role: string, manifest: Manifest) =>
  partKey(shop, id as BackupId, manifest.parts.find((part) => part.role === role)!.file);
const denied = () => Promise.reject(new BackupError('vault-denied', 'no right to do that'));

test('a backup goes round: what comes back is proven, and is what there was', async () => {
  const manifest = await backingUp();
  const restored = await restoring(manifest, { engine: toyEngine(server, 'again') });

  expect(restored.proof).toMatchObject({ tables: 2, rows: 5, differences: [] });
  expect(server.get('again')).toEqual(rows());
  expect(await proofs()).toEqual(['restore-passed']);
});

test.each(['schema', 'data', 'catalog'])(
  'a database stays as it is when the %s of what was to replace it is damaged',
  async (role) => {
    const manifest = await backingUp();
    await overwrite(scene.vault, fileOf(manifest, role, manifest), 'damaged');
    server.get('shop')!['orders']!.push('4');

    await expect(restoring(manifest)).rejects.toMatchObject({ code: 'part-corrupt' });

    expect(server.get('shop')).toEqual({ ...rows(), orders: ['1', '2', '3', '4'] });
    expect(await proofs()).toEqual(['restore-failed']);
  },
);

test.each(['data', 'catalog'])(
  'a database stays as it is when the %s of what was to replace it is gone',
  async (role) => {
    const manifest = await backingUp();
    await scene.vault.delete(fileOf(manifest, role, manifest), limit());

    await expect(restoring(manifest)).rejects.toMatchObject({ code: 'object-missing' });

    expect(server.get('shop')).toEqual(rows());
    expect(await proofs()).toEqual(['restore-failed']);
  },
);

test('a database that holds something stays as it is unless it may be replaced, and that says nothing about the backup', async () => {
  const manifest = await backingUp();

  await expect(restoring(manifest, { replace: false })).rejects.toMatchObject({
    code: 'target-not-empty',
    message: expect.stringContaining('2 tables'),
  });

  expect(server.get('shop')).toEqual(rows());
  expect(await proofs()).toEqual([]);
});

test('a backup of one engine goes into no other', async () => {
  const manifest = { ...(await backingUp()), engine: 'other' };

  await expect(restoring(manifest)).rejects.toMatchObject({
    code: 'input-invalid',
    message: 'shop is a backup of other, and toy://shop is toy',
  });
  expect(server.get('shop')).toEqual(rows());
});

test('a manifest that names no catalog is no backup to restore, and that is on record', async () => {
  const manifest = await backingUp();
  const without = { ...manifest, parts: manifest.parts.filter(({ role }) => role !== 'catalog') };

  await expect(restoring(without)).rejects.toMatchObject({ code: 'manifest-invalid' });
  expect(await proofs()).toEqual(['restore-failed']);
});

test('a catalog of more than 256 MB is none, and is not read', async () => {
  const manifest = await backingUp();
  const asked: string[] = [];
  const vault: Vault = { ...scene.vault, get: (key, stop) => (asked.push(key), scene.vault.get(key, stop)) };
  const huge = (bytes: number) => ({
    ...manifest,
    parts: manifest.parts.map((part) => (part.role === 'catalog' ? { ...part, bytes } : part)),
  });

  await expect(restoring(huge(256 * 1024 ** 2 + 1), { vault })).rejects.toMatchObject({
    code: 'part-corrupt',
    message: expect.stringContaining('268435457 bytes'),
  });
  expect(asked).toEqual([]);
  await expect(restoring(huge(256 * 1024 ** 2), { vault })).rejects.toMatchObject({
    code: 'part-corrupt',
    message: expect.stringContaining('of the 268435456 bytes'),
  });
});

test.each(['nonsense', '[]', '{"table":{"t":1}}', '{"table":"t"}'])(
  'a catalog part that is whole and holds %s is none',
  async (text) => {
    const manifest = await backingUp();
    const body = zstdCompressSync(text);
    await overwrite(scene.vault, fileOf(manifest, 'catalog', manifest), body);
    const sizes = {
      bytes: text.length,
      storedBytes: body.length,
      sha256: createHash('sha256').update(body).digest('hex'),
    };
    const forged = {
      ...manifest,
      parts: manifest.parts.map((part) => (part.role === 'catalog' ? { ...part, ...sizes } : part)),
    };

    await expect(restoring(forged)).rejects.toMatchObject({
      code: 'part-corrupt',
      message: expect.stringContaining('is no catalog'),
    });
    expect(server.get('shop')).toEqual(rows());
    expect(await proofs()).toEqual(['restore-failed']);
  },
);

test('in place is where it came from, by server and by name', async () => {
  const manifest = await backingUp();

  expect(isInPlace(manifest, { server: 'shop', database: 'shop' })).toBe(true);
  expect(isInPlace(manifest, { server: 'other', database: 'shop' })).toBe(false);
  expect(isInPlace(manifest, { server: 'shop', database: 'copy' })).toBe(false);
});

test('a run that has lost its lease while it read writes no manifest, and takes its parts away', async () => {
  const engine = toyEngine(server, 'shop');
  const taking: Engine = {
    ...engine,
    async plan(options, signal) {
      const plan = await engine.plan(options, signal);
      return {
        ...plan,
        async confirm(seen, notes, stop) {
          const { version } = await scene.vault.read(leaseKey(shop), stop);
          await scene.vault.putIfUnchanged(
            leaseKey(shop),
            Buffer.from('{"run":"other","holder":"other","until":"2999-01-01T00:00:00.000Z"}'),
            version,
            stop,
          );
          return plan.confirm(seen, notes, stop);
        },
      };
    },
  };

  await expect(backingUp(scene.vault, taking)).rejects.toMatchObject({ code: 'lease-lost' });

  expect(await keys()).toEqual(['shop/lease.json']);
  expect((await scene.vault.read(leaseKey(shop), limit())).body.toString()).toContain('other');
});

test.each([-1, 1])('a vault that says it holds %d byte of a part has not stored it', async (more) => {
  const vault: Vault = {
    ...scene.vault,
    put: async (key, body, tags, stop) => ({ bytes: (await scene.vault.put(key, body, tags, stop)).bytes + more }),
  };

  await expect(backingUp(vault)).rejects.toMatchObject({
    code: 'vault-failed',
    message: expect.stringMatching(/bytes were sent, the vault holds/),
  });

  expect(await manifests()).toEqual([]);
});

test('a dump without its end, and one that says nothing, are no backup', async () => {
  async function* cut(text: AsyncIterable<Uint8Array>, keep: number) {
    const [chunk] = await Array.fromAsync(text);
    yield chunk!.subarray(0, keep);
  }
  const cutting = (keep: number): Engine =>
    opening(toyEngine(server, 'shop'), ({ content }, { role }) =>
      role === 'data' ? { content: cut(content, keep) } : {},
    );

  await expect(backingUp(scene.vault, cutting(40))).rejects.toMatchObject({
    code: 'dump-cut',
    message: expect.stringContaining('without its end marker'),
  });
  await expect(backingUp(scene.vault, cutting(0))).rejects.toMatchObject({ code: 'dump-cut' });
  expect(await manifests()).toEqual([]);
});

test('a record that may not be written is a warning, and changes nothing of what was found', async () => {
  const manifest = await backingUp();
  const vault: Vault = { ...scene.vault, putIfAbsent: denied };

  const found = await verifyRecorded(manifest, deps(vault), limit());

  expect(found.problems).toEqual([]);
  expect(warnings).toEqual(['the record of this verify could not be kept: no right to do that']);
});

test('a record of the same second is there already: that is no warning', async () => {
  const manifest = await backingUp();
  const clock = { now: () => new Date('2030-01-01T00:00:00Z') };

  await verifyRecorded(manifest, { ...deps(), clock }, limit());
  await verifyRecorded(manifest, { ...deps(), clock }, limit());

  expect(warnings).toEqual([]);
  expect(await proofs()).toEqual(['verify-passed']);
});

test('every part that is damaged or gone is found by a verification, named, and on record as failed', async () => {
  const manifest = await backingUp();
  await overwrite(scene.vault, fileOf(manifest, 'schema', manifest), 'damaged');
  await scene.vault.delete(fileOf(manifest, 'catalog', manifest), limit());

  const { problems, parts, bytes } = await verifyRecorded(manifest, deps(), limit());

  expect(problems.map(({ file, error }) => [file, error.code]).sort()).toEqual([
    ['catalog.json.zst', 'object-missing'],
    ['schema.sql.zst', 'part-corrupt'],
  ]);
  expect({ parts, bytes }).toEqual({ parts: 4, bytes: manifest.parts.reduce((sum, part) => sum + part.bytes, 0) });
  expect(await proofs()).toEqual(['verify-failed']);
  expect((await listBackups(shop, scene.vault, limit()))[0]).toMatchObject({
    status: 'complete',
    proof: { kind: 'verify', outcome: 'failed' },
  });
});

test("a vault that can't be asked leaves no record of a verification: it says nothing about the backup", async () => {
  const manifest = await backingUp();
  const vault: Vault = {
    ...scene.vault,
    async *get() {
      throw new BackupError('vault-unreachable', 'no answer');
    },
  };

  await expect(verifyRecorded(manifest, deps(vault), limit())).rejects.toMatchObject({ code: 'vault-unreachable' });
  expect(await proofs()).toEqual([]);
});

test('a failure of the server that is restored into says nothing about the backup', async () => {
  const manifest = await backingUp();
  const engine = toyEngine(server, 'again');
  const full: Engine = {
    ...engine,
    target: async (options, signal) => ({
      ...(await engine.target(options, signal)),
      prepare: () => Promise.reject(new BackupError('restore-failed', 'disk full')),
    }),
  };

  await expect(restoring(manifest, { engine: full })).rejects.toMatchObject({
    code: 'restore-failed',
    message: expect.stringContaining('disk full'),
  });
  expect(await proofs()).toEqual([]);
});

test('a backup that a rotation removes while it is pinned is not pinned, and that is said', async () => {
  const { id } = await backingUp();
  const vault: Vault = {
    ...scene.vault,
    async putIfAbsent(key, body, tags, stop) {
      if (key.endsWith('pin.json')) await scene.vault.delete(manifestKey(shop, id as BackupId), stop);
      return scene.vault.putIfAbsent(key, body, tags, stop);
    },
  };

  await expect(
    openStore(vault).pin(shop, id as BackupId, { reason: 'audit', by: 'me' }, deps(), limit()),
  ).rejects.toMatchObject({ code: 'backup-missing' });
});

test('a plan and a target are closed, whatever happens', async () => {
  const manifest = await backingUp();
  const closed: string[] = [];
  const failing = (engine: Engine): Engine => ({
    ...engine,
    plan: async (options, signal) => ({
      ...(await engine.plan(options, signal)),
      confirm: () => Promise.reject(new BackupError('dump-cut', 'a table is missing')),
      close: async () => void closed.push('plan'),
    }),
    target: async (options, signal) => ({
      ...(await engine.target(options, signal)),
      close: async () => void closed.push('target'),
    }),
  });

  await expect(restoring(manifest, { engine: failing(toyEngine(server, 'again')) })).rejects.toMatchObject({
    code: 'dump-cut',
  });
  await expect(backingUp(scene.vault, failing(toyEngine(server, 'shop')))).rejects.toMatchObject({ code: 'dump-cut' });

  expect(closed).toEqual(['plan', 'target', 'plan']);
  expect(await manifests()).toHaveLength(1);
});

test('what a backup has said of itself stands in its manifest: rows, sizes, warnings and exceptions', async () => {
  const engine = toyEngine(server, 'shop');
  const talking: Engine = {
    ...engine,
    async plan(options, signal) {
      const plan = await engine.plan(options, signal);
      return {
        ...plan,
        warnings: ['early'],
        confirm: async (seen) => ({ tables: seen, warnings: ['late'], exceptions: ['column c: digits'] }),
      };
    },
  };

  const manifest = await backingUp(scene.vault, talking);

  expect(manifest).toMatchObject({
    warnings: ['early', 'late'],
    exceptions: ['column c: digits'],
    objects: { table: 2 },
  });
  expect(warnings).toEqual(['early', 'late', 'column c: digits']);
  expect(manifest.tables.map(({ table, rows: count }) => [table, count]).sort()).toEqual([
    ['public.items', 2],
    ['public.orders', 3],
  ]);
  expect(manifest.parts.filter(({ role }) => role === 'data').map((part) => part.rows)).toEqual([3, 2]);
  expect((await verify(manifest, deps(), limit())).problems).toEqual([]);
  expect(await keys()).toEqual(
    expect.arrayContaining(manifest.parts.map(({ file }) => `${backupPrefix(shop, manifest.id as BackupId)}${file}`)),
  );
});
