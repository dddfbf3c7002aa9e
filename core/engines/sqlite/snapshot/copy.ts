import { constants } from 'node:fs';
import { copyFile, open, stat, statfs } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { abortError, BackupError } from '../../../domain/errors.ts';
import { formatBytes } from '../../../domain/units.ts';
import { ownFolder } from '../scratch.ts';

/** `path`: the database; `place`: for messages; `scratch`: the folder for copies; `waitMs`: for locks. */
export type DatabaseFile = { path: string; place: string; scratch: string; waitMs: number };

/** `isWhole`: the file alone is the database. */
export type CopyAside = { path: string; isWhole: boolean; remove(): Promise<void> };

const endings = ['', '-journal', '-wal'];
/** Longer than the resolution of a file system's times. */
const sameMomentMs = 20;
const pieceBytes = 1024 * 1024;

/** Copies a database that nobody can write to while the caller holds it. */
export async function copyAside(where: DatabaseFile, signal: AbortSignal): Promise<CopyAside> {
  return copied(where, [''], signal);
}

/** Copies a database and the files beside it without a lock; undefined if any of them changed meanwhile. */
export async function copyIfStill(where: DatabaseFile, signal: AbortSignal): Promise<CopyAside | undefined> {
  const before = await looks(where.path);
  await sleep(sameMomentMs, undefined, { signal }).catch(() => undefined);
  const copy = await copied(where, endings, signal);
  if ((await looks(where.path)) === before) return { ...copy, isWhole: false };
  await copy.remove();
  return undefined;
}

async function copied(
  { path, place, scratch }: DatabaseFile,
  of: readonly string[],
  signal: AbortSignal,
): Promise<CopyAside> {
  const folder = await ownFolder(scratch);
  try {
    const copy = join(folder.path, basename(path));
    for (const ending of of) await copyOne(`${path}${ending}`, `${copy}${ending}`, { place, scratch }, signal);
    return { path: copy, isWhole: true, remove: folder.remove };
  } catch (error) {
    await folder.remove();
    throw error;
  }
}

/** By reference if the file system can do that, else byte by byte; skips what does not exist. */
async function copyOne(
  from: string,
  to: string,
  { place, scratch }: Pick<DatabaseFile, 'place' | 'scratch'>,
  signal: AbortSignal,
): Promise<void> {
  const found = await stat(from).catch(() => undefined);
  if (found === undefined) return;
  const isCloned = await copyFile(from, to, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL).then(
    () => true,
    () => false,
  );
  if (isCloned) return;
  const { bavail, bsize } = await statfs(scratch);
  if (bavail * bsize < found.size) throw noRoom({ place, scratch }, found.size, bavail * bsize);
  await copyBytes(from, to, signal);
}

async function copyBytes(from: string, to: string, signal: AbortSignal): Promise<void> {
  const source = await open(from);
  const target = await open(to, 'w', 0o600);
  const piece = Buffer.allocUnsafe(pieceBytes);
  try {
    for (;;) {
      if (signal.aborted) throw abortError(signal);
      const { bytesRead } = await source.read(piece, 0, pieceBytes);
      if (bytesRead === 0) return;
      await target.writeFile(piece.subarray(0, bytesRead));
    }
  } finally {
    await source.close();
    await target.close();
  }
}

/** A text that changes if any of the files changes. */
async function looks(path: string): Promise<string> {
  const of = async (ending: string): Promise<string> => {
    const found = await stat(`${path}${ending}`, { bigint: true }).catch(() => undefined);
    return found === undefined ? 'none' : [found.ino, found.size, found.mtimeNs, found.ctimeNs].join(':');
  };
  return (await Promise.all(endings.map(of))).join(' ');
}

function noRoom(
  { place, scratch }: Pick<DatabaseFile, 'place' | 'scratch'>,
  needed: number,
  free: number,
): BackupError {
  return new BackupError(
    'machine-failed',
    `${place} is copied before it is read, and ${scratch} has ${formatBytes(free)} free of ${formatBytes(needed)}`,
    {
      hint:
        'name a folder with room: sqlite: { scratch: … }; a database in WAL mode (PRAGMA journal_mode=WAL) needs no ' +
        'copy while an application has it open',
    },
  );
}
