import type { Catalog } from '../../contract/manifest/catalog.ts';
import type { Manifest } from '../../contract/manifest/manifest.ts';
import type { Excerpt, Target } from '../../ports.ts';

const noRows = '0'.repeat(16);

/** The same target without rows: parts with rows are not read, and the proof expects every table to be empty. */
export function definitionsAlone(target: Target, manifest: Manifest, catalog: Catalog): Target {
  const { excerpt: chosen, stages } = target;
  const { largeObjects: _, ...expected } = chosen?.manifest ?? manifest;
  const excerpt: Excerpt = {
    tables: [],
    bare: [...(chosen?.tables ?? []), ...(chosen?.bare ?? [])],
    manifest: {
      ...expected,
      tables: expected.tables.map((table) => ({ ...table, rows: 0, fingerprint: noRows })),
      sequences: {},
    },
    catalogFor: (found) => withoutLargeObjects(chosen?.catalogFor(found) ?? catalog, found),
    lacking: ['every row, large objects, and where sequences stand', ...(chosen?.lacking ?? [])],
    notes: chosen?.notes ?? [],
    copying: () => [],
  };
  const withoutRows = stages.map((steps) => steps.filter(({ part }) => part.role !== 'data'));
  return { ...target, excerpt, stages: withoutRows.filter((steps) => steps.length > 0) };
}

/**
 * Drops missing large objects from the expected catalog: older clients put their owners and grants among the
 * definitions, newer ones with the rows.
 */
function withoutLargeObjects(catalog: Catalog, found: Catalog): Catalog {
  const isKept = (kind: string, name: string) => !name.startsWith('large object ') || found[kind]?.[name] !== undefined;
  const kinds = Object.entries(catalog).map(([kind, names]) => [
    kind,
    Object.fromEntries(Object.entries(names).filter(([name]) => isKept(kind, name))),
  ]);
  return Object.fromEntries(kinds) as Catalog;
}
