import type { ManifestPart } from '../../../../contract/manifest/manifest.ts';
import type { CopySession } from '../../copying/copy-session.ts';

/** Parts that are loaded one after the other in one transaction. `left`: how many are still to come. */
export type Lane = {
  /** For the order of a restore's steps (`LoadStep.line`). */
  line: string;
  files: readonly string[];
  left: number;
  /** The session with the transaction. */
  session?: CopySession;
  /** The tables that this transaction has truncated, by their names in its statements. */
  emptied: Set<string>;
  /** Whether all rows of this table are in these parts and none of them was loaded yet; asked once. */
  begins(table: string): boolean;
};

/** How many times its share of all rows a stream may get. */
const mostShares = 1.5;

/**
 * The lane of each data part. The parts of a table whose rows are in several parts form one lane, if it is the only
 * such table in them and enough is left for the other streams. All other parts have a lane each, and a table that is
 * spread over several lanes is not truncated by any.
 */
export function lanesOf(parts: readonly ManifestPart[], parallel: number): Map<string, Lane> {
  const rows = parts.filter(({ role }) => role === 'data');
  const holders = Map.groupBy(
    rows.flatMap((part) => (part.tables ?? []).map((table) => ({ table, part }))),
    ({ table }) => table,
  );
  const isAlone = (table: string) => holders.get(table)?.length === 1;
  const lanes = new Map<string, Lane>();
  for (const [table, held] of holders) {
    const its = held.map(({ part }) => part);
    const others = its.flatMap(({ tables = [] }) => tables).filter((one) => one !== table);
    if (its.length < 2 || sum(its) > (mostShares * sum(rows)) / parallel || !others.every(isAlone)) continue;
    const lane = newLane(
      `rows of ${table}`,
      its.map(({ file }) => file),
      (one) => one === table || others.includes(one),
    );
    for (const { file } of its) lanes.set(file, lane);
  }
  for (const { file, tables = [] } of rows)
    if (!lanes.has(file))
      lanes.set(
        file,
        newLane(file, [file], (one) => tables.includes(one) && isAlone(one)),
      );
  return lanes;
}

/** The parts that are committed once this one is loaded. */
export function committedWith(file: string, lane: Lane | undefined): readonly string[] {
  if (lane === undefined) return [file];
  return lane.left === 0 ? lane.files : [];
}

function newLane(line: string, files: readonly string[], holdsAllOf: (table: string) => boolean): Lane {
  const begun = new Set<string>();
  return {
    line,
    files,
    left: files.length,
    emptied: new Set(),
    begins(table) {
      const isFirst = !begun.has(table);
      begun.add(table);
      return isFirst && holdsAllOf(table);
    },
  };
}

function sum(parts: readonly ManifestPart[]): number {
  return parts.reduce((bytes, part) => bytes + part.bytes, 0);
}
