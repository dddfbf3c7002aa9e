import type { SourceName } from '../keys.ts';
import type { ServerDatabases } from '../../contract/memory/servers.ts';

/** A database as a server lists it. `why`: why it can't be backed up. */
export type ListedDatabase = { name: string; why?: string };

/** `sourceOf`: what the source of a database is called; `isName`: whether a source may be called so. */
export type LookRules = {
  server: SourceName;
  exclude: readonly string[];
  sourceOf(database: string): string;
  isName(source: string, others: readonly string[]): boolean;
};

/** What a server has after a look, and what of it nobody backs up, though nobody has excluded it. */
export type LookedAt = { known: ServerDatabases; uncovered: ListedDatabase[] };

/**
 * The databases of a server after a look at it. One that is not found any more stays, so that it is missed; it leaves by
 * a word of somebody's: `exclude`. At the first look, nothing is news.
 */
export function databasesAfter(
  before: ServerDatabases | undefined,
  found: readonly ListedDatabase[],
  { server, exclude, sourceOf, isName }: LookRules,
  now: Date,
): LookedAt {
  const at = now.toISOString();
  const known = new Map((before?.databases ?? []).map((one) => [one.name, one]));
  // of two whose sources would have one name, the one that has it keeps it
  const rank = ({ name }: ListedDatabase) => (known.get(name)?.gone === undefined && known.has(name) ? 0 : 1);
  const wanted = found
    .filter(({ name }) => !exclude.includes(name))
    .toSorted((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
  const taken: string[] = [];
  const uncovered: ListedDatabase[] = [];
  for (const { name, why } of wanted) {
    const source = sourceOf(name);
    const obstacle =
      why ??
      (isName(source, taken.map(sourceOf))
        ? undefined
        : `would be the source ${source}, and no source can be called so beside the others`);
    if (obstacle === undefined) taken.push(name);
    else uncovered.push({ name, why: obstacle });
  }
  const there = taken.map((name) => ({ name, since: sinceOf(known.get(name)) ?? at }));
  const lost = [...known.values()]
    .filter(({ name }) => !taken.includes(name) && !exclude.includes(name))
    .map(({ gone = at, ...one }) => ({ ...one, gone }));
  const databases = [...there, ...lost].sort((a, b) => (a.name < b.name ? -1 : 1));
  const news = before === undefined ? [] : changes(before, databases, { sourceOf });
  return {
    known: { version: 1, name: server, at, databases, untold: [...(before?.untold ?? []), ...news] },
    uncovered,
  };
}

/** One that has come back is new. */
function sinceOf(known: ServerDatabases['databases'][number] | undefined): string | undefined {
  return known?.gone === undefined ? known?.since : undefined;
}

function changes(
  { databases: before }: ServerDatabases,
  after: ServerDatabases['databases'],
  { sourceOf }: Pick<LookRules, 'sourceOf'>,
): ServerDatabases['untold'] {
  const was = new Map(before.map((one) => [one.name, one]));
  const isLeft = new Set(after.map(({ name }) => name));
  return [
    ...after.flatMap(({ name, gone }): ServerDatabases['untold'] => {
      const known = was.get(name);
      const source = sourceOf(name);
      if (known !== undefined && (known.gone === undefined) === (gone === undefined)) return [];
      if (gone !== undefined)
        return [
          { label: 'Gone', text: `database ${name}: ${source} is backed up no more, and missed; its backups stay` },
        ];
      return [{ label: known === undefined ? 'New' : 'Back', text: `database ${name} is backed up as ${source}` }];
    }),
    ...before
      .filter(({ name }) => !isLeft.has(name))
      .map(({ name }) => ({
        label: 'Left out',
        text: `database ${name}: ${sourceOf(name)} is no source any more; its backups stay`,
      })),
  ];
}
