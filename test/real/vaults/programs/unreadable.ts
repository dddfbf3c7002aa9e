import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { isBackupError } from '../../../../core/domain/errors.ts';
import { folderVault } from '../../../../core/vaults/folder/folder.ts';
import { keysOf } from '../../../contract/vault/vault-data.ts';

/**
 * As nobody in particular (root reads everything): lists a vault one of whose folders may not be read. Prints what
 * happened.
 */
const [root = '', ...folders] = process.argv.slice(2);
const outcomes: string[] = [];
for (const folder of folders) {
  await chmod(join(root, folder), 0);
  for (const prefix of ['', 'shop/'])
    outcomes.push(
      await keysOf(folderVault(root), prefix).then(
        (keys) => keys.join(),
        (error: unknown) => (isBackupError(error) ? error.code : String(error)),
      ),
    );
  await chmod(join(root, folder), 0o700);
}
process.stdout.write(JSON.stringify(outcomes));
