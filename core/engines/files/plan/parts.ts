import type { PlannedPart } from '../../../ports.ts';
import type { FoundPath, Many } from './found.ts';
import type { TarProgram } from '../tar/program.ts';

/**
 * What it takes to make a part. `tar`: what starts GNU tar; `oneTable`: all of it counts in one table; `states`: whether
 * it is to be noted how each file stood; `isNear`: whether looks are answered at once.
 */
export type Making = { folder: string; tar: TarProgram; oneTable: boolean; states: boolean; isNear: boolean };
/** Paths are bytes, a letter each, with a NUL byte between two: a string for each of a million takes four times as much. */
export type TarRecipe = Making & { paths: string };

/** A part is made in one go, and what changes in it meanwhile is read again. */
export const partBytes = 128 * 1024 ** 2;
export const partFiles = 10_000;
/** What the header of a file takes in a tar, with its extended one. */
export const headerBytes = 1536;

/** What goes into one part. */
type Cut = { paths: string[]; bytes: number };

/**
 * Cuts what was found into parts: files, in their order, and what is known of folders, which goes behind them. `others`:
 * how many data parts there are before them.
 */
export function partsOf(making: Making, found: Many<FoundPath>, others: number): PlannedPart[] {
  const name = (at: number) => `data/${String(others + at + 1).padStart(4, '0')}.tar`;
  const data: PlannedPart[] = [];
  for (const part of cut(found)) data.push(planned('data', name(data.length), part, making));
  const folders: Cut = { paths: [], bytes: 0 };
  for (const one of found) if (one.kind === 'folder') put(folders, one);
  return [...data, planned('after', 'after.tar', folders, making)];
}

/** The paths of a part; that of the folder itself is empty. */
export function pathsIn({ paths }: Pick<TarRecipe, 'paths'>): string[] {
  return paths.split('\0').slice(0, -1);
}

function planned(role: PlannedPart['role'], file: string, { paths, bytes }: Cut, making: Making): PlannedPart {
  const recipe: TarRecipe = { ...making, paths: paths.map((path) => `${path}\0`).join('') };
  return { role, file, compress: true, estimatedBytes: bytes, hasRows: true, recipe };
}

function put(part: Cut, { path, size }: FoundPath): void {
  part.paths.push(path);
  part.bytes += size + headerBytes;
}

/** All names of a file in one group, where the first of them is: only within one tar one name leads to the other. */
function* namesTogether(found: Many<FoundPath>): Iterable<FoundPath[]> {
  for (const places of placesTogether(found))
    yield places.map((at, index) => ({ ...found.at(at)!, ...(index > 0 && { size: 0 }) }));
}

/** The same by where they stand in their order. */
export function* placesTogether(found: Many<FoundPath>): Iterable<readonly number[]> {
  const several = namesOfSeveral(found);
  let at = -1;
  for (const { kind, inode } of found) {
    at += 1;
    const places = (inode === undefined ? undefined : several.get(inode)) ?? [at];
    if (kind !== 'folder' && places[0] === at) yield places;
  }
}

/** Of each file with several names, where they are. */
function namesOfSeveral(found: Many<FoundPath>): ReadonlyMap<string, readonly number[]> {
  const several = new Map<string, number[]>();
  let at = 0;
  for (const { inode } of found) {
    const known = inode === undefined ? undefined : several.get(inode);
    if (known !== undefined) known.push(at);
    else if (inode !== undefined) several.set(inode, [at]);
    at += 1;
  }
  return several;
}

function* cut(found: Many<FoundPath>): Iterable<Cut> {
  let open: Cut = { paths: [], bytes: 0 };
  for (const group of namesTogether(found)) {
    const more = group.reduce((sum, { size }) => sum + size + headerBytes, 0);
    if (open.paths.length > 0 && (open.bytes + more > partBytes || open.paths.length >= partFiles)) {
      yield open;
      open = { paths: [], bytes: 0 };
    }
    for (const one of group) put(open, one);
  }
  if (open.paths.length > 0) yield open;
}
