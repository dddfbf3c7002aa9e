import { chmod, link, readdir, readFile, readlink, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BackupError, isBackupError, messageOf } from '../../../domain/errors.ts';
import { resultCodes } from '../failures.ts';
import { startSqlite } from '../snapshot/asking.ts';
import type { SqliteRefusal } from '../snapshot/asking.ts';
import { requireNothingBeside, sidecars } from './names.ts';
import { giveTo } from './owner.ts';

/** `owners` false: it may keep its present owner. */
export type NewFile = { made: string; path: string; place: string; owners: boolean };
/** `before`: the path under which the replaced file is kept; `was`: the number of that file when it was looked at. */
export type FileExchange = NewFile & { before: string; was?: number | undefined };

/**
 * Renames a new file from its temporary name, unless something exists there by now: `target-not-empty`. A file made by
 * root gets the owner of its folder: an application can't use a database in a folder where it may not write.
 */
export async function putAt({ made, path, place, owners }: NewFile): Promise<void> {
  if (process.getuid?.() === 0) await giveTo(made, await stat(dirname(path)), owners);
  await requireNothingBeside(path, place);
  await linked(made, path, place);
}

/**
 * Replaces a file that nobody has open, and keeps the old one with its log. At every moment one of the two is there,
 * and if a step fails everything is as it was. The new file gets the old one's owner and mode. Throws `restore-failed`
 * if it is open somewhere.
 */
export async function exchange(
  { made, path, before, place, owners, was }: FileExchange,
  signal: AbortSignal,
): Promise<void> {
  const old = await stat(path);
  if (was !== undefined && old.ino !== was) throw exchangedMeanwhile(place);
  await requireFree(path, place, signal);
  await giveTo(made, old, owners);
  await chmod(made, old.mode & 0o7777);
  await linked(path, before, place);
  try {
    await moveSidecars(path, before);
    await rename(made, path);
  } catch (error) {
    await moveSidecars(before, path).catch((cause: unknown) => {
      throw notMovedBack(path, before, `${messageOf(error)}; ${messageOf(cause)}`);
    });
    await rm(before).catch(() => undefined); // only a second name of the file
    throw error;
  }
}

export function exchangedMeanwhile(place: string): BackupError {
  return new BackupError(
    'target-not-empty',
    `${place} is another file than was looked at: somebody has replaced it meanwhile`,
    { hint: 'look at it; then run the restore again' },
  );
}

function notMovedBack(path: string, before: string, why: string): BackupError {
  return new BackupError('restore-failed', `what SQLite keeps beside ${path} lies beside ${before} now: ${why}`, {
    hint: `before anything opens the file, move back what is there of ${before}-wal, -shm and -journal`,
  });
}

/**
 * Moves the log and journal of a database that can't be opened together with it: SQLite would take them for the new
 * one's.
 */
export async function moveSidecars(from: string, to: string): Promise<void> {
  for (const ending of sidecars)
    await rename(`${from}${ending}`, `${to}${ending}`).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
}

async function linked(from: string, to: string, place: string): Promise<void> {
  await link(from, to).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'EEXIST') throw cause;
    throw new BackupError('target-not-empty', `${place}: ${to} is there by now`, {
      hint: 'name another file with --to, or put the backup in its place with --replace',
      cause,
    });
  });
}

/** Throws `restore-failed` if another process has the file open, as far as its locks and this machine tell. */
export async function requireFree(path: string, place: string, signal: AbortSignal): Promise<void> {
  const users = await usersOf(path);
  if (users.length > 0) throw inUse(place, users.join(', '));
  if (!(await isUnlocked(path, place, signal))) throw inUse(place, 'another process');
}

/** A file that is damaged or no database has no locks that tell anything. */
const lockless: readonly number[] = [resultCodes.corrupt, resultCodes.notDatabase];

async function isUnlocked(path: string, place: string, signal: AbortSignal): Promise<boolean> {
  const sqlite = startSqlite();
  try {
    return await sqlite.ask('claim', { path }, place, signal);
  } catch (error) {
    const refusal = isBackupError(error) ? (error as Partial<SqliteRefusal>).refusal : undefined;
    if (refusal === undefined) throw error;
    if (lockless.includes(refusal.code & 0xff)) return true;
    throw unseen(place, refusal.message, error);
  } finally {
    await sqlite.close();
  }
}

/** The processes of this machine that have a file open, as far as we may see them. */
export async function usersOf(path: string): Promise<string[]> {
  const real = await realpath(path).catch(() => path);
  const processes = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const found: string[] = [];
  for (const pid of processes) {
    const files = await readdir(`/proc/${pid}/fd`).catch(() => []);
    const targets = await Promise.all(files.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')));
    if (targets.includes(real)) found.push(await nameOf(pid));
  }
  return found;
}

async function nameOf(pid: string): Promise<string> {
  const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
  return `${name.trim() || 'process'} (${pid})`;
}

function unseen(place: string, why: string, cause: unknown): BackupError {
  return new BackupError('restore-failed', `whether somebody has ${place} open can't be seen: ${why}`, {
    hint: 'run this as a user who may write the file, and beside it',
    cause,
  });
}

function inUse(place: string, by: string): BackupError {
  return new BackupError('restore-failed', `${place} is open in ${by}`, {
    hint: 'stop what uses it, then run this again: it would go on writing to the file that was replaced',
  });
}
