import { execFileSync } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isBackupError } from '../../../../core/domain/errors.ts';
import { objectKey } from '../../../../core/domain/keys.ts';
import { folderVault } from '../../../../core/vaults/folder/folder.ts';
import { keysOf, patterned } from '../../../contract/vault/vault-data.ts';

/**
 * In a mount namespace of its own, whose /etc/fstab puts a disk at `disk` below the given folder: writes while it is
 * away, and when it is there. Prints what happened.
 */
const [folder = ''] = process.argv.slice(2);
const disk = join(folder, 'disk');
const vault = folderVault(join(disk, 'vault'));
const signal = new AbortController().signal;
const put = async (): Promise<string> =>
  vault.put(objectKey('first'), patterned(1000, 1000), {}, signal).then(
    () => 'stored',
    (error: unknown) =>
      isBackupError(error) ? `${error.code}: ${error.message.replaceAll(folder, '')}` : String(error),
  );

await mkdir(disk);
await mkdir(join(folder, 'etc'));
await writeFile(join(folder, 'etc/fstab'), `tmpfs ${disk} tmpfs noauto 0 0\n`);
execFileSync('mount', ['--bind', join(folder, 'etc'), '/etc']);
const away = await put();
const written = await readdir(disk);
execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', disk]);
const there = await put();
const listed = await keysOf(vault, '');
process.stdout.write(JSON.stringify({ away, written, there, listed }));
