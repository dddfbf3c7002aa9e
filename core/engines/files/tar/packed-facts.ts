import { packedMap } from '../../../domain/packed/map.ts';
import { factsOf, kindNames } from '../facts.ts';
import type { PathFacts } from '../facts.ts';
import { nameOf } from '../names.ts';
import type { PathKind, StoredEntry } from './header.ts';

/** What was read of a tar, by path: the last facts of one that stands in it twice, in the order of first appearance. */
export type FactsByPath = {
  readonly size: number;
  get(path: string): PathFacts | undefined;
  pathAt(index: number): string;
  at(index: number): PathFacts;
  all(): Iterable<PathFacts>;
};

const kinds = Object.keys(kindNames) as PathKind[];

/** Kept as bytes: a part has ten thousand, which as objects would survive many garbage collections. */
export function packedFacts(): FactsByPath & { add(entry: StoredEntry, sha256: string): void } {
  const packed = packedMap();
  /** Paths that came more than once. */
  const again = new Map<string, PathFacts>();

  function at(index: number): PathFacts {
    const path = packed.keyAt(index);
    const last = again.get(path);
    if (last !== undefined) return last;
    const text = packed.valueAt(index);
    const first = text.indexOf(' ');
    const second = text.indexOf(' ', first + 1);
    const third = text.indexOf(' ', second + 1);
    return {
      kind: kinds[Number(text.slice(0, first))]!,
      name: nameOf(path),
      owner: text.slice(first + 1, second),
      size: Number(text.slice(second + 1, third)),
      value: text.slice(third + 1),
    };
  }

  return {
    add(entry, sha256) {
      const facts = factsOf(entry, sha256);
      const { kind, owner, size, value } = facts;
      const isNew = packed.add(entry.path, `${kinds.indexOf(kind)} ${owner} ${size} ${value}`);
      if (!isNew) again.set(entry.path, facts);
    },
    get size() {
      return packed.size;
    },
    get(path) {
      const index = packed.indexOf(path);
      return index === undefined ? undefined : at(index);
    },
    pathAt: packed.keyAt,
    at,
    *all() {
      for (let index = 0; index < packed.size; index += 1) yield at(index);
    },
  };
}
