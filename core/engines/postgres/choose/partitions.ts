import { kindOf } from './entry-names.ts';
import type { ArchiveGraph } from './graph.ts';

/** `below`: the partitions of some tables, at any depth; `parentsOf`: the tables that one is a partition of. */
export type Partitions = { below(tables: Iterable<string>): Set<string>; parentsOf(table: string): string[] };

/** Which table is a partition of which, by the ATTACH entries of an archive. */
export function partitionsIn(graph: ArchiveGraph): Partitions {
  const parents = new Map<string, string>();
  for (const entry of graph.entries) {
    if (kindOf(entry.words) !== 'TABLE ATTACH') continue;
    const child = graph.subjectOf(entry);
    const parent = entry.needs.find((id) => id !== child && graph.named(id)?.kind === 'table');
    const [name, of] = [child, parent].map((id) => graph.named(id ?? '')?.name);
    if (name !== undefined && of !== undefined) parents.set(name, of);
  }
  function parentsOf(table: string): string[] {
    const parent = parents.get(table);
    return parent === undefined ? [] : [parent, ...parentsOf(parent)];
  }
  return {
    parentsOf,
    below(tables) {
      const roots = new Set(tables);
      const under = [...parents.keys()].filter((table) => parentsOf(table).some((one) => roots.has(one)));
      return new Set([...roots, ...under]);
    },
  };
}
