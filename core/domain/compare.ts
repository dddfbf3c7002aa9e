import type { Catalog } from '../contract/catalog.ts';
import type { Manifest, TableRows } from '../contract/manifest.ts';
import { formatCount, plural } from './units.ts';

/** What a database holds, as far as a proof compares it. */
export type Content = Pick<Manifest, 'tables' | 'largeObjects' | 'sequences'> & { catalog: Catalog };

/**
 * Every way in which `found` differs from `expected`, a line each; none when they are alike. Where the servers' versions differ, definitions
 * are printed differently by them, so that only names are compared (`definitions: false`).
 */
export function differences(expected: Content, found: Content, options: { definitions: boolean; without: readonly string[] }): string[] {
  return [
    ...tableDifferences(expected.tables, found.tables),
    ...largeObjectDifferences(expected.largeObjects, found.largeObjects),
    ...sequenceDifferences(expected.sequences, found.sequences),
    ...catalogDifferences(expected.catalog, found.catalog, options),
  ];
}

function tableDifferences(expected: TableRows[], found: TableRows[]): string[] {
  const tables = new Map(found.map((table) => [table.table, table]));
  const missing = expected.flatMap((table) => {
    const other = tables.get(table.table);
    if (other === undefined) return [`table ${table.table} is missing (${plural(table.rows, 'row')})`];
    if (other.rows !== table.rows) return [`table ${table.table} has ${plural(other.rows, 'row')} instead of ${formatCount(table.rows)}`];
    if (other.fingerprint !== table.fingerprint) return [`table ${table.table} has the right number of rows, and other content`];
    return [];
  });
  const known = new Set(expected.map(({ table }) => table));
  return [...missing, ...found.filter(({ table }) => !known.has(table)).map(({ table }) => `table ${table} is not in the backup`)];
}

function largeObjectDifferences(expected: Content['largeObjects'], found: Content['largeObjects']): string[] {
  const [before, after] = [expected?.count ?? 0, found?.count ?? 0];
  if (before !== after) return [`${plural(after, 'large object')} instead of ${formatCount(before)}`];
  return expected?.fingerprint === found?.fingerprint ? [] : ['large objects have other content'];
}

function sequenceDifferences(expected: Content['sequences'], found: Content['sequences']): string[] {
  return Object.entries(expected).flatMap(([name, state]) =>
    !Object.hasOwn(found, name) ? [`sequence ${name} is missing`] : found[name] === state ? [] : [`sequence ${name} stands at (${found[name]}) instead of (${state})`]);
}

function catalogDifferences(expected: Catalog, found: Catalog, { definitions, without }: { definitions: boolean; without: readonly string[] }): string[] {
  const kinds = [...new Set([...Object.keys(expected), ...Object.keys(found)])].filter((kind) => !without.includes(kind));
  return kinds.flatMap((kind) => {
    const [before, after] = [expected[kind] ?? {}, found[kind] ?? {}];
    const lost = Object.keys(before).filter((name) => !Object.hasOwn(after, name));
    const added = Object.keys(after).filter((name) => !Object.hasOwn(before, name));
    const changed = definitions ? Object.keys(before).filter((name) => Object.hasOwn(after, name) && after[name] !== before[name]) : [];
    return [
      ...lost.map((name) => `${kind} ${name} is missing`),
      ...added.map((name) => `${kind} ${name} is not in the backup`),
      ...changed.map((name) => `${kind} ${name} is defined differently`),
    ];
  });
}
