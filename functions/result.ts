import type { Restored } from '../core/commands/restore.ts';
import type { BackupResult, RestoreResult } from '../core/contract/events.ts';
import type { Manifest } from '../core/contract/manifest.ts';
import { plural } from '../core/domain/units.ts';

/** What a backup tells the person or the program that asked for it. */
export function storedResult({ source, id, tables, parts, warnings }: Manifest, seconds: number): BackupResult {
  return {
    status: 'stored',
    source,
    id,
    tables: tables.length,
    rows: sum(tables.map(({ rows }) => rows)),
    bytes: sum(parts.map(({ bytes }) => bytes)),
    storedBytes: sum(parts.map(({ storedBytes }) => storedBytes)),
    parts: parts.length,
    seconds,
    warnings,
  };
}

/** What a restore tells; one whose proof has failed never comes here. */
export function restoredResult({ id, database, proof }: Restored, source: string, seconds: number): RestoreResult {
  return { status: 'restored', source, id, database, proof: proof === undefined ? 'not asked for' : proofSentence(proof), seconds };
}

/** Longest name of a database: 63 bytes in PostgreSQL (NAMEDATALEN), 64 characters in MariaDB and MySQL. */
const longestName = 63;

/** The name of a database that is not there yet, the same as the command line gives it: `shop_20261120_020000`. */
export function newDatabaseName({ database, id }: Manifest): string {
  const tail = `_${id.slice(0, 8)}_${id.slice(9, 15)}`;
  const letters = Array.from(database);
  while (Buffer.byteLength(letters.join('')) + tail.length > longestName) letters.pop();
  return `${letters.join('')}${tail}`;
}

function proofSentence({ tables, rows, objects, definitions }: NonNullable<Restored['proof']>): string {
  const compared = `${plural(tables, 'table')}, ${plural(rows, 'row')}, ${plural(objects, 'definition')}`;
  return `proven equal: ${compared}${definitions ? '' : ' (definitions by name alone: the servers’ versions differ)'}`;
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
