import { readdir, rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { BackupError } from '../../../domain/errors.ts';
import { unlessGone } from '../place.ts';

/** What SQLite may keep beside a database. */
export const sidecars = ['-wal', '-shm', '-journal'] as const;

/** Whether this is a file that SQLite keeps beside a database. */
export function isBeside(name: string): boolean {
  return sidecars.some((ending) => name.endsWith(ending));
}

/**
 * Throws `target-not-empty` if a log or journal of another file lies beside a free path: SQLite would take it for the
 * new file's, and show its content.
 */
export async function requireNothingBeside(path: string, place: string): Promise<void> {
  const there = new Set(await readdir(dirname(path)).catch(unlessGone));
  const left = sidecars.map((ending) => `${basename(path)}${ending}`).filter((name) => there.has(name));
  if (left.length === 0) return;
  throw new BackupError('target-not-empty', `${place}: ${left.join(' and ')} of another file is beside it`, {
    hint:
      'SQLite would take it for the new file’s, and show what is in it: move it away first (it may hold what was last ' +
      'committed)',
  });
}

/** Removes a file, and what SQLite has put beside it. */
export async function removeDatabase(path: string): Promise<void> {
  for (const ending of ['', ...sidecars]) await rm(`${path}${ending}`, { force: true });
}
