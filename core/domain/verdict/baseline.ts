import type { Baseline, Facts, Other, Shrinking } from '../../contract/memory/ledger.ts';
import type { BackupId } from '../keys.ts';
import { acceptedTables, isLost, rowsIn, smallest, sustained, tablesAfter } from './table-levels.ts';
import type { Shares } from './table-levels.ts';

/**
 * What a backup holds, by its manifest. `families`: the rows of its tables, where names that differ only in digits
 * count together; if there are several of those, also each by its own name.
 */
export type BackupFacts = { facts: Facts; families: ReadonlyMap<string, number> };

const mostServers = 32;

/**
 * How this content is less than the baseline, tables before sums of rows before bytes; undefined if it is not. Without
 * a baseline, having no rows at all counts as less, unless the configuration expects that.
 */
export function shrinkingAgainst(
  baseline: Baseline | undefined,
  { facts, families }: BackupFacts,
  shares: Shares,
): Shrinking | undefined {
  if (baseline === undefined)
    return facts.rows === 0 && isToldEmpty(shares) ? { what: 'rows', now: 0, before: 0 } : undefined;
  for (const what of ['rows', 'bytes'] as const) {
    const found = { what, now: facts[what], before: baseline[what] };
    if (isLess(found, shares)) return found;
  }
  const lost =
    shares.rows === 0 ? [] : baseline.tables.filter((family) => isLost(family, rowsIn(families, family[0]), shares));
  const [largest] = lost.toSorted((a, b) => b[1] - a[1]);
  return (
    largest && {
      what: 'table',
      table: largest[0],
      more: lost.length - 1,
      now: families.get(largest[0]) ?? 0,
      before: largest[1],
    }
  );
}

/** Whether an earlier finding still counts by these shares. */
export function isLess({ what, now, before }: Shrinking, shares: Shares): boolean {
  if (what === 'table') return now * 100 < before * shares.rows;
  if (what === 'rows' && before === 0) return isToldEmpty(shares);
  const counts = before >= smallest[what] || (now === 0 && before > 0);
  return counts && now * 100 < before * shares[what];
}

function isToldEmpty({ rows, mayBeginEmpty }: Shares): boolean {
  return rows > 0 && mayBeginEmpty !== true;
}

/**
 * Whether a full backup says nothing about what is usual, because it is still empty, like a database that was just
 * made.
 */
export function isYetEmpty(baseline: Baseline | undefined, { facts }: BackupFacts, { mayBeginEmpty }: Shares): boolean {
  return mayBeginEmpty === true && baseline === undefined && facts.rows === 0;
}

/** What differs from the baseline: a server that can't identify itself does not count. */
export function otherThan(baseline: Baseline | undefined, { engine, database, server }: Facts): Other | undefined {
  if (baseline === undefined) return undefined;
  if (engine !== baseline.engine) return { what: 'engine', now: engine, before: baseline.engine };
  if (database !== baseline.database) return { what: 'database', now: database, before: baseline.database };
  const isKnown = server === undefined || baseline.servers.length === 0 || baseline.servers.includes(server);
  return isKnown ? undefined : { what: 'server', now: server, before: baseline.servers.at(-1)! };
}

/**
 * The baseline after one more full backup. `back`: tables that had lost rows in the backups before it and have them
 * again.
 */
export function grown(
  baseline: Baseline | undefined,
  id: BackupId,
  content: BackupFacts,
  back: ReadonlySet<string> = new Set(),
): Baseline {
  if (baseline === undefined) return baselineOf(id, content);
  const {
    facts: { rows, bytes, server },
    families,
  } = content;
  const recent = [...baseline.recent, [rows, bytes] as [number, number]].slice(-sustained);
  const reached = (at: 0 | 1): number => (recent.length < sustained ? 0 : Math.min(...recent.map((one) => one[at])));
  return {
    ...baseline,
    rows: Math.max(baseline.rows, reached(0)),
    bytes: Math.max(baseline.bytes, reached(1)),
    recent,
    tables: tablesAfter(baseline.tables, families, back),
    servers: withServer(baseline.servers, server),
  };
}

/**
 * The baseline after an acceptance: this backup as it is, whatever was before. What is known about how volatile a table
 * is stays.
 */
export function acceptedBaseline(before: Baseline | undefined, id: BackupId, content: BackupFacts): Baseline {
  const made = baselineOf(id, content);
  if (before === undefined) return made;
  return {
    ...made,
    tables: acceptedTables(before.tables, made.tables),
    servers: withServer(before.servers, content.facts.server),
  };
}

function baselineOf(
  id: BackupId,
  { facts: { rows, bytes, engine, database, server }, families }: BackupFacts,
): Baseline {
  return {
    from: id,
    rows,
    bytes,
    recent: [[rows, bytes]],
    tables: tablesAfter([], families, new Set()),
    engine,
    database,
    servers: server === undefined ? [] : [server],
  };
}

function withServer(servers: readonly string[], server: string | undefined): string[] {
  if (server === undefined) return [...servers];
  return [...servers.filter((one) => one !== server), server].slice(-mostServers);
}
