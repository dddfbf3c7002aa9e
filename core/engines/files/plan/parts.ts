import type { PlannedPart } from '../../../ports.ts';
import type { FoundPath, Many } from './found.ts';
import type { TarProgram } from '../tar/program.ts';

/**
 * What is needed to make a part. `tar`: how to start GNU tar; `oneTable`: everything counts in one table; `states`:
 * note the state of each file; `isNear`: looks are answered at once.
 */
export type Making = { folder: string; tar: TarProgram; oneTable: boolean; states: boolean; isNear: boolean };
/** Paths are bytes (one letter each) separated by NUL: a million separate strings would take four times the memory. */
export type TarRecipe = Making & { paths: string };

/** A part is made in one go, and what changes in it meanwhile is read again. */
export const partBytes = 128 * 1024 ** 2;
export const partFiles = 10_000;
/** What a file's header takes in a tar, including its extended one. */
export const headerBytes = 1536;

/** The content of one part. */
type Cut = { paths: string[]; bytes: number };

/**
 * Cuts what was found into parts: files in order, and then the folders' own entries. `others`: how many data parts
 * precede them.
 */
export function partsOf(making: Making, found: Many<FoundPath>, others: number): PlannedPart[] {
  const name = (at: number) => `data/${String(others + at + 1).padStart(4, '0')}.tar`;
  const data: PlannedPart[] = [];
  for (const part of cut(found)) data.push(planned('data', name(data.length), part, making));
  const folders: Cut = { paths: [], bytes: 0 };
  for (const one of found) if (one.kind === 'folder') put(folders, one);
  return [...data, planned('after', 'after.tar', folders, making)];
}

/** The paths of a part; that of the top folder is empty. */
export function pathsIn({ paths }: Pick<TarRecipe, 'paths'>): string[] {
  return paths.split('\0').slice(0, -1);
}

function planned(role: PlannedPart['role'], file: string, { paths, bytes }: Cut, making: Making): PlannedPart {
  const recipe: TarRecipe = { ...making, paths: paths.map((path) => `${path}\0`).join('') };
  return { role, file, compress: true, estimatedBytes: bytes, hasRows: true, recipe };
}

function put(part: Cut, { path, size }: Pick<FoundPath, 'path' | 'size'>): void {
  part.paths.push(path);
  part.bytes += size + headerBytes;
}

/** Groups all names of a file at the place of its first name: one name can refer to another only within one tar. */
function* namesTogether(found: Many<FoundPath>): Iterable<Pick<FoundPath, 'path' | 'size'>[]> {
  for (const places of placesTogether(found)) {
    const all = places.map((at) => found.at(at)!);
    yield all.map(({ path, size }, index) => ({ path, size: index > 0 ? 0 : size }));
  }
}

/** The same by their indexes. */
export function* placesTogether(found: Many<FoundPath>): Iterable<readonly number[]> {
  const several = namesOfSeveral(found);
  let at = -1;
  for (const { kind, inode } of found) {
    at += 1;
    const places = (inode === undefined ? undefined : several.get(inode)) ?? [at];
    if (kind !== 'folder' && places[0] === at) yield places;
  }
}

/** For each file with several names, their indexes. */
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
