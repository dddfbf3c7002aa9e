import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
