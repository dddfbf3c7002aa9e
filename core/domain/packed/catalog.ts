import type { Catalog } from '../../contract/manifest/catalog.ts';
import type { Unequal } from '../compare.ts';
import { packedMap } from './map.ts';
import type { PackedMap } from './map.ts';

/** One object of a catalog. */
export type CatalogEntry = { kind: string; name: string; text: string };

/** A catalog of any number of objects, with look-up by kind and name. */
export type PackedCatalog = {
  text(kind: string, name: string): string | undefined;
  /** Kinds in their order, and names in theirs. */
  entries(): Iterable<CatalogEntry>;
  kinds: ReadonlyMap<string, PackedMap>;
};

/** A catalog being read. `add` throws if the object is already in it. */
export type GrowingCatalog = PackedCatalog & { add(entry: CatalogEntry): void };

/** An empty one. */
export function packedCatalog(): GrowingCatalog {
  const kinds = new Map<string, PackedMap>();
  return {
    kinds,
    add({ kind, name, text }) {
      const known = kinds.get(kind) ?? packedMap();
      kinds.set(kind, known);
      if (!known.add(name, text)) throw new Error(`${name} stands in it twice`);
    },
    text: (kind, name) => kinds.get(kind)?.get(name),
    *entries() {
      for (const [kind, names] of kinds)
        for (let at = 0; at < names.size; at += 1) yield { kind, name: names.keyAt(at), text: names.valueAt(at) };
    },
  };
}

/** The same catalog, packed. */
export function packCatalog(catalog: Catalog): PackedCatalog {
  const packed = packedCatalog();
  for (const [kind, names] of Object.entries(catalog))
    for (const [name, text] of Object.entries(names)) packed.add({ kind, name, text });
  return packed;
}

/** The same entries, counted during iteration. */
export type CountedEntries = Iterable<CatalogEntry> & {
  /** How many objects of each kind there were in the last complete iteration. */
  counts(): Record<string, number>;
};

/** Counts entries while they are written: iterating over a million once more takes seconds. */
export function counted(entries: Iterable<CatalogEntry>): CountedEntries {
  let counts = new Map<string, number>();
  return {
    counts: () => Object.fromEntries(counts),
    *[Symbol.iterator]() {
      counts = new Map();
      for (const entry of entries) {
        counts.set(entry.kind, (counts.get(entry.kind) ?? 0) + 1);
        yield entry;
      }
    },
  };
}

/** Every object that does not have the same text in both. `without`: kinds that are ignored. */
export function unequalEntries(
  expected: PackedCatalog,
  found: Iterable<CatalogEntry>,
  without: readonly string[],
): Unequal[] {
  const seen = new Map([...expected.kinds].map(([kind, names]) => [kind, new Uint8Array(names.size)]));
  const unequal: Unequal[] = [];
  for (const { kind, name, text } of found) {
    if (without.includes(kind)) continue;
    const names = expected.kinds.get(kind);
    const index = names?.indexOf(name);
    if (names === undefined || index === undefined) unequal.push({ kind, name, how: 'added' });
    else {
      seen.get(kind)![index] = 1;
      if (names.valueAt(index) !== text) unequal.push({ kind, name, how: 'changed' });
    }
  }
  for (const [kind, names] of expected.kinds)
    for (let at = 0; at < names.size && !without.includes(kind); at += 1)
      if (seen.get(kind)![at] === 0) unequal.push({ kind, name: names.keyAt(at), how: 'missing' });
  return inOrder(unequal, [...expected.kinds.keys()]);
}

/** By kind, and within each kind what is missing first. */
function inOrder(unequal: readonly Unequal[], known: readonly string[]): Unequal[] {
  const kinds = [...new Set([...known, ...unequal.map(({ kind }) => kind)])];
  const hows = ['missing', 'added', 'changed'];
  const rank = ({ kind, how }: Unequal) => kinds.indexOf(kind) * hows.length + hows.indexOf(how);
  return unequal.toSorted((one, other) => rank(one) - rank(other));
}
