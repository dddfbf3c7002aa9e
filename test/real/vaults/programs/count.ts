import { objectKey } from '../../../../core/domain/keys.ts';
import { folderVault } from '../../../../core/vaults/folder/folder.ts';
import { count } from '../../../contract/vault/vault-data.ts';

/** Adds to the counter of a folder vault for ever, and says `+` after each time that it was told it had. */
const [root = ''] = process.argv.slice(2);
await count(folderVault(root), objectKey('count/lease.json'), Infinity, new AbortController().signal, () =>
  process.stdout.write('+'),
);
