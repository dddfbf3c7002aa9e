import type { BigIntStats } from 'node:fs';
import type { Manifest, ManifestPart } from '../../../contract/manifest/manifest.ts';
import { BackupError } from '../../../domain/errors.ts';
import { packedMap } from '../../../domain/packed/map.ts';
import type { PackedMap } from '../../../domain/packed/map.ts';
import type { PartOfOthers, TargetOptions } from '../../../ports.ts';

/**
 * Where a file or link lies: the number of its data part, `0001`, and how it stood when it was read, where it stood so
 * before and behind that.
 */
export type FilePlaced = { part: string; state: string };

/** Where everything lies, by paths: bytes, a letter each. */
export type Places = {
  readonly size: number;
  get(path: string): FilePlaced | undefined;
  indexOf(path: string): number | undefined;
  /** By the number of a path, in the order of the list. */
  at(index: number): FilePlaced & { path: string };
};

/** How a file stood that was changed while it was read. */
export const unsure = '-';

/** The list is held in memory, with the catalog. */
const largestList = 256 * 1024 ** 2;

const pieceLength = 256 * 1024;
const longestRecord = 64 * 1024;

/** What tells one state of a file from every other: no program can set the time of the change of its inode. */
export function stateOf({ ino, size, mode, mtimeNs, ctimeNs }: BigIntStats): string {
  return [ino, size, mode, mtimeNs, ctimeNs].join(':');
}

/** When a file was changed last, in nanoseconds since 1970. */
export function changedAt(state: string): bigint {
  return BigInt(state.slice(state.lastIndexOf(':') + 1));
}

/** How large a file was. */
export function sizeIn(state: string): number {
  return Number(state.split(':')[1]);
}

/** The number of a data part, by its name. */
export function partNumber(file: string): string | undefined {
  return /^data\/(\d+)\./.exec(file)?.[1];
}

/** The part that says where everything lies: `0001 <state> ./<path>`, each with a NUL byte behind it. */
export function listPart(places: Iterable<FilePlaced & { path: string }>): PartOfOthers {
  async function* content() {
    let bytes = 0;
    for (const piece of piecesOf(places)) {
      bytes += piece.length;
      if (bytes > largestList) throw tooLong();
      yield piece;
    }
  }
  const open = () => ({ content: content(), notes: async () => ({ heard: [] }) });
  return { role: 'schema', file: 'schema.list', compress: true, open };
}

function* piecesOf(places: Iterable<FilePlaced & { path: string }>): Iterable<Buffer> {
  let piece = '';
  for (const { part, state, path } of places) {
    piece += `${part} ${state} ./${path}\0`;
    if (piece.length < pieceLength) continue;
    yield Buffer.from(piece, 'latin1');
    piece = '';
  }
  yield Buffer.from(piece, 'latin1');
}

function tooLong(): BackupError {
  return new BackupError('source-unsupported', 'the list of the files is longer than any that is read again', {
    hint: 'make several sources of it',
  });
}

/** What a backup says of where its files lie; undefined for one of before that was noted. Throws `part-corrupt`. */
export async function placesIn(
  manifest: Manifest,
  open: NonNullable<TargetOptions['open']>,
  signal: AbortSignal,
): Promise<Places | undefined> {
  const part = manifest.parts.find(({ role }) => role === 'schema');
  if (part === undefined) return undefined;
  if (part.bytes > largestList) throw noList(part);
  const places = packedMap();
  let rest = '';
  for await (const chunk of open(part, signal)) {
    const records = (rest + Buffer.from(chunk).toString('latin1')).split('\0');
    rest = records.pop()!;
    if (!records.every((record) => isTaken(places, record)) || rest.length > longestRecord) throw noList(part);
  }
  if (rest !== '') throw noList(part);
  return placesOf(places);
}

/** False for what is no record, or of a path that has one. */
function isTaken(places: PackedMap, record: string): boolean {
  const [first, second] = [record.indexOf(' '), record.indexOf(' ./')];
  const [place, path] = [record.slice(0, second), record.slice(second + 3)];
  const isWhole = first > 0 && second > first + 1 && path !== '' && place.lastIndexOf(' ') === first;
  return isWhole && places.add(path, place);
}

function placesOf(packed: PackedMap): Places {
  const placed = (index: number): FilePlaced => {
    const [part, state] = packed.valueAt(index).split(' ') as [string, string];
    return { part, state };
  };
  return {
    size: packed.size,
    indexOf: packed.indexOf,
    get(path) {
      const index = packed.indexOf(path);
      return index === undefined ? undefined : placed(index);
    },
    at: (index) => ({ path: packed.keyAt(index), ...placed(index) }),
  };
}

function noList({ file }: ManifestPart): BackupError {
  return new BackupError('part-corrupt', `${file} is no list of files`);
}
