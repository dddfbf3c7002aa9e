import type { WatchSettings } from '../../contract/config/settings/watch.ts';
import type { Family } from '../../contract/memory/ledger.ts';

export type Shares = Pick<WatchSettings['shrink'], 'rows' | 'bytes' | 'mayBeginEmpty'>;

/** Below these sizes shares mean nothing, because a few rows come and go. Losing all rows is always reported. */
export const smallest = { rows: 100, bytes: 100_000 };
/** A level counts once this many full backups in a row have reached it: one night's import is not usual. */
export const sustained = 3;
/**
 * A table in fewer full backups in a row is young: only the loss of nearly all its rows is reported, because many young
 * tables come and go.
 */
const youngUntil = 7;
/**
 * A table that has recovered by itself this often (`dips`) is volatile: its losses are reported only after it was calm
 * for this many full backups.
 */
const volatile = { dips: 3, calm: 30 };
/** What a young table must keep of the most that it had, in percent, to be unchanged. */
const keptOfYoung = 50;
const mostFamilies = 1000;

/**
 * Names that differ only in digits are one family: monthly partitions come and go, and their rows are counted together.
 */
export function familyOf(table: string): string {
  return table.replace(/\d+/g, '#');
}

/**
 * The rows of tables by family and, if a family has several members, also by member: one tenant's table may be emptied
 * among others.
 */
export function familiesOf(tables: readonly { table: string; rows: number }[]): Map<string, number> {
  const members = Map.groupBy(tables, ({ table }) => familyOf(table));
  const sum = (all: readonly { rows: number }[]): number => all.reduce((total, { rows }) => total + rows, 0);
  const several = [...members.values()].flatMap((all) =>
    all.length > 1 ? all.map(({ table, rows }): [string, number] => [table, rows]) : [],
  );
  return new Map([...several, ...[...members].map(([name, all]): [string, number] => [name, sum(all)])]);
}

/** The tables of an accepted backup: their levels are its content; what is known about their volatility stays. */
export function acceptedTables(before: readonly Family[], made: readonly Family[]): Family[] {
  const known = new Map(before.map((family) => [family[0], family]));
  const tables = made.map(
    ([name, level, last]): Family => [name, level, last, known.get(name)?.[3] ?? 1, known.get(name)?.[4] ?? 0, last],
  );
  const there = new Set(made.map(([name]) => name));
  return largestOf([...tables, ...volatileOf(before.filter(([name]) => !there.has(name)))]);
}

/** The volatile ones of these tables, without their rows, so that a new beginning does not report them again. */
export function volatileOf(tables: readonly Family[]): Family[] {
  return tables.flatMap(([name, , , , dips]): Family[] => (dips < volatile.dips ? [] : [[name, 0, 0, 0, dips]]));
}

/**
 * The rows of a name. A member of a family that is missing was dropped, as partitions are: the family's rows tell. Any
 * other missing table has none.
 */
export function rowsIn(families: ReadonlyMap<string, number>, name: string): number | undefined {
  return families.get(name) ?? (/\d/.test(name) ? undefined : 0);
}

/**
 * Whether so few rows are a loss: for a settled table, too few of its level; for a young one that has never fallen,
 * nearly none.
 */
export function isLost(
  [, level, last, steady, dips, before = last]: Family,
  now: number | undefined,
  shares: Shares,
): boolean {
  if (now === undefined || now * 100 >= level * shares.rows) return false;
  if (level < smallest.rows) return now === 0 && isSettled(steady, dips);
  const isNearlyAll = now * 100 < Math.min(level, last, before) && steady >= sustained && dips === 0;
  return isNearlyAll || isSettled(steady, dips);
}

function isSettled(steady: number, dips: number): boolean {
  return steady >= (dips < volatile.dips ? youngUntil : volatile.calm);
}

/**
 * What is known of all tables after one more full backup. `back`: tables that had lost rows in the backups before it
 * and have them again.
 */
export function tablesAfter(
  tables: readonly Family[],
  families: ReadonlyMap<string, number>,
  back: ReadonlySet<string>,
): Family[] {
  const known = new Set(tables.map(([name]) => name));
  const first = [...families].flatMap(([name, now]): Family[] =>
    known.has(name) || now === 0 ? [] : [[name, now, now, 1, 0]],
  );
  const later = tables.flatMap((family): Family[] => {
    const now = rowsIn(families, family[0]);
    return now === undefined ? [] : [after(family, now, back.has(family[0]))];
  });
  return largestOf([...first, ...later]);
}

/**
 * The level of a settled table only grows, to what three in a row have reached; a young or volatile one starts anew
 * whenever it falls.
 */
function after(family: Family, now: number, isBack: boolean): Family {
  const [name, level, last, steady, dips, before = last] = family;
  if (isBack) return [name, level, now, dips + 1 < volatile.dips ? steady + 1 : 1, dips + 1, last];
  const left = steady + 1 === volatile.calm ? 0 : dips;
  if (isSettled(steady, dips)) return [name, Math.max(level, Math.min(now, last, before)), now, steady + 1, left, last];
  if (now === 0 || now * 100 < level * keptOfYoung) return [name, now, now, 0, dips, last];
  const hasRisen = steady === 0 && now * keptOfYoung > level * 100;
  return [name, Math.max(level, now), now, steady + 1, hasRisen ? dips + 1 : left, last];
}

function largestOf(tables: readonly Family[]): Family[] {
  return tables.toSorted((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, mostFamilies);
}
