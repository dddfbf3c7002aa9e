import type { BigIntStats } from 'node:fs';
import { modeText, timeText } from '../facts.ts';
import { stateOf } from '../sharing/places.ts';

/** What is found at a path (bytes, one letter each) below the folder. `inode`: of a file with several names. */
export type FoundPath = {
  path: string;
  kind: 'file' | 'symlink' | 'folder';
  size: number;
  owner: string;
  /** Whether its file system changes `stateAt` with every change of the file. */
  settles: boolean;
  inode?: string | undefined;
};

/** Many items in order, such as an array. */
export type Many<T> = Iterable<T> & { readonly length: number; at(index: number): T | undefined };

/**
 * Everything that was found. `indexOf`: the index of a path, fastest for the one after the last; `stateAt`: as in
 * `stateOf`; `changedAt`: the time of the last change, in nanoseconds since 1970; `factsAt`: what follows the digest of
 * the content in the catalog, for a file without attributes.
 */
export type FoundPaths = Many<FoundPath> & {
  indexOf(path: string): number | undefined;
  stateAt(index: number): string;
  changedAt(index: number): bigint;
  factsAt(index: number): string;
};

/** What a look at a name shows. */
export type SeenName = Pick<FoundPath, 'kind' | 'owner' | 'settles'> & {
  stats: Pick<BigIntStats, 'ino' | 'size' | 'mode' | 'mtimeNs' | 'ctimeNs'>;
  /** The device of a file with several names. */
  device?: bigint | undefined;
};

/**
 * What a walk has found so far, by number. Kept as numbers and bytes, some sixty per name, because there may be a
 * million.
 */
export type FoundSoFar = {
  /** `within`: the number of its folder; number 0 is the top folder itself. Returns the new number. */
  add(within: number, name: string, seen: SeenName): number;
  pathAt(number: number): string;
  /** These numbers in this order, which must be that of their paths. */
  inOrder(numbers: Uint32Array): FoundPaths;
};

const blockBytes = 1024 ** 2;
const inChunk = 16_384;

/** The facts of some names, a column each. `sort`: what many have in common; `place`: where the name lies. */
type Chunk = ReturnType<typeof newChunk>;
function newChunk() {
  const numbers = () => new BigInt64Array(inChunk);
  const places = () => new Uint32Array(inChunk);
  return {
    ...{ ino: numbers(), size: numbers(), mtimeNs: numbers(), ctimeNs: numbers() },
    ...{ mode: places(), within: places(), sort: places(), place: places() },
  };
}

/** Its path is built only when it is read, because most passes over all that was found do not read it. */
class FoundAt implements FoundPath {
  readonly kind: FoundPath['kind'];
  readonly size: number;
  readonly owner: string;
  readonly settles: boolean;
  readonly inode: string | undefined;
  readonly #pathAt: (number: number) => string;
  readonly #number: number;

