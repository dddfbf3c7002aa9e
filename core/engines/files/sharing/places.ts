import type { BigIntStats } from 'node:fs';
import type { Manifest, ManifestPart } from '../../../contract/manifest/manifest.ts';
import { BackupError } from '../../../domain/errors.ts';
import { packedMap } from '../../../domain/packed/map.ts';
import type { PartOfOthers, TargetOptions } from '../../../ports.ts';

/**
 * Where a file or link lies: the number of its data part, `0001`, and its state, if that was the same before and after
 * it was read.
 */
export type FilePlaced = { part: string; state: string };

/** Where everything lies: the number of a part, by path. */
export type Places = { get(path: string): string | undefined };

/** The state of a file that changed while it was read. */
export const unsure = '-';

type OpenPart = NonNullable<TargetOptions['open']>;

/** A million files take half of that. */
const largestList = 256 * 1024 ** 2;

const pieceLength = 256 * 1024;
const longestRecord = 64 * 1024;

/** The state of a file, which changes with every change: no program can set an inode's time of change. */
export function stateOf({
  ino,
  size,
  mode,
  mtimeNs,
  ctimeNs,
}: Pick<BigIntStats, 'ino' | 'size' | 'mode' | 'mtimeNs' | 'ctimeNs'>): string {
  return `${ino}:${size}:${mode}:${mtimeNs}:${ctimeNs}`;
}

/** The size in a file's state. */
export function sizeIn(state: string): number {
  return Number(state.split(':')[1]);
}

/** The number of a data part, from its name. */
export function partNumber(file: string): string | undefined {
  return /^data\/(\d+)\./.exec(file)?.[1];
}

/** The part that says where everything lies: `0001 <state> ./<path>`, each followed by a NUL byte. */
export function listPart(places: Iterable<FilePlaced & { path: string }>): PartOfOthers {
  async function* content() {
    let bytes = 0;
    for (const piece of piecesOf(places)) {
      bytes += piece.length;
      if (bytes > largestList) throw tooLong();
      yield piece;
    }
  }
  // a folder without a file has an empty list
  const open = () => ({ content: content(), mayBeEmpty: true as const, notes: async () => ({ heard: [] }) });
  return { role: 'schema', file: 'schema.list', compress: true, isList: true, open };
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

/** Where the files of a backup lie; undefined for a backup made before that was recorded. Throws `part-corrupt`. */
export async function placesIn(manifest: Manifest, open: OpenPart, signal: AbortSignal): Promise<Places | undefined> {
  const list = listIn(manifest);
  if (list === undefined) return undefined;
  const places = packedMap();
  for await (const { path, part } of placedIn(list, open, signal)) if (!places.add(path, part)) throw noList(list);
  return places;
}

/** The list part of a backup; undefined if it has none. */
export function listIn({ parts }: Manifest): ManifestPart | undefined {
  return parts.find(({ role }) => role === 'schema');
}

/** Everything in a list. Throws `part-corrupt`. */
export async function* placedIn(
  list: ManifestPart,
  open: OpenPart,
  signal: AbortSignal,
): AsyncIterable<FilePlaced & { path: string }> {
  if (list.bytes > largestList) throw noList(list);
  let rest = '';
  for await (const chunk of open(list, signal)) {
    const records = (rest + Buffer.from(chunk).toString('latin1')).split('\0');
    rest = records.pop()!;
    if (rest.length > longestRecord) throw noList(list);
    for (const record of records) yield placed(record) ?? fail(list);
  }
  if (rest !== '') throw noList(list);
}

/** Undefined if it is no record. */
function placed(record: string): (FilePlaced & { path: string }) | undefined {
  const [first, second] = [record.indexOf(' '), record.indexOf(' ./')];
  const [part, state, path] = [record.slice(0, first), record.slice(first + 1, second), record.slice(second + 3)];
  const isWhole = first > 0 && second > first + 1 && path !== '' && !state.includes(' ');
  return isWhole ? { part, state, path } : undefined;
}

function fail(list: ManifestPart): never {
  throw noList(list);
}

/** The error for a list that is invalid, or names a path twice. */
export function noList({ file }: ManifestPart): BackupError {
  return new BackupError('part-corrupt', `${file} is no list of files`);
}
