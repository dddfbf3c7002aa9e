import type { ManifestPart } from '../../../../contract/manifest/manifest.ts';
import type { CopySession } from './copy-session.ts';

/** Parts that are loaded one behind the other in one transaction: `left` of them are still to come. */
export type Lane = {
  /** For whoever orders the steps of a restore. */
  line: string;
  files: readonly string[];
  left: number;
  /** The session that has the transaction. */
  session?: CopySession;
  /** The tables that this transaction has truncated, as its statements call them. */
  emptied: Set<string>;
  /** Whether all rows of this table are in these parts, and none of them was loaded; asked once. */
  begins(table: string): boolean;
};

/** How much more than its share of all rows a stream may get. */
const mostShares = 1.5;

/**
 * The lane of each data part. A table whose rows stand in several parts makes them one, where it is the only such table
 * of theirs and the other streams are not left with too little; other parts go alone, and what stands in several of them
 * is begun by none.
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
