import { realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

/** Where the databases of a source are: `path` is its own; `scratch` is the folder for copies and drills. */
export type SqliteFiles = { path: string; scratch: string; waitMs: number; keepReplacedMs?: number | undefined };

/** A name means a file beside the source's database; a path means itself. */
export function pathOf(database: string, { path }: Pick<SqliteFiles, 'path'>): string {
  return database.includes('/') ? resolve(database) : join(dirname(path), database);
}

/** The name of a file beside the source's database; its path if it is elsewhere. */
export function databaseAt(path: string, own: Pick<SqliteFiles, 'path'>): string {
  return dirname(path) === dirname(own.path) ? basename(path) : path;
}

/** Where a link leads; the path itself if it is none. */
export async function realOf(path: string): Promise<string> {
  return (await realpath(path).catch(unlessGone)) ?? path;
}

/** Returns undefined if something does not exist; for other errors nobody knows, so they are rethrown. */
export function unlessGone(error: unknown): undefined {
  if (!['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
}

export function placeOf(path: string): string {
  return `sqlite:${path}`;
}
