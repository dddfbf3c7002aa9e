import type { Catalog } from '../../../ports.ts';
import { plainNames } from '../identifier.ts';
import type { ArchiveEntry } from './archive-list.ts';
import { kindOf } from './entry-names.ts';
import type { EntryKind, NamedObject } from './entry-names.ts';
import type { ArchiveGraph } from './graph.ts';

/** Something on a table that can't be made because it needs what is not restored: `missing`. */
export type LeftOnTable = { kind: string; name: string; table: string; missing: string[] };

/** The entries that some tables need and have, with their names in the catalog. */
export type ChosenEntries = { ids: ReadonlySet<string>; objects: NamedObject[]; leftOut: LeftOnTable[] };

/** Named after their table: without them the table is not what it was, whatever else they need. */
const ofTables = new Set<EntryKind | undefined>(['DEFAULT', 'CONSTRAINT', 'CHECK CONSTRAINT', 'ROW SECURITY']);
/** Named after their table, and left out if they refer to a table that is not restored. */
const detachable: Partial<Record<EntryKind, string>> = {
  'FK CONSTRAINT': 'table constraint',
  TRIGGER: 'trigger',
  RULE: 'rule',
  POLICY: 'policy',
};
/** On a table, with a name of their own. */
const onTables = new Set<EntryKind | undefined>(['INDEX', 'STATISTICS', 'SEQUENCE']);
/** Made if everything that they join or refer to is made. */
const following = new Set<EntryKind | undefined>([
  'TABLE ATTACH',
  'INDEX ATTACH',
  'SEQUENCE OWNED BY',
  'COMMENT',
  'ACL',
  'SECURITY LABEL',
]);
/** Every database has it, so no entry says that it needs it. */
const publicSchema = /^(?:SCHEMA - public|(?:COMMENT|ACL|SECURITY LABEL) - SCHEMA public) /;

/** Chooses the entries of these tables, of what they need, and of what is on either. */
export function chooseEntries(graph: ArchiveGraph, catalog: Catalog, tables: ReadonlySet<string>): ChosenEntries {
  const ids = new Set<string>();
  const take = (entry: ArchiveEntry): void => {
    ids.add(entry.id);
    for (const id of graph.reachedFrom(entry)) ids.add(id);
  };
  for (const entry of graph.entries) {
    const object = graph.named(entry.id);
    if (publicSchema.test(entry.words) || (object?.kind === 'table' && tables.has(object.name))) take(entry);
  }
  for (let size = -1; size !== ids.size; ) {
    size = ids.size;
    for (const entry of graph.entries) if (!ids.has(entry.id) && belongs(entry, ids, graph)) take(entry);
  }
  return {
    ids,
    objects: [...ids].flatMap((id) => graph.named(id) ?? []),
    leftOut: graph.entries.flatMap((entry) => (ids.has(entry.id) ? [] : leftOn(entry, ids, graph, catalog))),
  };
}

/** Whether an entry is to be made with those already chosen. */
function belongs(entry: ArchiveEntry, ids: ReadonlySet<string>, graph: ArchiveGraph): boolean {
  const kind = kindOf(entry.words);
  if (!entry.needs.some((id) => ids.has(id))) return false;
  if (following.has(kind)) return entry.needs.every((id) => ids.has(id));
  if (onTables.has(kind))
    return entry.needs.some((id) => ids.has(id) && graph.isRelation(id)) && !lacks(entry, ids, graph);
  if (!ids.has(graph.subjectOf(entry) ?? '')) return false;
  return ofTables.has(kind) || (kind !== undefined && kind in detachable && !lacks(entry, ids, graph));
}

function lacks(entry: ArchiveEntry, ids: ReadonlySet<string>, graph: ArchiveGraph): boolean {
  return missingFor(entry, ids, graph).length > 0;
}

function missingFor(entry: ArchiveEntry, ids: ReadonlySet<string>, graph: ArchiveGraph): string[] {
  return [...graph.reachedFrom(entry)].filter((id) => graph.isRelation(id) && !ids.has(id));
}

/** What an entry that is not chosen is on one of the tables that are. */
export function leftOn(
  entry: ArchiveEntry,
  ids: ReadonlySet<string>,
  graph: ArchiveGraph,
  catalog: Catalog,
): LeftOnTable[] {
  const kind = detachable[kindOf(entry.words) ?? 'ACL'];
  const subject = graph.subjectOf(entry) ?? '';
  const table = graph.named(subject)?.name;
  if (kind === undefined || table === undefined || !ids.has(subject)) return [];
  const own = graph.ownName(entry);
  const isIt = (name: string) => name.endsWith(` on ${table}`) && plainNames(name)[0] === own;
  const name = Object.keys(catalog[kind] ?? {}).find(isIt) ?? `${own} on ${table}`;
  return [{ kind, name, table, missing: missingFor(entry, ids, graph).flatMap((id) => graph.named(id)?.name ?? []) }];
}
