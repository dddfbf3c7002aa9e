import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { ObjectKey } from '../../../core/domain/keys.ts';
import { objectKey } from '../../../core/domain/keys.ts';
import { folderVault } from '../../../core/vaults/folder/folder.ts';
import { vaultContract } from './vault-contract.ts';

vaultContract('a folder', async () => {
  const above = await mkdtemp(join(tmpdir(), 'nightjar-vault-'));
  const root = join(above, 'vault');
  const first = objectKey('first');
  await folderVault(root).putIfAbsent(first, Buffer.from('x'), {}, AbortSignal.timeout(10_000));
  await folderVault(root).delete(first, AbortSignal.timeout(10_000));
  return {
    vault: folderVault(root),
    missing: folderVault(join(above, 'not-there')),
    tagsOf: undefined,
    leftovers: () => readdir(join(root, '.nightjar/incoming')),
    close: () => rm(above, { recursive: true }),
  };
});

test('an object is shared by a second name, and each of the two is removed alone', async () => {
  const root = await mkdtemp(join(tmpdir(), 'nightjar-shared-'));
  const vault = folderVault(root);
  const signal = AbortSignal.timeout(10_000);
  const [first, second, third] = ['a/one', 'b/c/two', 'b/three'].map(objectKey) as [ObjectKey, ObjectKey, ObjectKey];
  const share = (from: ObjectKey, to: ObjectKey, bytes: number) => vault.share!([{ from, to, bytes }], signal);
  await vault.putIfAbsent(first, Buffer.from('content'), {}, signal);
  await vault.putIfAbsent(third, Buffer.from('another'), {}, signal);

  expect(await share(first, second, 6)).toBe(false);
  expect(await share(first, second, 7)).toBe(true);
  expect(await share(first, second, 7)).toBe(true);
  await expect(share(first, third, 7)).rejects.toMatchObject({ code: 'object-exists' });
  await expect(share(objectKey('a/none'), third, 7)).rejects.toMatchObject({ code: 'object-missing' });

  expect((await stat(join(root, first))).ino).toBe((await stat(join(root, second))).ino);
  const listed = await Array.fromAsync(vault.list('', signal));
  expect(listed.flatMap(({ key, file }) => (file === undefined ? [] : [key])).toSorted()).toEqual([first, second]);
  expect(await vault.delete(first, signal)).toEqual({ state: 'gone', shared: true });
  expect(await readFile(join(root, second), 'utf8')).toBe('content');
  expect(await vault.delete(second, signal)).toEqual({ state: 'gone' });
  await rm(root, { recursive: true });
});
