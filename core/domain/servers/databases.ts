import type { SourceName } from '../keys.ts';
import type { ServerDatabases } from '../../contract/memory/servers.ts';

/** A database as a server lists it. `why`: why it can't be backed up. */
export type ListedDatabase = { name: string; why?: string };

/** `sourceOf`: the usual source name of a database; `isName`: whether a source may have this name beside the others. */
export type LookRules = {
  server: SourceName;
  exclude: readonly string[];
  sourceOf(database: string): string;
  isName(source: string, others: readonly string[]): boolean;
};

/** What a server has, and which databases nobody backs up though nobody excluded them. */
export type LookedAt = { known: ServerDatabases; uncovered: ListedDatabase[] };

/**
 * The databases of a server after listing them. One that is no longer found stays, so that its backups are missed; it
 * leaves only when somebody says so: `exclude`. After the first listing, nothing counts as news.
 */
export function databasesAfter(
  before: ServerDatabases | undefined,
  found: readonly ListedDatabase[],
  { server, exclude, sourceOf, isName }: LookRules,
  now: Date,
): LookedAt {
  const at = now.toISOString();
  const known = new Map((before?.databases ?? []).map((one) => [one.name, one]));
  const kept = [...known.values()].filter(({ name }) => !exclude.includes(name));
  const taken: ServerDatabases['databases'] = [];
  const uncovered: ListedDatabase[] = [];
  for (const { name, why } of found.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (exclude.includes(name)) continue;
    const others = [...kept, ...taken].filter((one) => one.name !== name).map((one) => sourceOfDatabase(one, sourceOf));
    const source = ownSource(name, known.get(name), (one) => isName(one, others), sourceOf);
    // one that was backed up before has a turn, which says each time why it fails: it is not gone
    if (why !== undefined && !known.has(name)) uncovered.push({ name, why });
    else if (source === undefined)
      uncovered.push({
        name,
        why:
          `would be the source ${sourceOf(name)}, and no source can be called so: write it as a source of its own, ` +
          'which may have any name',
      });
    else taken.push({ name, ...source, since: sinceOf(known.get(name)) ?? at });
  }
  const lost = kept
    .filter(({ name }) => !taken.some((one) => one.name === name))
    .map(({ gone = at, ...one }) => ({ ...one, gone }));
  const databases = [...taken, ...lost].sort((a, b) => (a.name < b.name ? -1 : 1));
  const news = before === undefined ? [] : changes(before, databases, { sourceOf });
  return {
    known: { version: 1, name: server, at, databases, untold: [...(before?.untold ?? []), ...news] },
    uncovered,
  };
}

/** The source name of a known database. */
export function sourceOfDatabase<T extends string>(
  { name, source }: { name: string; source?: string | undefined },
  sourceOf: (database: string) => T,
): T {
  return (source as T | undefined) ?? sourceOf(name);
}

/**
 * The name of a database's source, if another source already has the usual one (`main.shop~2` beside `main.Shop`), or
 * no source can have it. A database keeps its name, also while it is gone. Undefined if none is free.
 */
function ownSource(
  name: string,
  known: { source?: string | undefined } | undefined,
  isFree: (source: string) => boolean,
  sourceOf: (database: string) => string,
): { source?: string } | undefined {
  const usual = sourceOf(name);
  const source = (known === undefined ? sourceNames(name, sourceOf) : [known.source ?? usual]).find(isFree);
  if (source === undefined) return undefined;
  return source === usual ? {} : { source };
}

/**
 * What the source of a database may be called, the usual name first. A name of 64 letters that are not Latin is longer
 * than a place in the vault may be, and one may hold what no source's can: the source has the beginning of it.
 */
export function sourceNames(database: string, sourceOf: (database: string) => string): string[] {
  const letters = Array.from(database.replace(/\p{Cc}/gu, ''));
  const beginnings = beginningLengths.map((length) => sourceOf(letters.slice(0, length).join('').trim()));
  const usual = sourceOf(database);
  return [usual, ...[usual, ...beginnings].flatMap((name) => twins.map((number) => `${name}~${number}`))];
}

const twins = Array.from({ length: 98 }, (_, index) => index + 2);
/** Of Chinese, ten letters take 90 of the 200 that a place may have; the name of the server comes before them. */
const beginningLengths = [40, 20, 10];

/** Whether this may be another name than the usual one: `shop~2`. A database may also really have such a name. */
export function mayBeOther(name: string): boolean {
  return /~[1-9]\d?$/.test(name);
}

/** A database that has come back counts as new. */
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
    ...after.flatMap((one): ServerDatabases['untold'] => {
      const { name, gone } = one;
      const known = was.get(name);
      const source = sourceOfDatabase(one, sourceOf);
      if (known !== undefined && (known.gone === undefined) === (gone === undefined)) return [];
      if (gone !== undefined)
        return [
          { label: 'Gone', text: `database ${name}: ${source} is backed up no more, and missed; its backups stay` },
        ];
      return [{ label: known === undefined ? 'New' : 'Back', text: `database ${name} is backed up as ${source}` }];
    }),
    ...before
      .filter(({ name }) => !isLeft.has(name))
      .map((one) => ({
        label: 'Left out',
        text: `database ${one.name}: ${sourceOfDatabase(one, sourceOf)} is no source any more; its backups stay`,
      })),
  ];
}
