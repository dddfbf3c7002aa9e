import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm, symlink, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { findManifest, listBackups } from '../../support/vaults/listed.ts';
import { rotate } from '../../../core/commands/rotate.ts';
import { verify } from '../../../core/commands/proof/verify.ts';
import { manifestKey } from '../../../core/domain/layout/places.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import type { Vault } from '../../../core/vault.ts';
import { folderVault } from '../../../core/vaults/folder/folder.ts';
import { chunks, keysOf } from '../../contract/vault/vault-data.ts';
import { dailyIds, none, policyOf, putBackup, rotatingIn, signal } from '../../support/vaults/history.ts';
import { depsOf } from '../../support/vaults/vault.ts';

// People move vaults about with the tools of their system: what is there must be seen, and what can't be seen must not
// read as nothing.
const shop = 'shop' as SourceName;
const ids = dailyIds(4);
let above: string;
let root: string;

beforeEach(async () => {
  above = await mkdtemp(join(tmpdir(), 'nightjar-moved-'));
  root = join(above, 'vault');
  for (const id of ids) await putBackup(folderVault(root), 'shop', id);
});
afterEach(() => rm(above, { recursive: true }));

const listed = async (vault: Vault) =>
  (await listBackups(shop, vault, signal)).map(({ id, status }) => `${status} ${id}`);
const all = ids.map((id) => `complete ${id}`);

test('museum: a copy that cp made without the hidden folder is a vault, and not one without backups', async () => {
  const copy = join(above, 'copy');
  await mkdir(copy);
  execFileSync('sh', ['-c', `cp -r "$1"/* "$2"`, 'sh', root, copy]);

  expect(await listed(folderVault(copy))).toEqual(all);
  expect(await findManifest(shop, 'latest', folderVault(copy), signal)).toMatchObject({ id: ids.at(-1) });
  expect(
    (await verify(await findManifest(shop, ids[0]!, folderVault(copy), signal), depsOf(folderVault(copy)), signal))
      .problems,
  ).toEqual([]);
  await putBackup(folderVault(copy), 'shop', dailyIds(1, '2026-11-21')[0]!);
  expect(await listed(folderVault(copy))).toHaveLength(5);
});

test('a folder without any backup is still no vault: its disk may not be mounted', async () => {
  const empty = join(above, 'empty');
  await mkdir(join(empty, 'shop/2026'), { recursive: true });
  await mkdir(join(empty, 'shop', ids[0]!, 'manifest.json'), { recursive: true });

  await expect(listed(folderVault(empty))).rejects.toMatchObject({ code: 'vault-unreachable' });
});

test.each([
  ['a source', 'shop'],
  ['a backup', `shop/${ids[1]}`],
  ['a manifest', `shop/${ids[1]}/manifest.json`],
])('museum: %s that was moved away and linked back is told, and does not read as nothing', async (_, path) => {
  const elsewhere = join(above, 'elsewhere');
  await rename(join(root, path), elsewhere);
  await symlink(elsewhere, join(root, path));

  const linked = {
    code: 'vault-failed',
    message: expect.stringContaining(`${path} is a symbolic link`),
    hint: expect.stringContaining('mount --bind'),
  };
  await expect(listed(folderVault(root))).rejects.toMatchObject(linked);
  await expect(keysOf(folderVault(root), '')).rejects.toMatchObject(linked);
});

test('a source that is linked to a disk which is not mounted is told, too', async () => {
  await rm(join(root, 'shop'), { recursive: true });
  await symlink(join(above, 'not-mounted'), join(root, 'shop'));

  const linked = { code: 'vault-failed', message: expect.stringContaining('shop is a symbolic link') };
  await expect(listed(folderVault(root))).rejects.toMatchObject(linked);
  await expect(keysOf(folderVault(root), '')).rejects.toMatchObject(linked);
});

test('museum: one manifest of gigabytes hides none of the others', async () => {
  const path = join(root, manifestKey(shop, ids[1]!));
  execFileSync('chmod', ['u+w', path]);
  await truncate(path, 2 * 1024 ** 3);

  expect(await listed(folderVault(root))).toEqual([all[0], `unreadable ${ids[1]}`, all[2], all[3]]);
  expect(await findManifest(shop, 'latest', folderVault(root), signal)).toMatchObject({ id: ids[3] });
  await expect(findManifest(shop, ids[1]!, folderVault(root), signal)).rejects.toMatchObject({
    code: 'manifest-invalid',
    message: expect.stringContaining('too large'),
  });
});

/** A vault in which this happens between its listing and what is read of it. */
function meanwhile(vault: Vault, happens: () => Promise<unknown>): Vault {
  return {
    ...vault,
    async *list(prefix, stop) {
      yield* await Array.fromAsync(vault.list(prefix, stop));
      await happens();
    },
  };
}

test('museum: a list made while a rotation removes backups shows those that stay', async () => {
  const vault = folderVault(root);
  const rotating = rotatingIn(vault, '2026-11-22T12:00:00Z');
  const rotates = () =>
    rotate(shop, policyOf({ ...none, last: 1 }), { dryRun: false, anyShare: true }, rotating.deps(), signal);

  expect(await listed(meanwhile(vault, rotates))).toEqual([all[3]]);
});

test('the latest backup, if it is removed after it was listed, is the one before it', async () => {
  const vault = folderVault(root);

  expect(
    await findManifest(
      shop,
      'latest',
      meanwhile(vault, () => rm(join(root, 'shop', ids[3]!), { recursive: true, force: true })),
      signal,
    ),
  ).toMatchObject({ id: ids[2] });
});

test('a backup that rotation removes while it is verified is gone, and not damaged', async () => {
  const manifest = await findManifest(shop, ids[0]!, folderVault(root), signal);
  await rm(join(root, 'shop', ids[0]!), { recursive: true });

  await expect(verify(manifest, depsOf(folderVault(root)), signal)).rejects.toMatchObject({ code: 'backup-missing' });
});

test('a part that is gone beside its manifest is a problem of the backup', async () => {
  const manifest = await findManifest(shop, ids[0]!, folderVault(root), signal);
  await folderVault(root).delete(`shop/${ids[0]}/data/0001.sql.zst` as never, signal);
  await folderVault(root).put(`shop/${ids[0]}/other` as never, chunks(Buffer.from('x')), {}, signal);

  expect((await verify(manifest, depsOf(folderVault(root)), signal)).problems).toMatchObject([
    { error: { code: 'object-missing' } },
  ]);
});
