import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { backup } from '../../../../core/commands/backup.ts';
import { findManifest, listBackups } from '../../../support/vaults/listed.ts';
import { manifestDocument, parseManifest } from '../../../../core/store/backups/manifest-document.ts';
import type { Manifest } from '../../../../core/contract/manifest/manifest.ts';
import { manifestKey } from '../../../../core/domain/layout/places.ts';
import type { BackupId, SourceName } from '../../../../core/domain/keys.ts';
import { dailyIds, putBackup } from '../../../support/vaults/history.ts';
import { toyEngine, toySource } from '../../../support/worlds/toy-engine.ts';
import { folderScene, limit } from '../../../support/vaults/vault.ts';
import type { FolderScene } from '../../../support/vaults/vault.ts';

const shop = 'shop' as SourceName;
const ids = dailyIds(3);
let scene: FolderScene;
let manifests: Manifest[];

beforeAll(async () => {
  scene = await folderScene();
  manifests = [];
  for (const id of ids) manifests.push(await putBackup(scene.vault, 'shop', id));
});
afterAll(() => scene.remove());

async function overwrite(id: BackupId, content: Uint8Array): Promise<void> {
  const path = join(scene.folder, manifestKey(shop, id));
  await chmod(path, 0o600);
  await writeFile(path, content);
}

/** The document with one byte changed in every way that may happen, lost, or one more. */
function* changed(document: Buffer): Iterable<Buffer> {
  for (let at = 0; at <= document.length; at += 1) {
    const was = document[at];
    const others =
      was === undefined
        ? []
        : [...Array.from({ length: 8 }, (_, bit) => was ^ (1 << bit)), 0, 0x20, 0x0a, 0x22, 0x30, 0x61, 0xff].filter(
            (byte) => byte !== was,
          );
    for (const byte of new Set(others))
      yield Buffer.concat([document.subarray(0, at), Buffer.from([byte]), document.subarray(at + 1)]);
    if (was !== undefined) yield Buffer.concat([document.subarray(0, at), document.subarray(at + 1)]);
    for (const more of [' ', '\n', '0', '"', ','])
      yield Buffer.concat([document.subarray(0, at), Buffer.from(more), document.subarray(at)]);
  }
}

test('every change of a single byte of a manifest is found', () => {
  const [manifest] = manifests;
  const document = manifestDocument({ ...manifest!, warnings: ['ü'], exceptions: ['column a'], restore: ['set -e'] });
  let tried = 0;

  for (const other of changed(document)) {
    tried += 1;
    if (!('why' in parseManifest(other))) throw new Error(`taken for good: ${other.toString()}`);
  }

  expect(parseManifest(document)).toMatchObject({ manifest: { id: ids[0], warnings: ['ü'] } });
  expect(tried).toBeGreaterThan(20_000);
});

test('a manifest of an older version, without a checksum, is read as it is', async () => {
  expect(parseManifest(Buffer.from(JSON.stringify(manifests[0])))).toEqual({ manifest: manifests[0] });
  expect(parseManifest(Buffer.from(JSON.stringify(manifests[0], undefined, 1)))).toEqual({ manifest: manifests[0] });
});

test.each([
  ['the last line', (document: string) => document.replace(/,\n "sha256": "[0-9a-f]{64}"\n\}\n$/, '\n}\n')],
  [
    'the key, and all printed anew',
    (document: string) => JSON.stringify({ ...(JSON.parse(document) as object), sha256: undefined }),
  ],
])('museum: a manifest out of which %s was taken was read as one of an older version', (_, without) => {
  const document = manifestDocument(manifests[0]!).toString();

  expect(JSON.parse(without(document))).not.toHaveProperty('sha256');
  expect(parseManifest(Buffer.from(without(document)))).toEqual({ why: 'its own checksum was taken out of it' });
});

test.each([{ encryption: { method: 'age' as const, recipients: ['age1x'] } }, { rowForm: 'stored-bytes' }])(
  'a manifest with %j has a checksum: no version before that wrote it',
  (key) => {
    const later = { ...manifests[0]!, ...key };

    expect(parseManifest(manifestDocument(later))).toEqual({ manifest: later });
    expect(parseManifest(Buffer.from(JSON.stringify(later)))).toEqual({
      why: 'its own checksum was taken out of it',
    });
  },
);

test('a manifest of the versions that had a checksum and did not say so is read', () => {
  const before = JSON.stringify(manifests[0], undefined, 1).replace(/\n\}$/, ',\n');
  const digest = createHash('sha256').update(before).digest('hex');

  expect(parseManifest(Buffer.from(`${before} "sha256": "${digest}"\n}\n`))).toEqual({ manifest: manifests[0] });
});

test('what it says beside the checksum is what was backed up, and two documents of it are the same', () => {
  const document = manifestDocument(manifests[0]!);

  expect(parseManifest(document)).toEqual({ manifest: manifests[0] });
  expect(parseManifest(manifestDocument(manifests[0]!))).toEqual({ manifest: manifests[0] });
  expect(Object.keys(JSON.parse(document.toString()) as object).at(-1)).toBe('sha256');
});

test('the checksum can be checked by hand, as docs/backup-format.md says', async () => {
  await overwrite(ids[0]!, manifestDocument(manifests[0]!));
  const page = await readFile(join(import.meta.dirname, '../../../../docs/backup-format.md'), 'utf8');
  const commands = /```bash manifest\n([^]*?)```/.exec(page)![1]!;
  const cwd = join(scene.folder, 'shop', ids[0]!);

  expect(execFileSync('bash', ['-c', commands], { cwd }).toString()).toBe('OK\n');
  await overwrite(
    ids[0]!,
    Buffer.from(manifestDocument(manifests[0]!).toString().replace('"rows"', '"rows" ').replace('UTC', 'GMT')),
  );
  expect(() => execFileSync('bash', ['-c', commands], { cwd, stdio: 'pipe' })).toThrow();
});

test('a changed manifest is shown as unreadable, restored and verified by nobody, and hides none of the others', async () => {
  await overwrite(ids[0]!, manifestDocument(manifests[0]!));
  const document = manifestDocument(manifests[1]!).toString();
  await overwrite(ids[1]!, Buffer.from(document.replace('"shop"', '"shoq"')));

  expect((await listBackups(shop, scene.vault, limit())).map(({ id, status }) => [id, status])).toEqual([
    [ids[0], 'complete'],
    [ids[1], 'unreadable'],
    [ids[2], 'complete'],
  ]);
  await expect(findManifest(shop, ids[1]!, scene.vault, limit())).rejects.toMatchObject({
    code: 'manifest-invalid',
    message: expect.stringContaining('a byte of it has changed'),
  });
  expect(await findManifest(shop, 'latest', scene.vault, limit())).toMatchObject({ id: ids[2] });
});

test('museum: a digit of a row count that changes on the disk makes no backup of fewer rows: it is shown as unreadable', async () => {
  const engine = toyEngine(new Map([['shop', { orders: ['1', '2', '3'] }]]), 'shop');
  const { id } = await backup(toySource(engine), scene.deps(), limit());
  const document = await readFile(join(scene.folder, manifestKey(shop, id as BackupId)), 'utf8');
  expect(document).toContain('"rows": 3');

  await overwrite(id as BackupId, Buffer.from(document.replace('"rows": 3', '"rows": 2')));

  expect((await listBackups(shop, scene.vault, limit())).find((one) => one.id === id)).toMatchObject({
    status: 'unreadable',
  });
  await expect(findManifest(shop, id, scene.vault, limit())).rejects.toMatchObject({ code: 'manifest-invalid' });
});
