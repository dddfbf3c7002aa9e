import type { Catalog } from '../contract/manifest/catalog.ts';
import type { Manifest, TableRows } from '../contract/manifest/manifest.ts';
import { formatCount, plural } from './units.ts';

/** What a proof compares of a database. */
export type Content = Pick<Manifest, 'tables' | 'largeObjects' | 'sequences'> & { catalog: Catalog };

/** An object that is missing in one of the catalogs, or defined differently. `detail`: how, for people. */
export type Unequal = { kind: string; name: string; how: 'missing' | 'added' | 'changed'; detail?: string };

/** Every difference between the rows of `found` and `expected`, one line each; empty if they are alike. */
export function contentDifferences(expected: Omit<Content, 'catalog'>, found: Omit<Content, 'catalog'>): string[] {
  return [
    ...tableDifferences(expected.tables, found.tables),
    ...largeObjectDifferences(expected.largeObjects, found.largeObjects),
    ...sequenceDifferences(expected.sequences, found.sequences),
  ];
}

function tableDifferences(expected: TableRows[], found: TableRows[]): string[] {
  const tables = new Map(found.map((table) => [table.table, table]));
  const missing = expected.flatMap((table) => {
    const other = tables.get(table.table);
    if (other === undefined) return [`table ${table.table} is missing (${plural(table.rows, 'row')})`];
    if (other.rows !== table.rows)
      return [`table ${table.table} has ${plural(other.rows, 'row')} instead of ${formatCount(table.rows)}`];
    if (other.fingerprint !== table.fingerprint)
      return [`table ${table.table} has the right number of rows, and other content`];
    return [];
  });
  const known = new Set(expected.map(({ table }) => table));
  return [
    ...missing,
    ...found.filter(({ table }) => !known.has(table)).map(({ table }) => `table ${table} is not in the backup`),
  ];
}

function largeObjectDifferences(expected: Content['largeObjects'], found: Content['largeObjects']): string[] {
  const [before, after] = [expected?.count ?? 0, found?.count ?? 0];
  if (before !== after) return [`${plural(after, 'large object')} instead of ${formatCount(before)}`];
  return expected?.fingerprint === found?.fingerprint ? [] : ['large objects have other content'];
}

function sequenceDifferences(expected: Content['sequences'], found: Content['sequences']): string[] {
  return Object.entries(expected).flatMap(([name, state]) =>
    !Object.hasOwn(found, name)
      ? [`sequence ${name} is missing`]
      : found[name] === state
        ? []
        : [`sequence ${name} stands at (${found[name]}) instead of (${state})`],
  );
}

/** Every object that two catalogs don't define with the same text. `without`: kinds that are ignored. */
export function unequalDefinitions(expected: Catalog, found: Catalog, without: readonly string[]): Unequal[] {
  const kinds = [...new Set([...Object.keys(expected), ...Object.keys(found)])].filter(
    (kind) => !without.includes(kind),
  );
  return kinds.flatMap((kind) => {
    const [before, after] = [expected[kind] ?? {}, found[kind] ?? {}];
    const lost = Object.keys(before).filter((name) => !Object.hasOwn(after, name));
    const added = Object.keys(after).filter((name) => !Object.hasOwn(before, name));
    const changed = Object.keys(before).filter((name) => Object.hasOwn(after, name) && after[name] !== before[name]);
    const all = { missing: lost, added, changed };
    return (['missing', 'added', 'changed'] as const).flatMap((how) => all[how].map((name) => ({ kind, name, how })));
  });
}

/** Decides by the text or, between versions whose servers print definitions differently, by the names. */
export function decidedByText(unequal: Unequal[], sameVersion: boolean): { different: Unequal[]; byName: number } {
  const different = sameVersion ? unequal : unequal.filter(({ how }) => how !== 'changed');
  return { different, byName: unequal.length - different.length };
}

const said = { missing: 'is missing', added: 'is not in the backup', changed: 'is defined differently' };

/** The difference as a line for a person. */
export function describeUnequal({ kind, name, how, detail }: Unequal): string {
  return `${kind} ${name} ${said[how]}${detail === undefined ? '' : ` (${detail})`}`;
}
