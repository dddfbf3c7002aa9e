import { proofSentence } from '../core/commands/prove.ts';
import type { Restored } from '../core/commands/restore.ts';
import type { BackupResult, RestoreResult } from '../core/contract/events.ts';
import type { Manifest } from '../core/contract/manifest.ts';

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

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
