import { realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

/** Where the databases of a source are: `path` is its own; `scratch` is the folder of copies and drills. */
export type SqliteFiles = { path: string; scratch: string; waitMs: number; keepReplacedMs?: number | undefined };

/** A name is a file beside the database of the source; a path is that path. */
export function pathOf(database: string, { path }: Pick<SqliteFiles, 'path'>): string {
  return database.includes('/') ? resolve(database) : join(dirname(path), database);
}

/** What a file is called where the source is known: by its name beside it, by its path elsewhere. */
export function databaseAt(path: string, own: Pick<SqliteFiles, 'path'>): string {
  return dirname(path) === dirname(own.path) ? basename(path) : path;
}

/** Where a path leads, if it is a link; else itself. */
export async function realOf(path: string): Promise<string> {
  return (await realpath(path).catch(unlessGone)) ?? path;
}

/** Lets pass that something is not there; whatever else the system says, nobody knows what is there. */
export function unlessGone(error: unknown): undefined {
  if (!['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
}

export function placeOf(path: string): string {
  return `sqlite:${path}`;
}
