import type { BigIntStats } from 'node:fs';
import type { Manifest, ManifestPart } from '../../../contract/manifest/manifest.ts';
import { BackupError } from '../../../domain/errors.ts';
import type { OpenedPart, PlannedPart, TargetOptions } from '../../../ports.ts';

/**
 * Where a file or link lies: the number of its data part, `0001`, and how it stood when it was read, where it stood so
 * before and behind that.
 */
export type FilePlaced = { part: string; state: string };

/** By paths: bytes, a letter each. */
export type Places = ReadonlyMap<string, FilePlaced>;

/** How a file stood that was changed while it was read. */
export const unsure = '-';

/** The list is held in memory, with the catalog. */
const largestList = 256 * 1024 ** 2;

type ListRecipe = { list: string };

/** What tells one state of a file from every other: no program can set the time of the change of its inode. */
export function stateOf({ ino, size, mode, mtimeNs, ctimeNs }: BigIntStats): string {
  return [ino, size, mode, mtimeNs, ctimeNs].join(':');
}

/** When a file was changed last, in nanoseconds since 1970. */
export function changedAt(state: string): bigint {
  return BigInt(state.slice(state.lastIndexOf(':') + 1));
}

/** The number of a data part, by its name. */
export function partNumber(file: string): string | undefined {
  return /^data\/(\d+)\./.exec(file)?.[1];
}

/** The part that says where everything lies: `0001 <state> ./<path>`, each with a NUL byte behind it. */
export function listPart(places: Places): PlannedPart {
  const records = [...places].map(([path, { part, state }]) => `${part} ${state} ./${path}\0`);
  const list = records.join('');
  const recipe: ListRecipe = { list };
  return { role: 'schema', file: 'schema.list', compress: true, estimatedBytes: list.length, hasRows: false, recipe };
}

/** Makes that part; undefined for every other one. */
export function openListPart({ role, recipe }: PlannedPart): OpenedPart | undefined {
  if (role !== 'schema') return undefined;
  const { list } = recipe as ListRecipe;
  async function* content() {
    if (list.length > largestList) throw tooLong();
    yield Buffer.from(list, 'latin1');
  }
  return { content: content(), notes: async () => ({ heard: [] }) };
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
  const list = Buffer.concat(await Array.fromAsync(open(part, signal)));
  const places = new Map<string, FilePlaced>();
  for (let at = 0, end = 0; at < list.length; at = end + 1) {
    end = list.indexOf(0, at);
    const record = list.toString('latin1', at, end < 0 ? list.length : end);
    const [first, second] = [record.indexOf(' '), record.indexOf(' ./')];
    const [number, state, path] = [record.slice(0, first), record.slice(first + 1, second), record.slice(second + 3)];
    const isWhole = end >= 0 && first > 0 && second > first + 1 && path !== '' && !state.includes(' ');
    if (!isWhole || places.has(path)) throw noList(part);
    places.set(path, { part: number, state });
  }
  return places;
}

function noList({ file }: ManifestPart): BackupError {
  return new BackupError('part-corrupt', `${file} is no list of files`);
}
