import { open, realpath, stat } from 'node:fs/promises';
import { BackupError, isBackupError } from '../../../domain/errors.ts';
import { resultCodes, notDatabase } from '../failures.ts';
import type { HeldState } from '../program/questions.ts';
import { startSqlite } from './asking.ts';
import type { SqliteProcess, SqliteRefusal } from './asking.ts';
import { copyAside, copyUntilStill } from './copy.ts';
import type { CopyAside, DatabaseFile } from './copy.ts';
import { identityOf } from './image.ts';
import type { ImageRecipe } from './image.ts';

/** One committed state of a database, which stays until `close`; `sqlite` sees that state. */
export type HeldDatabase = { sqlite: SqliteProcess; image: ImageRecipe; close(): Promise<void> };

const magic = 'SQLite format 3\0';
const headerBytes = 100;
const inWalMode = 2;

/**
 * Holds one committed state of a database. In WAL mode the state is held as every reader holds one, which keeps nobody
 * from writing, and is read where it is. Everything else is copied aside first: under a lock that writers wait for where
 * there is a rollback journal, and without one where nobody has the database open, for SQLite would then write beside
 * it to read it. Never writes to it.
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

/** Holds a file that nobody else has, without a lock. */
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

async function held(where: DatabaseFile, sqlite: SqliteProcess, signal: AbortSignal): Promise<HeldDatabase> {
  const { path, place, waitMs } = where;
  const isWal = (await modeOf(path, place)) === inWalMode;
  if (isWal && (await isThere(`${path}-shm`)) && (await isThere(`${path}-wal`))) {
    const state = await unlessRefused(sqlite.ask('holdWal', { path, waitMs }, place, signal));
    if (state !== undefined) return heldAs(path, state, sqlite);
  }
  if (!isWal) {
    const state = await unlessRefused(sqlite.ask('holdFile', { path, waitMs }, place, signal));
    if (state !== undefined) return openCopy(await copyAside(where, signal), sqlite, where, signal);
  }
  return openCopy(await copyUntilStill(where, signal), sqlite, where, signal);
}

/** Undefined where SQLite would have to write to be able to read. */
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

/** The copy is ours alone: what its journal or log says is done there. */
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
    return await heldAs(copy.path, state, sqlite, copy.remove);
  } catch (error) {
    await copy.remove();
    throw error;
  }
}

async function heldAs(
  path: string,
  state: HeldState,
  sqlite: SqliteProcess,
  remove: () => Promise<void> = async () => undefined,
): Promise<HeldDatabase> {
  const file = await open(path);
  const identity = await identityOf(file).finally(() => file.close());
  return {
    sqlite,
    image: { pages: state.pages, pageSize: state.pageSize, wal: state.wal && { ...state.wal }, path, file: identity },
    async close() {
      await sqlite.close();
      await remove();
    },
  };
}

/** How the database keeps what is not committed: 1 is a rollback journal, 2 a log. Throws where it is no database. */
async function modeOf(path: string, place: string): Promise<number> {
  const file = await open(path).catch((cause: unknown) => {
    throw unreadable(place, cause);
  });
  try {
    if (!(await file.stat()).isFile()) throw unusable(place, 'is no file');
    const { bytesRead, buffer } = await file.read(Buffer.alloc(headerBytes), 0, headerBytes, 0);
    if (bytesRead === 0) throw unusable(place, 'is empty: a file of 0 bytes');
    if (buffer.toString('latin1', 0, magic.length) !== magic) throw unusable(place, notDatabase().what);
    return buffer[19] ?? 0;
  } finally {
    await file.close();
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    ({ size }) => size > 0,
    () => false,
  );
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
