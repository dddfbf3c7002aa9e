import { randomUUID } from 'node:crypto';
import { link, lstat, open, readdir, rm, rmdir, stat, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { BackupError } from '../../domain/errors.ts';
import type { Bytes } from '../../domain/units.ts';
import type { ByteStream } from '../../ports.ts';
import { answered, codeOf } from './errors.ts';
import type { FolderPlace } from './place.ts';
import { interruptible } from '../../pipeline/waiting.ts';

const blockBytes = 1024 * 1024;
/** How often a long write is made durable, so that a full disk is found early and the last flush is short. */
const flushBytes = 64 * 1024 * 1024;
/** How long to wait for a file whose opening was given up: a disk that hangs must not hold us. */
const discardLimitMs = 2000;
/** A file being written changes all the time, so one unchanged for a day belongs to a dead run. */
const leftoverMs = 24 * 3_600_000;

/** Writes a stream into a hidden file, durably, and returns its path. Leaves nothing after a failure. */
export async function writeIncoming(
  place: FolderPlace,
  what: string,
  body: ByteStream,
  signal: AbortSignal,
): Promise<{ path: string; bytes: Bytes }> {
  const path = join(place.incoming, randomUUID());
  const opening = open(path, 'wx', 0o600);
  const handle = await answered(what, opening, signal).catch(async (error: unknown) => {
    await Promise.race([
      opening.then(
        (late) => discard(late, path),
        () => undefined,
      ),
      delay(discardLimitMs, undefined, { ref: false }),
    ]);
    throw error;
  });
  try {
    const bytes = await writeAll(handle, what, interruptible(body, signal), signal);
    await answered(what, handle.sync(), signal);
    const held = (await answered(what, handle.stat(), signal)).size;
    if (held !== bytes) throw new BackupError('vault-failed', `${what}: the disk holds ${held} of ${bytes} bytes`);
    await answered(what, handle.close(), signal);
    return { path, bytes };
  } catch (error) {
    await discard(handle, path);
    throw error;
  }
}

async function discard(handle: FileHandle, path: string): Promise<void> {
  await handle.close().catch(() => undefined);
  await rm(path).catch(() => undefined);
}

/**
 * Gives a written file a second name; false if that name exists. Atomic, on NFS too. `inFolder` makes the name durable.
 */
export async function linkNew(path: string, name: string): Promise<boolean> {
  try {
    await link(path, name);
  } catch (error) {
    // An NFS server's answer may get lost and the call be sent twice: then the name is there, and it is ours.
    if (codeOf(error) !== 'EEXIST') throw error;
    if ((await stat(path)).nlink < 2) return false;
  }
  return true;
}

/** Removes what dead runs left unfinished. Ages are measured by the disk's own clock, from the file at `path`. */
export async function sweepIncoming(place: FolderPlace, path: string): Promise<void> {
  const now = (await stat(path)).mtimeMs;
  for (const name of await readdir(place.incoming)) await sweep(join(place.incoming, name), now);
}

async function sweep(path: string, now: number): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined || now - found.mtimeMs <= leftoverMs) return;
  if (!found.isDirectory()) return unlink(path).catch(() => undefined);
  // a claim of a killed run; file by file, because a living writer may be taking it
  for (const name of await readdir(path).catch(() => [])) await unlink(join(path, name)).catch(() => undefined);
  await rmdir(path).catch(() => undefined);
}

async function writeAll(handle: FileHandle, what: string, body: ByteStream, signal: AbortSignal): Promise<Bytes> {
  const block = Buffer.allocUnsafeSlow(blockBytes);
  let filled = 0;
  let bytes = 0;
  let flushed = 0;
  let flush: Promise<void> = Promise.resolve();
  for await (const chunk of body) {
    for (let at = 0; at < chunk.length; ) {
      const taken = Math.min(chunk.length - at, blockBytes - filled);
      block.set(chunk.subarray(at, at + taken), filled);
      at += taken;
      filled += taken;
      if (filled === blockBytes) await writeBlock();
    }
  }
  await writeBlock();
  await answered(what, flush, signal);
  return bytes;

  async function writeBlock(): Promise<void> {
    for (let at = 0; at < filled; ) {
      const { bytesWritten } = await answered(what, handle.write(block, at, filled - at), signal);
      if (bytesWritten === 0) throw new BackupError('vault-full', `${what}: the disk takes no more`);
      at += bytesWritten;
    }
    bytes += filled;
    filled = 0;
    if (bytes - flushed < flushBytes) return;
    flushed = bytes;
    await answered(what, flush, signal);
    flush = handle.datasync();
    flush.catch(() => undefined);
  }
}
