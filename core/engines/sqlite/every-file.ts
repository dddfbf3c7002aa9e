import { open, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { BackupError, messageOf } from '../../domain/errors.ts';
import type { ListedDatabase } from '../../domain/servers/databases.ts';
import { isBeside } from './restore/names.ts';

/** Replaced databases that are kept. */
const kept = /\.before_\d{8}T\d{6}Z/;
/** https://sqlite.org/fileformat.html, "The Database Header". */
const header = 'SQLite format 3\0';

/**
 * The files whose names match a pattern, with the reason if one can't be backed up. As in a shell, `*` does not match a
 * dot at the beginning. Throws `source-unreachable`.
 */
export async function listFiles(pattern: string): Promise<ListedDatabase[]> {
  const folder = dirname(pattern);
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw new BackupError('source-unreachable', `${folder} can't be read: ${messageOf(cause)}`, {
      hint: 'correct the path (it is relative to the configuration), or mount what lies there',
      cause,
    });
  });
  const matches = matching(basename(pattern));
  const names = entries
    .filter(
      (entry) => !entry.isDirectory() && matches.test(entry.name) && !isBeside(entry.name) && !kept.test(entry.name),
    )
    .map(({ name }) => name);
  if (names.length === 0)
    throw new BackupError('source-unreachable', `no file in ${folder} is called ${basename(pattern)}`, {
      hint: 'correct the pattern, or mount what lies there',
    });
  return Promise.all(names.toSorted().map(async (name) => ({ name, ...(await obstacleOf(join(folder, name))) })));
}

function matching(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, String.raw`\$&`);
  const hidden = pattern.startsWith('.') ? '' : String.raw`(?!\.)`;
  return new RegExp(`^${hidden}${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, 'su');
}

/** An empty file is an empty database. A file that vanishes now is missing from the next look. */
async function obstacleOf(file: string): Promise<{ why?: string }> {
  try {
    const handle = await open(file);
    try {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(header.length), 0, header.length, 0);
      const text = buffer.toString('latin1', 0, bytesRead);
      return text === '' || text === header ? {} : { why: 'is no database of SQLite, or an encrypted one' };
    } finally {
      await handle.close();
    }
  } catch (error) {
    return { why: `can't be read: ${messageOf(error)}` };
  }
}
