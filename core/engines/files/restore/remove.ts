import { chmod, readdir, rm } from 'node:fs/promises';
import { at, codeOf, unlessGone } from '../paths.ts';

/** Removes a folder and everything in it, also what its owner had made unwritable. It need not be there. */
export async function removeTree(folder: string): Promise<void> {
  const remove = () => rm(folder, { recursive: true, force: true });
  await remove().catch(async (error: unknown) => {
    if (!['EACCES', 'EPERM'].includes(codeOf(error) ?? '')) throw error;
    await makeWritable(folder, '.');
    await remove();
  });
}

async function makeWritable(folder: string, path: string): Promise<void> {
  await chmod(at(folder, path), 0o700).catch(unlessGone);
  const entries = await readdir(at(folder, path), { withFileTypes: true, encoding: 'buffer' });
  for (const entry of entries)
    if (entry.isDirectory()) await makeWritable(folder, `${path}/${entry.name.toString('latin1')}`);
}
