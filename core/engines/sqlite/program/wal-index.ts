import { fstatSync, openSync, readSync, statSync } from 'node:fs';
import { endianness } from 'node:os';
import type { DatabaseSync } from 'node:sqlite';
import type { WalState } from './questions.ts';

/**
 * The index of a log in WAL mode: two copies of its header, and what a checkpoint has done (sqlite.org/walformat.html).
 */
const headerBytes = 48;
const backfilledAt = 96;
const indexBytes = 136;
const isLittle = endianness() === 'LE';
const pauseMs = 5;

type WalIndex = { header: Buffer; backfilled: number };

/**
 * Begins a read of a database in WAL mode, and returns the state that it sees: the index is the same before and after.
 */
export function heldWal(database: DatabaseSync, path: string, waitMs: number): WalState | null {
  const readIndex = indexReader(`${path}-shm`);
  for (const until = performance.now() + waitMs; performance.now() < until; pause()) {
    const before = readIndex();
    database.exec('begin');
    database.prepare('select 1 from sqlite_schema limit 1').get();
    const after = readIndex();
    if (before !== undefined && after?.header.equals(before.header)) return stateOf(after);
    database.exec('rollback');
  }
  throw Object.assign(new Error('the log changes faster than its index can be read'), { errcode: 5 });
}

/**
 * Reads the present index; undefined while somebody is writing to it. The file opened here is never closed: that would
 * release the locks of the whole process.
 */
function indexReader(path: string): () => WalIndex | undefined {
  let file = openSync(path, 'r');
  const bytes = Buffer.alloc(indexBytes);
  return () => {
    if (fstatSync(file).ino !== statSync(path).ino) file = openSync(path, 'r');
    if (readSync(file, bytes, 0, indexBytes, 0) < indexBytes) return undefined;
    const header = Buffer.from(bytes.subarray(0, headerBytes));
    const copy = bytes.subarray(headerBytes, 2 * headerBytes);
    return header.equals(copy) ? { header, backfilled: uint32(bytes, backfilledAt) } : undefined;
  };
}

/** Null if the whole log was brought into the file: then readers use only that. */
function stateOf({ header, backfilled }: WalIndex): WalState | null {
  const frames = uint32(header, 16);
  if (backfilled >= frames) return null;
  const sums = `${uint32(header, 24)}:${uint32(header, 28)}`;
  return { frames, salts: header.toString('hex', 32, 40), sums };
}

function uint32(bytes: Buffer, at: number): number {
  return isLittle ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
}

function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs);
}
