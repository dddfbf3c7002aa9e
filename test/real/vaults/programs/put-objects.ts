import { randomInt, randomUUID } from 'node:crypto';
import { objectKey } from '../../../../core/domain/keys.ts';
import { folderVault } from '../../../../core/vaults/folder/folder.ts';
import { patterned } from '../../../contract/vault/vault-data.ts';

/** Puts objects into a folder vault for ever; each one's name ends in its size. Says `+` after each. */
const [root = ''] = process.argv.slice(2);
const vault = folderVault(root);
for (;;) {
  const size = randomInt(3_000_000);
  await vault.put(
    objectKey(`objects/${randomUUID()}/${size}`),
    patterned(size, 65_536),
    {},
    new AbortController().signal,
  );
  process.stdout.write('+');
}
