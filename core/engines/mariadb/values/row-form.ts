import { rowsComment } from '../catalog/expected.ts';
import type { Server } from '../session.ts';
import type { Column, MariadbTable } from '../tables.ts';
import type { ValueEdit, TableEdits } from './edited-rows.ts';
import { keepDecimals } from './json-decimals.ts';

/**
 * The name of the form in which rows are printed since decisions/0006: every text as the bytes that are stored.
 * Manifests without it hold text that went through utf8mb4.
 */
export const storedBytes = 'stored-bytes';

/** Not ascii: MariaDB keeps a byte above 127 in it. */
const utf8 = new Set(['utf8mb4', 'utf8mb3', 'utf8']);
/** Types that a server makes of their bytes alone. */
const binaryTypes =
  /^(geometry|point|linestring|polygon|multipoint|multilinestring|multipolygon|geometrycollection|geomcollection|vector)$/i;
/** Types that a server makes of a string only if it has a character set; whatever a plug-in brings is among them. */
const textTypes = /^(json|uuid|inet4|inet6)$/i;
const sqlMode = "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES';\n";

/**
 * What stands below the comment above a table's rows. The first one has the mode that takes every date that a table can
 * hold. Where a table holds what is not UTF-8, each one says whether its strings are to be read as bytes.
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

/** MySQL refuses values for generated columns, and mariadb-dump writes them. */
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

/** `-0` is a whole number to SQL, and that has no sign. */
function keepZeroSign(value: string): string {
  return /^-0[.0]*$/.test(value) ? `${value}e0` : value;
}

/** A number is a DECIMAL to SQL unless it has an exponent, and a DECIMAL has at most so many digits. */
const longestDecimal = 65;

/** MariaDB prints a DOUBLE(200,0) with all its digits. Shorter ones stay as they are in backups from before. */
function keepLength(value: string): string {
  return /^-?\d+(?:\.\d+)?$/.test(value) && value.replace(/\D/g, '').length > longestDecimal ? `${value}e0` : value;
}

function holdsBytes({ columns }: MariadbTable): boolean {
  return columns.some(isBytes);
}

/**
 * Whether one table needs both: then each string of bytes says that it is one. So it is in a table whose name has
 * several lines, of which its comment shows the first.
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
