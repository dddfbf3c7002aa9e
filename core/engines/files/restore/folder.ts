import { mkdirSync } from 'node:fs';
import { lstat, mkdir, open, readdir, rename, stat, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { BackupError } from '../../../domain/errors.ts';
import { formatBytes, plural } from '../../../domain/units.ts';
import type { Bytes } from '../../../domain/units.ts';
import { programText } from '../../../pipeline/program.ts';
import type { Target } from '../../../ports.ts';
import { makeFolder } from '../../places/folders.ts';
import { codeOf, unlessGone, whyOf } from '../paths.ts';
import type { EntryJudge } from '../tar/guard.ts';

/** Files take whole disk blocks, and other programs need some space, too. */
const spareShare = 0.05;
/** A disk may still have gigabytes to write. */
const syncLimitMs = 1_800_000;

/** What is at the place of a folder that is to be restored; `ino`: the number of that folder. */
export type Standing = Pick<Target, 'state' | 'holds'> & { ino?: number };

/** Looks at a place without following links. */
export async function standingAt(path: string): Promise<Standing> {
  const stats = await lstat(path).catch(unlessGone);
  if (stats === undefined) return { state: 'absent', holds: 'nothing' };
  if (!stats.isDirectory()) return { state: 'occupied', holds: stats.isSymbolicLink() ? 'a link' : 'a file' };
  const names = await readdir(path);
  return names.length === 0
    ? { state: 'empty', holds: 'nothing' }
    : { state: 'occupied', holds: plural(names.length, 'name'), ino: stats.ino };
}

/** The prefix of temporary names for work on a folder: they lie beside it, on the same disk. */
export function hiddenName(folder: string): string {
  return join(dirname(folder), `.${basename(folder)}`);
}

/**
 * Makes a folder that nobody else can look into until it is complete, if there is enough space. Throws
 * `machine-failed`.
 */
export async function makeWork(path: string, bytes: Bytes): Promise<void> {
  const lacking = await lacksSpace(path, bytes);
  if (lacking !== undefined) throw new BackupError('machine-failed', lacking, { hint: 'free some space there' });
  await mkdir(path, { mode: 0o700 }).catch((cause: unknown) => {
    throw unwritable(path, cause);
  });
}

/**
 * Makes the folders of entries before tar sees them: if two GNU tars make a folder at the same time, one fails (1.34:
 * "Cannot open: No such file or directory"). Ignores failures, because tar reports them.
 */
export function foldersFirst(work: string): (judge: EntryJudge) => EntryJudge {
  const made = new Set<string>(['']);
  function make(parent: string): void {
    if (made.has(parent)) return;
    made.add(parent);
    try {
      mkdirSync(Buffer.concat([Buffer.from(`${work}/`), Buffer.from(parent, 'latin1')]), {
        recursive: true,
        mode: 0o700,
      });
    } catch {
      return;
    }
  }
  return (judge) => (entry) => {
    const fate = judge(entry);
    if (fate === 'pass') make(entry.path.slice(0, Math.max(0, entry.path.lastIndexOf('/'))));
    return fate;
  };
}

/** Makes the folder that a place lies in. Throws `machine-failed`. */
export async function makeAbove(path: string): Promise<void> {
  await makeFolder(dirname(path)).catch((cause: unknown) => {
    throw unwritable(path, cause);
  });
}

function unwritable(path: string, cause: unknown): BackupError {
  return new BackupError('machine-failed', `nothing can be made in ${dirname(path)}: ${whyOf(cause)}`, {
    hint: 'let the user that runs this write there: restores and drills are made beside the folder',
    cause,
  });
}

/** Waits until the disk has everything that was written to a folder's file system. */
export async function syncDisk(path: string, signal: AbortSignal): Promise<void> {
  const program = { name: 'sync', version: '', command: 'sync', args: [] };
  const sync = (args: string[]) => programText({ program, args, idleLimitMs: syncLimitMs }, signal);
  await sync(['-f', path]).catch((error: unknown) => {
    if (signal.aborted) throw error;
    return sync([]); // that of macOS knows no option
  });
}

/** Waits until the disk has the names in a folder. */
export async function syncNames(folder: string): Promise<void> {
  const opened = await open(folder);
  await opened.sync().finally(() => opened.close());
}

/** Renames a folder to a place where there is nothing or an empty folder. Throws `target-not-empty`. */
export async function putInPlace(from: string, to: string): Promise<void> {
  await rename(from, to).catch((cause: unknown) => {
    const isTaken = ['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(codeOf(cause) ?? '');
    throw new BackupError(
      isTaken ? 'target-not-empty' : 'restore-failed',
      `${to} can't be put there: ${whyOf(cause)}`,
      {
        hint: 'restore it into a folder that is not there yet: --to',
        cause,
      },
    );
  });
}

/** Why there may be no space for so many bytes beside a folder; undefined if there is. */
export async function lacksSpace(path: string, bytes: Bytes): Promise<string | undefined> {
  const { bavail, bsize } = await statfs(dirname(path));
  const free = bavail * bsize;
  if (bytes * (1 + spareShare) <= free) return undefined;
  return `${dirname(path)} has ${formatBytes(free)} free, and ${formatBytes(bytes)} come, and a twentieth to spare`;
}

/** A mounted disk can't be renamed. */
export async function isMountPoint(path: string): Promise<boolean> {
  const [own, above] = await Promise.all([stat(path), stat(dirname(path))]);
  return own.dev !== above.dev;
}
