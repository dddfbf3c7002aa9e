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

/** What a walk has found so far, by the number that it got; kept as bytes, for there may be a million. */
export type FoundSoFar = {
  add(found: FoundPath): number;
  pathAt(number: number): string;
  /** All of these numbers, in this order. */
  inOrder(numbers: Uint32Array): Many<FoundPath>;
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
    inOrder: (numbers) => inOrder(numbers, foundAt),
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
