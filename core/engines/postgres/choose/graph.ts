import type { Catalog } from '../../../ports.ts';
import { plainNames } from '../identifier.ts';
import type { ArchiveEntry } from './archive-list.ts';
import { bodyOf, kindOf, namesIn } from './entry-names.ts';
import type { EntryKind, NamedObject } from './entry-names.ts';

/** The entries of an archive, their names in the catalog, and what they need. */
export type ArchiveGraph = {
  entries: readonly ArchiveEntry[];
  named(id: string): NamedObject | undefined;
  /** Whether an entry is a table, or something else that rows are read from. */
  isRelation(id: string): boolean;
  /** Everything that an entry needs, directly or indirectly; each once. */
  reachedFrom(entry: ArchiveEntry): Set<string>;
  /** The table or domain that an entry is named after: for a constraint, the one it is on. */
  subjectOf(entry: ArchiveEntry): string | undefined;
  /** The name of an object on a table: for an entry `TRIGGER public orders stamp app`, `stamp`. */
  ownName(entry: ArchiveEntry): string;
};

const relations: (EntryKind | undefined)[] = ['TABLE', 'FOREIGN TABLE', 'VIEW', 'MATERIALIZED VIEW'];
const subjects = ['table', 'foreign table', 'type'];

export function archiveGraph(entries: readonly ArchiveEntry[], catalog: Catalog): ArchiveGraph {
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  const objectOf = namesIn(catalog);
  const objects = new Map(entries.map(({ id, words }) => [id, objectOf(words)]));
  function subjectOf(entry: ArchiveEntry): string | undefined {
    const tables = entry.needs.filter((id) => subjects.includes(objects.get(id)?.kind ?? ''));
    const length = (id: string) => headOf(entry, objects.get(id)).length;
    return tables
      .filter((id) => entry.words.startsWith(headOf(entry, objects.get(id))))
      .toSorted((one, other) => length(other) - length(one))[0];
  }
  return {
    entries,
    named: (id) => objects.get(id),
    isRelation: (id) => relations.includes(kindOf(byId.get(id)?.words ?? '')),
    reachedFrom(entry) {
      const seen = new Set<string>();
      const open = [...entry.needs];
      for (let id = open.pop(); id !== undefined; id = open.pop()) {
        const next = byId.get(id);
        // what the archive does not hold exists anyway, or was not dumped
        if (next === undefined || seen.has(id)) continue;
        seen.add(id);
        open.push(...next.needs);
      }
      return seen;
    },
    subjectOf,
    ownName(entry) {
      const subject = objects.get(subjectOf(entry) ?? '');
      const end = subject?.owner ? entry.words.length - subject.owner.length - 1 : undefined;
      return entry.words.slice(headOf(entry, subject).length, end).trimEnd();
    },
  };
}

function headOf({ words }: ArchiveEntry, object: NamedObject | undefined): string {
  return `${kindOf(words) ?? ''} ${bodyOf(plainNames(object?.name ?? ''))} `;
}
