import { isUtf8 } from 'node:buffer';
import type { TableRows } from '../../contract/manifest/manifest.ts';
import { BackupError } from '../../domain/errors.ts';
import type { DumpTally, TableTally } from './reader.ts';
import type { Counted } from './scanner.ts';

/** The tables of one dump while it passes. */
export type Tables = {
  /** Adds rows to a table; its names are byte for byte (latin1). */
  add(table: string, columns: string, counted: Counted): void;
  rows(): number;
  tallies(): TableTally[];
};

/** An empty list of tables; keeps the order in which they are first seen. */
export function newTables(): Tables {
  const found = new Map<string, { table: string; columns: string; counted: Counted }>();
  let rows = 0;
  return {
    add(table, columns, counted) {
      const key = `${table} (${columns})`;
      const known = found.get(key)?.counted;
      const sum = known
        ? { rows: known.rows + counted.rows, bytes: known.bytes + counted.bytes, sum: known.sum + counted.sum }
        : counted;
      found.set(key, { table, columns, counted: sum });
      rows += counted.rows;
    },
    rows: () => rows,
    tallies: () =>
      [...found.values()].map(({ table, columns, counted }) => ({
        table: printed(table),
        columns: printed(columns),
        rows: counted.rows,
        fingerprint: formatFingerprint(counted.sum),
        bytes: counted.bytes,
      })),
  };
}

/** A sum of hashes as 16 hex digits. */
export function formatFingerprint(sum: bigint): string {
  return BigInt.asUintN(64, sum).toString(16).padStart(16, '0');
}

/** Decodes bytes that are UTF-8; of others (a database without an encoding), each byte is a letter. */
export function printed(latin1: string): string {
  const bytes = Buffer.from(latin1, 'latin1');
  return isUtf8(bytes) ? bytes.toString() : latin1;
}

/**
 * One tally of several parts of a backup, whose tables may be split over many. Throws `source-changed` if a table has
 * different columns in two of them.
 */
export function mergeTallies(tallies: readonly DumpTally[]): DumpTally & { sequences: Record<string, string> } {
  const tables = new Map<string, TableTally>();
  for (const tally of tallies.flatMap((dump) => dump.tables)) {
    const known = tables.get(tally.table);
    tables.set(tally.table, known ? mergedTable(known, tally) : tally);
  }
  const large = tallies.flatMap((dump) => dump.largeObjects ?? []);
  return {
    tables: [...tables.values()],
    ended: tallies.every((dump) => dump.ended),
    sequences: Object.assign({}, ...tallies.map((dump) => dump.sequences ?? {})) as Record<string, string>,
    ...(large.length > 0 && {
      largeObjects: { count: large.reduce((count, one) => count + one.count, 0), fingerprint: sumOf(large) },
    }),
  };
}

/** What a manifest keeps of each table. */
export function tableRows({ tables }: Pick<DumpTally, 'tables'>): TableRows[] {
  return tables.map(({ table, columns, rows, fingerprint }) => ({ table, columns, rows, fingerprint }));
}

function mergedTable(one: TableTally, other: TableTally): TableTally {
  if (one.columns !== other.columns) {
    throw new BackupError(
      'source-changed',
      `table ${one.table} has columns (${one.columns}) in one part and (${other.columns}) in another`,
      {
        hint: 'was the table altered during the backup? run it again',
      },
    );
  }
  return { ...one, rows: one.rows + other.rows, bytes: one.bytes + other.bytes, fingerprint: sumOf([one, other]) };
}

function sumOf(parts: readonly { fingerprint: string }[]): string {
  return formatFingerprint(parts.reduce((sum, part) => sum + BigInt(`0x${part.fingerprint}`), 0n));
}
