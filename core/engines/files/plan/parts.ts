import type { PlannedPart } from '../../../ports.ts';
import type { FoundPath } from './walk.ts';
import type { TarProgram } from '../tar/program.ts';

/** What it takes to make a part. `tar`: what starts GNU tar; `oneTable`: all of it counts in one table. */
export type Making = { folder: string; tar: TarProgram; oneTable: boolean };
/** Paths are bytes, a letter each. */
export type TarRecipe = Making & { paths: string[] };

/** A part is made in one go, and what changes in it meanwhile is read again. */
export const partBytes = 128 * 1024 ** 2;
const partFiles = 10_000;
/** What the header of a file takes in a tar, with its extended one. */
export const headerBytes = 1536;

/**
 * Cuts what was found into parts: files, in their order, and what is known of folders, which goes behind them. `others`:
 * how many data parts there are before them.
 */
export function partsOf(making: Making, found: readonly FoundPath[], others: number): PlannedPart[] {
  const files = cut(namesTogether(found.filter(({ kind }) => kind !== 'folder')));
  const name = (at: number) => `data/${String(others + at + 1).padStart(4, '0')}.tar`;
  const data = files.map((part, at) => planned('data', name(at), part, making));
  const folders = found.filter(({ kind }) => kind === 'folder');
  return [...data, planned('after', 'after.tar', folders, making)];
}

function planned(role: PlannedPart['role'], file: string, part: readonly FoundPath[], making: Making): PlannedPart {
  const recipe: TarRecipe = { ...making, paths: part.map(({ path }) => path) };
  return { role, file, compress: true, estimatedBytes: sizeOf(part), hasRows: true, recipe };
}

function sizeOf(part: readonly FoundPath[]): number {
  return part.reduce((sum, { size }) => sum + size + headerBytes, 0);
}

/** All names of a file in one group, where the first of them is: only within one tar one name leads to the other. */
export function namesTogether(files: readonly FoundPath[]): FoundPath[][] {
  const groups: FoundPath[][] = [];
  const known = new Map<string, FoundPath[]>();
  for (const file of files) {
    const group = file.inode === undefined ? undefined : known.get(file.inode);
    if (group !== undefined) group.push({ ...file, size: 0 });
    else {
      groups.push([file]);
      if (file.inode !== undefined) known.set(file.inode, groups.at(-1)!);
    }
  }
  return groups;
}

function cut(groups: readonly FoundPath[][]): FoundPath[][] {
  const parts: FoundPath[][] = [];
  let [bytes, open] = [0, [] as FoundPath[]];
  for (const group of groups) {
    const more = sizeOf(group);
    if (open.length > 0 && (bytes + more > partBytes || open.length >= partFiles)) {
      parts.push(open);
      [bytes, open] = [0, []];
    }
    open.push(...group);
    bytes += more;
  }
  return open.length === 0 ? parts : [...parts, open];
}
