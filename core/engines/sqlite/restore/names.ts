import { rm } from 'node:fs/promises';

/** What SQLite may keep beside a database. */
export const sidecars = ['-wal', '-shm', '-journal'] as const;

/** Whether a name is that of something that SQLite keeps beside a database. */
export function isBeside(name: string): boolean {
  return sidecars.some((ending) => name.endsWith(ending));
}

/** A file, and what SQLite has put beside it. */
export async function removeDatabase(path: string): Promise<void> {
  for (const ending of ['', ...sidecars]) await rm(`${path}${ending}`, { force: true });
}
