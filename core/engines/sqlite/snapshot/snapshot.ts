import { constants } from 'node:fs';
import { access, open, realpath } from 'node:fs/promises';
import { BackupError, isBackupError } from '../../../domain/errors.ts';
import { realOf } from '../place.ts';
import { resultCodes, notDatabase } from '../failures.ts';
import type { HeldState } from '../program/questions.ts';
import { startSqlite } from './asking.ts';
import type { SqliteProcess, SqliteRefusal } from './asking.ts';
import { copyAside, copyIfStill } from './copy.ts';
import type { CopyAside, DatabaseFile } from './copy.ts';
import { identityOf } from './image.ts';
import type { ImageRecipe } from './image.ts';
import { changed } from './wal.ts';

/** One committed state of a database, which stays until `close`; `sqlite` sees that state. */
export type HeldDatabase = { sqlite: SqliteProcess; image: ImageRecipe; close(): Promise<void> };

const magic = 'SQLite format 3\0';
const headerBytes = 100;
/** 1 means a rollback journal, 2 a log (https://sqlite.org/fileformat2.html#the_database_header). */
const readVersionAt = 19;
const inWalMode = 2;
const mostTries = 10;

/**
 * Holds one committed state of a database. In WAL mode the state is held as any reader does, which blocks no writer,
 * and is read in place. Everything else is copied first: with a rollback journal, under a lock that writers wait for;
 * if nobody has the database open, without a lock, because SQLite would have to write beside the file to read it. Never
 * writes to the database.
 */
export async function holdDatabase(where: DatabaseFile, signal: AbortSignal): Promise<HeldDatabase> {
  const path = await realpath(where.path).catch((cause: unknown) => {
    throw unreadable(where.place, cause);
  });
  const sqlite = startSqlite();
  try {
    return await held({ ...where, path }, sqlite, signal);
  } catch (error) {
    await sqlite.close();
    throw error;
  }
}

/** Holds a file that nobody else uses, without a lock. */
export async function holdOwn(path: string, place: string, signal: AbortSignal): Promise<HeldDatabase> {
  const sqlite = startSqlite();
  try {
    const state = await sqlite.ask('openOwn', { path }, place, signal);
    return heldAs(path, state, sqlite);
  } catch (error) {
    await sqlite.close();
    throw error;
  }
}

/** How a database would be held: in place, or from a copy, and whether writers wait for that. */
export async function wayToHold({
  path,
  place,
}: Pick<DatabaseFile, 'path' | 'place'>): Promise<'there' | 'copy' | 'locked copy'> {
  const real = await realOf(path);
  const { isWal } = await headOf(real, place);
  if (!isWal) return 'locked copy';
  return (await isShared(real)) ? 'there' : 'copy';
}

async function held(where: DatabaseFile, sqlite: SqliteProcess, signal: AbortSignal): Promise<HeldDatabase> {
  for (let tries = 0; tries < mostTries; tries += 1) {
    const found = await heldNow(where, sqlite, signal);
    if (found !== undefined) return found;
  }
  throw new BackupError('source-changed', `${where.place} is written to by somebody whose locks can't be seen here`, {
    hint: 'run this as the user of the application, who may write to the file -shm beside it; then run it again',
  });
}

/** Undefined if the database changed meanwhile: the next attempt may find another state. */
async function heldNow(
  where: DatabaseFile,
  sqlite: SqliteProcess,
  signal: AbortSignal,
): Promise<HeldDatabase | undefined> {
  const { path, place, waitMs } = where;
  const { isWal, identity } = await headOf(path, place);
  if (isWal && (await isShared(path))) {
    const state = await unlessRefused(sqlite.ask('holdWal', { path, waitMs }, place, signal));
    if (state !== undefined) return heldAs(path, state, sqlite, { identity });
  }
  if (!isWal) {
    const state = await unlessRefused(sqlite.ask('holdFile', { path, waitMs }, place, signal));
    if (state !== undefined) return openCopy(await copyAside(where, signal), sqlite, where, signal);
  }
  const copy = await copyIfStill(where, signal);
  return copy && openCopy(copy, sqlite, where, signal);
}

/** Whether others have the database open in WAL mode, so that we can join without making anything beside it. */
async function isShared(path: string): Promise<boolean> {
  return Promise.all([access(`${path}-shm`, constants.R_OK | constants.W_OK), access(`${path}-wal`)]).then(
    () => true,
    () => false,
  );
}

/** Undefined if SQLite would have to write to be able to read. */
async function unlessRefused(state: Promise<HeldState>): Promise<HeldState | undefined> {
  try {
    return await state;
  } catch (error) {
    const code = isBackupError(error) ? (error as Partial<SqliteRefusal>).refusal?.code : undefined;
    const primary = code === undefined ? undefined : code & 0xff;
    if (primary === resultCodes.readOnly || primary === resultCodes.cantOpen) return undefined;
    throw error;
  }
}

/** The copy is only ours, so its journal or log can be applied there. */
async function openCopy(
  copy: CopyAside,
  sqlite: SqliteProcess,
  { place }: DatabaseFile,
  signal: AbortSignal,
): Promise<HeldDatabase> {
  try {
    await sqlite.ask('release', {}, place, signal);
    if (!copy.isWhole) await sqlite.ask('settle', { path: copy.path }, place, signal);
    const state = await sqlite.ask('openOwn', { path: copy.path }, place, signal);
    return await heldAs(copy.path, state, sqlite, { remove: copy.remove });
  } catch (error) {
    await copy.remove();
    throw error;
  }
}

async function heldAs(
  path: string,
  state: HeldState,
  sqlite: SqliteProcess,
  { identity, remove }: { identity?: string; remove?: () => Promise<void> } = {},
): Promise<HeldDatabase> {
  const file = await open(path);
  const found = await identityOf(file).finally(() => file.close());
  if (identity !== undefined && found !== identity) throw changed();
  return {
    sqlite,
    image: { pages: state.pages, pageSize: state.pageSize, wal: state.wal && { ...state.wal }, path, file: found },
    async close() {
      await sqlite.close();
      await remove?.();
    },
  };
}

/** Which journal mode the database has, and which file it is. Throws if it is no database. */
async function headOf(path: string, place: string): Promise<{ isWal: boolean; identity: string }> {
  // opening a pipe that nobody writes to would never return
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: unknown) => {
    throw unreadable(place, cause);
  });
  try {
    if (!(await file.stat()).isFile()) throw unusable(place, 'is no file');
    const { bytesRead, buffer } = await file.read(Buffer.alloc(headerBytes), 0, headerBytes, 0);
    if (bytesRead === 0) throw unusable(place, 'is empty: a file of 0 bytes');
    if (buffer.toString('latin1', 0, magic.length) !== magic) throw unusable(place, notDatabase().what);
    return { isWal: buffer[readVersionAt] === inWalMode, identity: await identityOf(file) };
  } finally {
    await file.close();
  }
}

function unusable(place: string, what: string): BackupError {
  return new BackupError('source-unsupported', `${place} ${what}`, { hint: notDatabase().hint });
}

function unreadable(place: string, cause: unknown): BackupError {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return new BackupError('source-unreachable', `${place} is not there`, {
      hint: 'correct the path (it is relative to the configuration)',
      cause,
    });
  if (code === 'EACCES' || code === 'EPERM')
    return new BackupError('privilege-missing', `${place} can't be read by this user`, {
      hint: 'give the user that runs this the right to read the file and its folder',
      cause,
    });
  return new BackupError('source-unreachable', `${place} can't be read: ${(cause as Error).message}`, { cause });
}
