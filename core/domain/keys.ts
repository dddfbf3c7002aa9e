import { BackupError } from './errors.ts';

/** An object's place in a vault: segments joined by `/`, relative to the vault's prefix. */
export type ObjectKey = string & { readonly __brand: 'ObjectKey' };
/** A backup's name: its UTC start and a random tail, sortable as text: `20261120T020000Z-7f3a9c`. */
export type BackupId = string & { readonly __brand: 'BackupId' };
/** A source's name as configured. */
export type SourceName = string & { readonly __brand: 'SourceName' };

const idPattern = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z-[0-9a-f]{6}$/;
const segmentPattern = /^[A-Za-z0-9._~@+=,%-]+$/;

const tailDigits = 6;
const lastTail = 0xffffff;

/** The name of a backup that starts now. `random` is in [0, 1). */
export function newBackupId(start: Date, random: number): BackupId {
  return withTail(`${stampOf(start)}-`, Math.floor(random * (lastTail + 1)));
}

/** The same, sorted after the others of its second, so that the newest is the one begun last. */
export function behindOthers(id: BackupId, others: readonly BackupId[]): BackupId {
  const second = id.slice(0, -tailDigits);
  const taken = others.filter((other) => other.startsWith(second)).map(tailOf);
  const last = Math.max(-1, ...taken.map((tail) => Number.parseInt(tail, 16)));
  return last < Number.parseInt(tailOf(id), 16) ? id : withTail(second, Math.min(last + 1, lastTail));
}

/**
 * The end of a backup's name: derived from its request, if that can come again and no backup of the same second
 * precedes it.
 */
export function tailOf(id: BackupId): string {
  return id.slice(-tailDigits);
}

function stampOf(start: Date): string {
  return start.toISOString().replace(/[-:]|\.\d{3}/g, '');
}

function withTail(second: string, tail: number): BackupId {
  return `${second}${tail.toString(16).padStart(tailDigits, '0')}` as BackupId;
}

/** Checks the form of a backup's name. Throws `input-invalid`. */
export function backupId(text: string): BackupId {
  if (!idPattern.test(text)) {
    throw new BackupError('input-invalid', `"${text}" is not the id of a backup`, {
      hint: 'an id looks like 20261120T020000Z-7f3a9c; see: nightjar list',
    });
  }
  return text as BackupId;
}

/** Whether a text has the form of a backup's name, with a date that exists. */
export function isBackupId(text: string): text is BackupId {
  if (!idPattern.test(text)) return false;
  const start = startOf(text as BackupId);
  // JavaScript reads 30 February as 2 March
  return !Number.isNaN(start.getTime()) && text.startsWith(`${stampOf(start)}-`);
}

/** When the backup of this name started, UTC. */
export function startOf(id: BackupId): Date {
  const [, y, mo, d, h, mi, s] = idPattern.exec(id) ?? [];
  return new Date(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`);
}

/** Checks the form of an object's key. Throws `input-invalid`. */
export function objectKey(text: string): ObjectKey {
  const wrong = text.split('/').find((segment) => !segmentPattern.test(segment) || segment === '.' || segment === '..');
  if (wrong !== undefined)
    throw new BackupError('input-invalid', `"${text}" is not the key of an object: "${wrong}" can't be part of one`);
  return text as ObjectKey;
}

/** Longest name of a database: 63 bytes in PostgreSQL (NAMEDATALEN), 64 characters in MariaDB and MySQL. */
const longestName = 63;

/**
 * The name for a new database that tells the moment it holds: `shop_20261120_020000`; for a part of a backup also
 * which, `shop_tables_20261120_020000`.
 */
export function newDatabaseName(
  { database, id }: { database: string; id: string },
  { tables, schemaOnly }: { tables?: readonly string[] | undefined; schemaOnly?: boolean | undefined } = {},
): string {
  const part = tables !== undefined ? '_tables' : schemaOnly === true ? '_schema' : '';
  return nameWithTail(database, `${part}_${id.slice(0, 8)}_${id.slice(9, 15)}`);
}

/** A database's name, shortened to leave room for a tail of plain letters. */
export function nameWithTail(database: string, tail: string): string {
  const letters = Array.from(database);
  while (Buffer.byteLength(letters.join('')) + tail.length > longestName) letters.pop();
  return `${letters.join('')}${tail}`;
}