  constructor(told: Omit<FoundPath, 'path'>, pathAt: (number: number) => string, number: number) {
    ({ kind: this.kind, size: this.size, owner: this.owner, settles: this.settles, inode: this.inode } = told);
    [this.#pathAt, this.#number] = [pathAt, number];
  }

  get path(): string {
    return this.#pathAt(this.#number);
  }
}

/** Nothing found yet. */
export function nothingFound(): FoundSoFar {
  const chunks: Chunk[] = [];
  const names: Buffer[] = [];
  const sorts: Pick<SeenName, 'kind' | 'owner' | 'settles' | 'device'>[] = [];
  const sortNumbers = new Map<string, number>();
  let lastSort = -1;
  let [size, used] = [0, blockBytes];
  /** The folder whose path was asked for last: neighbours lie in the same one. */
  let last = { folder: 0, path: '' };

  const chunkOf = (number: number): Chunk => chunks[Math.floor(number / inChunk)]!;

  function placeFor(name: string): number {
    if (used + 2 + name.length > blockBytes) {
      names.push(Buffer.allocUnsafeSlow(blockBytes));
      used = 0;
    }
    const block = names.at(-1)!;
    const place = (names.length - 1) * blockBytes + used;
    block.writeUInt16LE(name.length, used);
    used += 2 + block.write(name, used + 2, 'latin1');
    return place;
  }

  /** Neighbours mostly have the same. */
  function sortOf(seen: SeenName): number {
    const last = sorts[lastSort];
    const isLast =
      last?.kind === seen.kind &&
      last.owner === seen.owner &&
      last.settles === seen.settles &&
      last.device === seen.device;
    if (!isLast) lastSort = numberOf(seen);
    return lastSort;
  }

  function numberOf({ kind, owner, settles, device }: SeenName): number {
    const key = `${kind} ${owner} ${settles} ${device}`;
    const known = sortNumbers.get(key);
    if (known !== undefined) return known;
    sortNumbers.set(key, sorts.length);
    return sorts.push({ kind, owner, settles, device }) - 1;
  }

  function nameAt(number: number): string {
    const place = chunkOf(number).place[number % inChunk]!;
    const [block, at] = [names[Math.floor(place / blockBytes)]!, place % blockBytes];
    return block.toString('latin1', at + 2, at + 2 + block.readUInt16LE(at));
  }

  function pathAt(number: number): string {
    const folder = chunkOf(number).within[number % inChunk]!;
    if (folder === 0) return nameAt(number);
    if (folder !== last.folder) last = { path: pathAt(folder), folder };
    return `${last.path}/${nameAt(number)}`;
  }

  function statsAt(number: number): SeenName['stats'] {
    const [{ ino, size: sizes, mode, mtimeNs, ctimeNs }, at] = [chunkOf(number), number % inChunk];
    return { ino: ino[at]!, size: sizes[at]!, mode: BigInt(mode[at]!), mtimeNs: mtimeNs[at]!, ctimeNs: ctimeNs[at]! };
  }

  function foundAt(number: number): FoundPath {
    const [chunk, at] = [chunkOf(number), number % inChunk];
    const { kind, owner, settles, device } = sorts[chunk.sort[at]!]!;
    const size = kind === 'file' ? Number(chunk.size[at]) : 0;
    const inode = device === undefined ? undefined : `${device}:${chunk.ino[at]}`;
    return new FoundAt({ kind, size, owner, settles, inode }, pathAt, number);
  }

  return {
    add(within, name, seen) {
      if (size % inChunk === 0) chunks.push(newChunk());
      const [chunk, at] = [chunks.at(-1)!, size % inChunk];
      const { ino, mode, mtimeNs, ctimeNs, size: bytes } = seen.stats;
      chunk.ino[at] = ino;
      chunk.size[at] = bytes;
      chunk.mtimeNs[at] = mtimeNs;
      chunk.ctimeNs[at] = ctimeNs;
      chunk.mode[at] = Number(mode);
      chunk.within[at] = within;
      chunk.sort[at] = sortOf(seen);
      chunk.place[at] = placeFor(name);
      size += 1;
      return size - 1;
    },
    pathAt,
    inOrder(numbers) {
      return {
        ...inOrder(numbers, foundAt),
        indexOf: placesIn(numbers.length, (index) => pathAt(numbers[index]!)),
        stateAt: (index) => stateOf(statsAt(numbers[index]!)),
        changedAt: (index) => chunkOf(numbers[index]!).ctimeNs[numbers[index]! % inChunk]!,
        factsAt(index) {
          const { size: bytes, mode, mtimeNs } = statsAt(numbers[index]!);
          return `${bytes} ${modeText(Number(mode))} ${timeText(mtimeNs)}`;
        },
      };
    },
  };
}

/** The index of a path among sorted ones; usually the one after the previous question. */
function placesIn(length: number, pathAt: (index: number) => string): (path: string) => number | undefined {
  let next = 0;
  return (path) => {
    if (next < length && pathAt(next) === path) return next++;
    let [from, to] = [0, length];
    while (from < to) {
      const middle = Math.floor((from + to) / 2);
      if (pathAt(middle) < path) from = middle + 1;
      else to = middle;
    }
    const isThere = from < length && pathAt(from) === path;
    next = isThere ? from + 1 : from;
    return isThere ? from : undefined;
  };
}

/** The items at these indexes, in order. */
export function someOf<T>(all: Many<T>, places: Uint32Array): Many<T> {
  return inOrder(places, (place) => all.at(place)!);
}

function inOrder<T>(numbers: Uint32Array, one: (number: number) => T): Many<T> {
  return {
    length: numbers.length,
    at: (index) => (numbers[index] === undefined ? undefined : one(numbers[index])),
    *[Symbol.iterator]() {
      for (const number of numbers) yield one(number);
    },
  };
}
