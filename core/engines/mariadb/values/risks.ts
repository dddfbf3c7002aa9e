import { quoteName } from '../quoting.ts';
import type { Server } from '../session.ts';
import { holdsRows } from '../tables.ts';
import type { Column, MariadbTable } from '../tables.ts';
import { alteredByUtf8, isUnusual } from './definitions.ts';

/** A column of which a dump can't hold every value: the condition under which one is lost, and what it loses. */
export type Risk = { table: string; column: string; condition: string; loss: string };

/** The columns of a table that can hold what a dump can't. A generated one is computed again. */
export function risksOf(table: MariadbTable, server: Server): Risk[] {
  if (!holdsRows(table)) return [];
  return table.columns
    .filter(({ generated }) => !generated)
    .flatMap((column) => risksIn(column, server).map((risk) => ({ table: table.name, column: column.name, ...risk })));
}

/**
 * MySQL stores dates, times and binary strings in a JSON document, prints them as strings, and reads strings. Only
 * documents whose text looks like that are read back and compared: `"2026-01-31`, `"01:02:03`, `"base64:type252:`.
 */
function hasTypesWithoutText(value: string): string {
  const text = `CONVERT(${value} USING utf8mb4)`;
  const looks = `(${text} LIKE '%"base64:type%' OR ${text} REGEXP '"-?[0-9]+[-:][0-9][0-9][-:][0-9][0-9]')`;
  return `${looks} AND ${value} <> CAST(${text} AS JSON)`;
}

/**
 * A DECIMAL in a MySQL document that a DOUBLE would print alike (1.0, 9.5) becomes a DOUBLE when it is read back. Other
 * decimals are kept (json-decimals.ts). Only documents whose text has a fraction are examined, each of their values by
 * its type.
 */
function hasUntoldDecimals(value: string): string {
  const text = (of: string) => `CONVERT(${of} USING utf8mb4)`;
  const untold = `JSON_TYPE(v) = 'DECIMAL' AND ${text('v')} = ${text(`CAST(${text('v')} AS JSON)`)}`;
  const inside = `JSON_TABLE(JSON_EXTRACT(JSON_ARRAY(${value}), '$**[*]', '$**.*'), '$[*]' COLUMNS (v JSON PATH '$')) AS inside`;
  return `${text(value)} REGEXP '[0-9][.][0-9]' AND EXISTS (SELECT 1 FROM ${inside} WHERE ${untold})`;
}

const firstWithJsonTable = 80_004;
const hasEmptyMember = /^(?:enum|set)\((?:'(?:[^']|'')*',)*''[,)]/i;

function risksIn(column: Column, server: Server): Pick<Risk, 'condition' | 'loss'>[] {
  const { name, type, whole } = column;
  const value = quoteName(name);
  // the server prints six digits of a FLOAT; MariaDB prints no sign of a zero, and a dump of MySQL keeps it
  // (row-form.ts)
  if (/^float$/i.test(type)) {
    const sign = server.product === 'MariaDB' ? ` OR (${value} = 0 AND ATAN2(${value}, -1) < 0)` : '';
    return [{ condition: `${value} <> CAST(CONCAT(${value}) AS FLOAT)${sign}`, loss: 'digits' }];
  }
  if (/^json$/i.test(type) && server.product === 'MySQL') {
    const types = {
      condition: hasTypesWithoutText(value),
      loss: 'the type of dates, times or binary strings in their JSON',
    };
    const decimals = {
      condition: hasUntoldDecimals(value),
      loss: 'the type DECIMAL of numbers in their JSON, and no digit of them',
    };
    return server.number >= firstWithJsonTable ? [types, decimals] : [types];
  }
  const unnamed =
    /^(enum|set)\(/i.test(whole) && isUnusual(whole, column)
      ? [{ condition: alteredByUtf8(value, column), loss: "a member that the definition can't name" }]
      : [];
  if (!hasEmptyMember.test(whole)) return unnamed;
  // a value outside the list is stored as the number 0 and printed as '', and so is the member ''
  if (/^enum$/i.test(type)) return [...unnamed, { condition: `${value} + 0 = 0`, loss: 'being none of the members' }];
  return [...unnamed, { condition: `${value} + 0 <> 0 AND CONCAT(${value}) = ''`, loss: "the member ''" }];
}
