import type { BigIntStats } from 'node:fs';
import type { Manifest, ManifestPart } from '../../../contract/manifest/manifest.ts';
import { BackupError } from '../../../domain/errors.ts';
import { packedMap } from '../../../domain/packed/map.ts';
import type { PartOfOthers, TargetOptions } from '../../../ports.ts';

/**
 * Where a file or link lies: the number of its data part, `0001`, and how it stood when it was read, where it stood so
 * before and behind that.
 */
export type FilePlaced = { part: string; state: string };

/** Where everything lies: the number of a part, by paths. */
export type Places = { get(path: string): string | undefined };

/** How a file stood that was changed while it was read. */
export const unsure = '-';

type OpenPart = NonNullable<TargetOptions['open']>;

/** Of a million files it takes half of that. */
const largestList = 256 * 1024 ** 2;

const pieceLength = 256 * 1024;
const longestRecord = 64 * 1024;

/** What tells one state of a file from every other: no program can set the time of the change of its inode. */
export function stateOf({
  ino,
  size,
  mode,
  mtimeNs,
  ctimeNs,
}: Pick<BigIntStats, 'ino' | 'size' | 'mode' | 'mtimeNs' | 'ctimeNs'>): string {
  return `${ino}:${size}:${mode}:${mtimeNs}:${ctimeNs}`;
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

/** What a backup says of where its files lie; undefined for one of before that was noted. Throws `part-corrupt`. */
export async function placesIn(manifest: Manifest, open: OpenPart, signal: AbortSignal): Promise<Places | undefined> {
  const list = listIn(manifest);
  if (list === undefined) return undefined;
  const places = packedMap();
  for await (const { path, part } of placedIn(list, open, signal)) if (!places.add(path, part)) throw noList(list);
  return places;
}

/** The part of a backup that is its list; undefined where it has none. */
export function listIn({ parts }: Manifest): ManifestPart | undefined {
  return parts.find(({ role }) => role === 'schema');
}

/** All that a list names. Throws `part-corrupt`. */
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

/** Undefined for what is no record. */
function placed(record: string): (FilePlaced & { path: string }) | undefined {
  const [first, second] = [record.indexOf(' '), record.indexOf(' ./')];
  const [part, state, path] = [record.slice(0, first), record.slice(first + 1, second), record.slice(second + 3)];
  const isWhole = first > 0 && second > first + 1 && path !== '' && !state.includes(' ');
  return isWhole ? { part, state, path } : undefined;
}

function fail(list: ManifestPart): never {
  throw noList(list);
}

/** A list that is none, or names a path twice. */
export function noList({ file }: ManifestPart): BackupError {
  return new BackupError('part-corrupt', `${file} is no list of files`);
}
