import { createHash } from 'node:crypto';
import { chmod, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { findManifest, listBackups } from '../../support/vaults/listed.ts';
import { restore } from '../../../core/commands/restore/restore.ts';
import { verify } from '../../../core/commands/proof/verify.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import type { BackupId, SourceName } from '../../../core/domain/keys.ts';
import { isBackupError } from '../../../core/domain/errors.ts';
import { postgresEngine } from '../../../core/engines/postgres/index.ts';
import type { Vault } from '../../../core/vault.ts';
import type { Tools } from '../../../core/tools.ts';
import { openStore } from '../../../core/store/store.ts';
import { putBackup } from '../../support/vaults/history.ts';
import { folderScene, limit } from '../../support/vaults/vault.ts';
import type { FolderScene } from '../../support/vaults/vault.ts';

// Somebody has written into the vault who should not: what he wrote is refused before it is believed.
const shop = 'shop' as SourceName;
const id = '20261120T020000Z-7f3a9c' as BackupId;
/** Nobody listens there: whoever gets as far as the database fails with another error. */
const engine = postgresEngine(
  {
    host: '127.0.0.1',
    port: 9,
    user: 'u',
    password: 'p',
    database: 'shop',
    tls: { mode: 'off' },
    lockTimeoutMs: 100,
    idleLimitMs: 100,
    parallel: 1,
  },
  {} as Tools,
);
let scene: FolderScene;
let good: Manifest;

beforeAll(async () => {
  scene = await folderScene();
  good = await putBackup(scene.vault, 'shop', id);
});
afterAll(() => scene.remove());
beforeEach(() => overwrite('manifest.json', JSON.stringify(good)));

async function overwrite(file: string, content: string | Uint8Array): Promise<void> {
  const path = join(scene.folder, 'shop', id, file);
  await chmod(path, 0o600);
  await writeFile(path, content);
}

const part = (more: object): object => ({ ...good, parts: [{ ...good.parts[0], ...more }, good.parts[1]] });
const without = (key: keyof Manifest): object =>
  Object.fromEntries(Object.entries(good).filter(([name]) => name !== key));

const manifests: [string, () => unknown][] = [
  ...[
    '../../other/20261120T020000Z-7f3a9c/data/0001.sql.zst',
    '/etc/passwd',
    'data/../../x',
    '..',
    'data/..',
    'data/.hidden',
    'data/a/b',
    'data\\0001',
    'data//0001',
    'data/0001\n',
    '',
    'DATA/1',
    'data/%2e%2e',
  ].map((file): [string, () => unknown] => [`a part named ${JSON.stringify(file)}`, () => part({ file })]),
  ...[-1, 1.5, 2 ** 60, '12', null].map((bytes): [string, () => unknown] => [
    `a part of ${bytes} bytes`,
    () => part({ bytes }),
  ]),
  ['a checksum that is none', () => part({ sha256: 'f'.repeat(63) })],
  ['a role that is none', () => part({ role: 'script' })],
  ['two parts of one name', () => ({ ...good, parts: [good.parts[0], good.parts[0]] })],
  ['no part', () => ({ ...good, parts: [] })],
  ['another source', () => ({ ...good, source: 'other' })],
  ['another id', () => ({ ...good, id: '20261120T020000Z-000000' })],
  ['a format to come', () => ({ ...good, format: 2 })],
  ['a field that nobody knows', () => ({ ...good, run_me: 'rm -rf /' })],
  ...(['parts', 'tables', 'engine', 'sequences', 'start', 'id'] as const).map((key): [string, () => unknown] => [
    `${key} left out`,
    () => without(key),
  ]),
  ['a list', () => [good]],
  ['nothing', () => null],
];
test.each(manifests)(
  'a manifest with %s makes no backup: it is shown as unreadable, and neither found nor counted',
  async (_, make) => {
    await overwrite('manifest.json', JSON.stringify(make()));

    const listed = await listBackups(shop, scene.vault, limit());

    expect(listed).toMatchObject([{ id, status: 'unreadable', why: expect.stringContaining('manifest.json') }]);
    await expect(findManifest(shop, 'latest', scene.vault, limit())).rejects.toMatchObject({
      code: 'manifest-invalid',
    });
  },
);

test.each([
  ['that is cut', (): string => JSON.stringify(good).slice(0, -2)],
  ['of bytes that are no text', (): Buffer => Buffer.alloc(100, 0xff)],
  ['that is empty', (): string => ''],
] as const)('a manifest %s is unreadable', async (_, make) => {
  await overwrite('manifest.json', make());

  await expect(findManifest(shop, id, scene.vault, limit())).rejects.toMatchObject({ code: 'manifest-invalid' });
});

test('a manifest of gigabytes is not read into memory', async () => {
  await truncate(join(scene.folder, 'shop', id, 'manifest.json'), 8 * 1024 ** 3);

  await expect(findManifest(shop, id, scene.vault, limit())).rejects.toMatchObject({
    code: 'manifest-invalid',
    message: expect.stringContaining('too large'),
  });
  expect(await listBackups(shop, scene.vault, limit())).toMatchObject([{ id, status: 'unreadable' }]);
});

/** The good backup with another catalog, as a manifest that was forged to fit describes it. */
async function withCatalog(content: Uint8Array, bytes = content.length): Promise<Manifest> {
  const stored = zstdCompressSync(content);
  await overwrite('catalog.json.zst', stored);
  return {
    ...good,
    parts: [
      good.parts[0]!,
      {
        ...good.parts[1]!,
        bytes,
        storedBytes: stored.length,
        sha256: createHash('sha256').update(stored).digest('hex'),
      },
    ],
  };
}

test.each<[string, () => Promise<Manifest>]>([
  ['that unfolds to a thousand times what the manifest says', () => withCatalog(Buffer.alloc(64 * 1024 ** 2), 100)],
  ['of a size that no memory holds', () => withCatalog(Buffer.from('{}'), 2 ** 50)],
  ['that is no JSON', () => withCatalog(Buffer.from('schema public'))],
  ['that is another document', () => withCatalog(Buffer.from('{"table":["orders"]}'))],
])('a catalog %s is refused before anything is asked of a database', async (_, forged) => {
  const manifest = await forged();

  const restored = restore(
    manifest,
    engine,
    { replace: false, owners: true, proof: true },
    { ...scene.deps(), parallel: 1 },
    limit(),
  );

  await expect(restored).rejects.toMatchObject({
    code: 'part-corrupt',
    message: expect.stringContaining('catalog.json.zst'),
  });
});

test('a catalog that is larger than any is refused by its size, before a byte of it is read', async () => {
  const manifest = { ...good, parts: [good.parts[0]!, { ...good.parts[1]!, bytes: 256 * 1024 ** 2 + 1 }] };
  const nothing: Vault = {
    ...scene.vault,
    get: () => {
      throw new Error('read');
    },
  };

  await expect(openStore(nothing).readCatalog(manifest, limit())).rejects.toMatchObject({
    code: 'part-corrupt',
    message: expect.stringContaining('the manifest says that it holds 268435457 bytes'),
  });
  await expect(openStore(nothing).readCatalog(good, limit())).rejects.toThrow('read');
});

test('sizes beyond all disks are no reason to fall over: verify names the parts that are not so', async () => {
  const manifest = { ...good, parts: good.parts.map((one) => ({ ...one, bytes: 2 ** 52, storedBytes: 2 ** 52 })) };

  const { problems } = await verify(manifest, scene.deps(), limit());

  expect(problems.map(({ file, error }) => [file, isBackupError(error, 'part-corrupt')])).toEqual(
    good.parts.map(({ file }) => [file, true]),
  );
});
