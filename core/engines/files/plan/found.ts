import { packedMap } from '../../../domain/packed/map.ts';

/**
 * What is found at a path (bytes, a letter each) below the folder. `inode`: of a file that has several names; `state`:
 * as `stateOf` tells it.
 */
export type FoundPath = {
  path: string;
  kind: 'file' | 'symlink' | 'folder';
  size: number;
  owner: string;
  state: string;
  /** Whether its file system writes no change down without a new `state`. */
  settles: boolean;
  inode?: string;
};

/** Many of a kind, in their order: an array is one. */
export type Many<T> = Iterable<T> & { readonly length: number; at(index: number): T | undefined };

/** All that was found. `indexOf`: where a path stands in it. */
export type FoundPaths = Many<FoundPath> & { indexOf(path: string): number | undefined };

/** What a walk has found so far, by the number that it got; kept as bytes, for there may be a million. */
export type FoundSoFar = {
  add(found: FoundPath): number;
  pathAt(number: number): string;
  /** All of these numbers, in this order. */
  inOrder(numbers: Uint32Array): FoundPaths;
};

const kinds = ['file', 'symlink', 'folder'] as const;

/** Nothing yet. */
export function nothingFound(): FoundSoFar {
  const all = packedMap();
  const foundAt = (number: number): FoundPath => {
    const [kind, settles, owner, inode, size, state] = all.valueAt(number).split(' ') as [string, string, ...string[]];
    return {
      path: all.keyAt(number),
      kind: kinds[Number(kind)]!,
      size: Number(size),
      owner: owner!,
      state: state!,
      settles: settles === '1',
      ...(inode !== '' && { inode: inode! }),
    };
  };
  return {
    add({ path, kind, size, owner, state, settles, inode = '' }) {
      all.add(path, `${kinds.indexOf(kind)} ${settles ? 1 : 0} ${owner} ${inode} ${size} ${state}`);
      return all.size - 1;
    },
    pathAt: (number) => all.keyAt(number),
    inOrder(numbers) {
      /** Of each number its place in the order, counted from one. */
      const places = new Uint32Array(all.size);
      for (const [place, number] of numbers.entries()) places[number] = place + 1;
      const indexOf = (path: string): number | undefined => {
        const place = places[all.indexOf(path) ?? all.size] ?? 0;
        return place === 0 ? undefined : place - 1;
      };
      return { ...inOrder(numbers, foundAt), indexOf };
    },
  };
}

/** Those at these places, in their order. */
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
