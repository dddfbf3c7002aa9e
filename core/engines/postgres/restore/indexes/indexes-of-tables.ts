import { kindOf } from '../../choose/entry-names.ts';
import type { EntryKind } from '../../choose/entry-names.ts';
import type { ArchiveGraph } from '../../choose/graph.ts';
import { nameKey } from '../../identifier.ts';

const ofRowsAlone = new Set<EntryKind | undefined>(['INDEX', 'CONSTRAINT']);

/**
 * By table, the numbers of the indexes and keys (primary, unique, exclusion) that need only its rows and nothing else
 * of the archive. One that calls a function is left out, because the function may read another table, whatever its
 * declaration; so is one with a comment, because pg_restore finds a comment by the entry before it.
 */
export function indexesOfTables(graph: ArchiveGraph): Map<string, string[]> {
  const known = new Set(graph.entries.map(({ id }) => id));
  const said = new Set(
    graph.entries.filter(({ words }) => kindOf(words) === 'COMMENT').flatMap(({ needs }) => [...needs]),
  );
  const found = new Map<string, string[]>();
  for (const { id, words, needs } of graph.entries) {
    if (!ofRowsAlone.has(kindOf(words)) || said.has(id)) continue;
    const [table, ...others] = [...new Set(needs)].filter((need) => known.has(need));
    const object = table === undefined ? undefined : graph.named(table);
    if (object?.kind !== 'table' || others.length > 0) continue;
    const key = nameKey(object.name);
    found.set(key, [...(found.get(key) ?? []), id]);
  }
  return found;
}
