import { rowsComment } from '../catalog/expected.ts';
import type { Server } from '../session.ts';
import type { Column, MariadbTable } from '../tables.ts';
import type { ValueEdit, TableEdits } from './edited-rows.ts';
import { keepDecimals } from './json-decimals.ts';

/**
 * The name of the form in which rows are printed since decisions/0006: every text as its stored bytes. Manifests
 * without it hold text that went through utf8mb4.
 */
export const storedBytes = 'stored-bytes';

/** Not ascii: MariaDB accepts bytes above 127 in it. */
const utf8 = new Set(['utf8mb4', 'utf8mb3', 'utf8']);
/** Types that a server makes only from their bytes. */
const binaryTypes =
  /^(geometry|point|linestring|polygon|multipoint|multilinestring|multipolygon|geometrycollection|geomcollection|vector)$/i;
/** Types that a server makes from a string only if it has a character set; those of plug-ins are among them. */
const textTypes = /^(json|uuid|inet4|inet6)$/i;
const sqlMode = "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES';\n";

/**
 * The lines under the comment above a table's rows. The first ones set the mode that accepts every date that a table
 * can hold. If a table holds text that is not UTF-8, each says whether its strings are bytes.
 */
export function linesBelow(tables: MariadbTable[]): (comment: string) => string {
  const asBytes = new Set(
    tables.filter((table) => holdsBytes(table) && !isMixed(table)).map(({ name }) => rowsComment(name)),
  );
  let mode = sqlMode;
  return (comment) => {
    const names = asBytes.size === 0 ? '' : `SET NAMES ${asBytes.has(comment) ? 'binary' : 'utf8mb4'};\n`;
    const lines = `${mode}${names}`;
    mode = '';
    return lines;
  };
}

/** The edits that the rows of these tables need, so that a restore brings the same values. */
export function editsOf(tables: MariadbTable[], server: Server): TableEdits[] {
  return tables
    .map((table) => ({
      table: table.name,
      columns: new Map(table.columns.flatMap((column) => editOf(column, table, server))),
    }))
    .filter(({ columns }) => columns.size > 0);
}

/** MySQL refuses values for generated columns, but mariadb-dump writes them. */
export function generatedColumns(tables: MariadbTable[], server: Server): TableEdits[] {
  if (server.product !== 'MySQL') return [];
  return tables
    .map(({ name, columns }) => ({
      table: name,
      columns: new Map(
        columns.flatMap(({ name: column, generated }): [string, ValueEdit][] =>
          generated ? [[column, 'leave out']] : [],
        ),
      ),
    }))
    .filter(({ columns }) => columns.size > 0);
}

function editOf(column: Column, table: MariadbTable, server: Server): [string, ValueEdit][] {
  const edit = (value: ValueEdit): [string, ValueEdit][] => [[column.name, value]];
  if (server.product === 'MySQL') {
    if (column.generated) return edit('leave out');
    if (/^(float|double)$/i.test(column.type)) return edit({ rewrite: keepZeroSign });
    if (/^json$/i.test(column.type)) return edit({ rewrite: keepDecimals });
  }
  if (/^(float|double)$/i.test(column.type) && /\(\d+,\d+\)/.test(column.whole)) return edit({ rewrite: keepLength });
  return isBytes(column) && isMixed(table) ? edit({ before: '_binary' }) : [];
}

/** To SQL, `-0` is a whole number, which has no sign. */
function keepZeroSign(value: string): string {
  return /^-0[.0]*$/.test(value) ? `${value}e0` : value;
}

/** To SQL, a number is a DECIMAL unless it has an exponent, and a DECIMAL has at most this many digits. */
const longestDecimal = 65;

/** MariaDB prints a DOUBLE(200,0) with all its digits. Shorter ones stay as they are in older backups. */
function keepLength(value: string): string {
  return /^-?\d+(?:\.\d+)?$/.test(value) && value.replace(/\D/g, '').length > longestDecimal ? `${value}e0` : value;
}

function holdsBytes({ columns }: MariadbTable): boolean {
  return columns.some(isBytes);
}

/**
 * Whether one table needs both: then each string of bytes is marked as such. Also for a table whose name has several
 * lines, because its comment shows only the first.
 */
function isMixed(table: MariadbTable): boolean {
  return (
    table.name.includes('\n') ||
    table.columns.some(({ type, charset }) => charset === undefined && textTypes.test(type))
  );
}

function isBytes(column: Column): boolean {
  return column.charset === undefined ? binaryTypes.test(column.type) : isOtherText(column);
}

/** Whether a column holds text, and not as UTF-8. */
export function isOtherText({ charset }: Column): boolean {
  return charset !== undefined && !utf8.has(charset.toLowerCase());
}
