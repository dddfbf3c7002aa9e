import { chmod, readdir, rename, rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { BackupError } from '../../../domain/errors.ts';
import { at, codeOf, whyOf } from '../paths.ts';

/** Removes a folder with everything in it, including what its owner had made unwritable. It need not exist. */
export async function removeTree(folder: string): Promise<void> {
  const remove = () => rm(folder, { recursive: true, force: true });
  await remove().catch(async (error: unknown) => {
    if (!['EACCES', 'EPERM'].includes(codeOf(error) ?? '')) throw error;
    await makeWritable(folder, '.');
    await remove();
  });
}

/**
 * The same for a folder that somebody could want back: renames it first, so that nobody takes a half removed one for
 * complete. Throws `machine-failed`.
 */
export async function dropTree(folder: string, aside: string): Promise<void> {
  await rename(folder, aside);
  await removeTree(aside).catch((cause: unknown) => {
    const what = `${basename(folder)} can't be removed whole, and what is left is called ${aside}: ${whyOf(cause)}`;
    throw new BackupError('machine-failed', what, { hint: 'remove it as who owns what is in it', cause });
  });
}

/** Skips what belongs to others, and what is gone meanwhile. */
async function makeWritable(folder: string, path: string): Promise<void> {
  await chmod(at(folder, path), 0o700).catch(() => undefined);
  const options = { withFileTypes: true, encoding: 'buffer' } as const;
  const entries = await readdir(at(folder, path), options).catch(() => []);
  for (const entry of entries)
    if (entry.isDirectory()) await makeWritable(folder, `${path}/${entry.name.toString('latin1')}`);
}
