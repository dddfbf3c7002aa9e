import type { Watch } from '../contract/config-watch.ts';
import type { Baseline, Facts, Family, Other, Shrinking } from '../contract/ledger.ts';
import type { BackupId } from './keys.ts';

/** What a backup holds, by its manifest: `families` has the rows of its tables, those that differ in digits alone together. */
export type Content = { facts: Facts; families: ReadonlyMap<string, number> };

type Shares = Pick<Watch['shrink'], 'rows' | 'bytes'>;

/** Below these nothing can be said of a share: a few rows come and go. None at all where there were some is always told. */
const smallest = { rows: 100, bytes: 100_000 };
/** A level counts once so many full backups in a row have reached it: one night's import is not what is usual. */
const sustained = 3;
/** A table has lost its rows when less than this share of them is left, in percent. */
const leftOfTable = 1;
/** What a table of lasting rows has left of them from one backup to the next, in percent. */
const keptOvernight = 80;
/** So many full backups in a row must have held a table's rows before their loss is told; ten times as many for each time that it has lost them before. */
const steadyAtLeast = 3;
const mostFamilies = 1000;
const mostServers = 32;

/** Names that differ in digits alone are one: partitions of a month come and go, and their rows are together what they were. */
export function familyOf(table: string): string {
  return table.replace(/\d+/g, '#');
}

/** How this content is less than the baseline, tables before sums of rows before bytes; undefined where it is not. Before there is a baseline, holding no row at all is told. */
export function shrinkingAgainst(baseline: Baseline | undefined, { facts, families }: Content, shares: Shares): Shrinking | undefined {
  if (baseline === undefined) return facts.rows === 0 && shares.rows > 0 ? { what: 'rows', now: 0, before: 0 } : undefined;
  for (const what of ['rows', 'bytes'] as const) {
    const found = { what, now: facts[what], before: baseline[what] };
    if (isLess(found, shares)) return found;
  }
  const lost = shares.rows === 0 ? [] : baseline.tables.filter((family) => isLost(family, families.get(family[0]) ?? 0));
  const [largest] = lost.toSorted((a, b) => b[1] - a[1]);
  return largest && { what: 'table', table: largest[0], more: lost.length - 1, now: families.get(largest[0]) ?? 0, before: largest[1] };
}

/** Whether what was found once still counts by these shares. */
export function isLess({ what, now, before }: Shrinking, shares: Shares): boolean {
  if (what === 'table') return shares.rows > 0;
  if (what === 'rows' && before === 0) return shares.rows > 0;
  const counts = before >= smallest[what] || (now === 0 && before > 0);
  return counts && now * 100 < before * shares[what];
}

/** What is another than in the baseline. A server that can't say who it is, is none. */
export function otherThan(baseline: Baseline | undefined, { engine, database, server }: Facts): Other | undefined {
  if (baseline === undefined) return undefined;
  if (engine !== baseline.engine) return { what: 'engine', now: engine, before: baseline.engine };
  if (database !== baseline.database) return { what: 'database', now: database, before: baseline.database };
  const isKnown = server === undefined || baseline.servers.length === 0 || baseline.servers.includes(server);
  return isKnown ? undefined : { what: 'server', now: server, before: baseline.servers.at(-1)! };
}

/** The baseline after one more full backup. `back`: tables whose loss was found in the backups before it, and that have their rows again. */
export function grown(baseline: Baseline | undefined, id: BackupId, content: Content, back: ReadonlySet<string> = new Set()): Baseline {
  if (baseline === undefined) return baselineOf(id, content);
  const { facts: { rows, bytes, server }, families } = content;
  const recent = [...baseline.recent, [rows, bytes] as [number, number]].slice(-sustained);
  const reached = (at: 0 | 1): number => (recent.length < sustained ? 0 : Math.min(...recent.map((one) => one[at])));
  return {
    ...baseline,
    rows: Math.max(baseline.rows, reached(0)),
    bytes: Math.max(baseline.bytes, reached(1)),
    recent,
    tables: tablesAfter(baseline.tables, families).map(([name, most, last, steady, dips]): Family => [name, most, last, steady, back.has(name) ? dips + 1 : dips]),
    servers: withServer(baseline.servers, server),
  };
}

/** The baseline that somebody has accepted: this backup as it is, whatever was before. What a table has lost makes the next loss of it less telling. */
export function acceptedBaseline(before: Baseline | undefined, id: BackupId, content: Content): Baseline {
  const made = baselineOf(id, content);
  if (before === undefined) return made;
  const known = new Map(before.tables.map((family) => [family[0], family]));
  const tables = made.tables.map(([name, most, last, steady, dips]): Family => [name, most, last, Math.max(steady, known.get(name)?.[3] ?? 0), known.get(name)?.[4] ?? dips]);
  const there = new Set(tables.map(([name]) => name));
  const gone = before.tables.filter(([name]) => !there.has(name)).map(([name, , , , dips]): Family => [name, 0, 0, 0, dips + 1]);
  return { ...made, tables: largestOf([...tables, ...gone]), servers: withServer(before.servers, content.facts.server) };
}

function baselineOf(id: BackupId, { facts: { rows, bytes, engine, database, server }, families }: Content): Baseline {
  return { from: id, rows, bytes, recent: [[rows, bytes]], tables: tablesAfter([], families), engine, database, servers: server === undefined ? [] : [server] };
}

function isLost([, most, , steady, dips]: Family, now: number): boolean {
  return steady >= steadyAtLeast * 10 ** dips && now * 100 < most * leftOfTable;
}

/** A table that falls below what can be told, or loses a fifth overnight, begins anew: queues and staging tables come and go. */
function tablesAfter(tables: readonly Family[], families: ReadonlyMap<string, number>): Family[] {
  const known = new Map(tables.map((family) => [family[0], family]));
  const there = [...families].flatMap(([name, now]): Family[] => {
    if (now < smallest.rows) return [];
    const [, most = 0, last = 0, steady = 0, dips = 0] = known.get(name) ?? [];
    return [[name, Math.max(most, now), now, now * 100 < last * keptOvernight ? 1 : steady + 1, dips]];
  });
  const low = tables.filter(([name]) => (families.get(name) ?? 0) < smallest.rows).map(([name, , , steady, dips]): Family => [name, 0, 0, 0, steady === 0 ? dips : dips + 1]);
  return largestOf([...there, ...low]);
}

function largestOf(tables: readonly Family[]): Family[] {
  return tables.toSorted((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, mostFamilies);
}

function withServer(servers: readonly string[], server: string | undefined): string[] {
  if (server === undefined) return [...servers];
  return [...servers.filter((one) => one !== server), server].slice(-mostServers);
}
