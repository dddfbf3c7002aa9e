import { readFile, writeFile } from 'node:fs/promises';
import { BackupError } from '../../../core/domain/errors.ts';

/**
 * Where Debian's loader looks for a library that is nowhere else, as its text holds them, and what the layer's loader
 * has in their place: the kernel's own folder, in which nobody can make a file. Each is as long as what it replaces,
 * for the loader knows the lengths.
 */
const places = /\/lib\/((?:x86_64|aarch64)-linux-gnu)\/\0\/usr\/lib\/\1\/\0\/lib\/\0\/usr\/lib\/\0/g;

/**
 * Takes the host's library folders out of the loader `file`, in place: else the modules that the host's
 * /etc/nsswitch.conf names (libnss_….so.2) are loaded into our programs, with all that they need. Names are then looked
 * up by what is in the C library itself: files and DNS. Throws `tools-missing`.
 */
export async function withoutHostFolders(file: string): Promise<void> {
  const before = await readFile(file, 'latin1');
  const after = before.replace(places, (found) => found.split('\0').map(nowhere).join('\0'));
  if (after === before) {
    throw new BackupError(
      'tools-missing',
      'the folders in which the loader looks for libraries are not where they are known to be',
      {
        hint:
          'the C library has changed: read its list of system directories (glibc, elf/dl-load.c), and mend ' +
          'layers/db-tools/elf/loader.ts',
      },
    );
  }
  await writeFile(file, after, 'latin1');
}

/** `/sys/sys/` for `/usr/lib/`: a path of the same length below /sys. */
function nowhere(folder: string): string {
  return folder === '' ? '' : `${'/sys/'.repeat(folder.length).slice(0, folder.length - 1)}/`;
}
