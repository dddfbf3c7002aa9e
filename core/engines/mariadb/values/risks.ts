import { quoteName } from '../quoting.ts';
import type { Server } from '../session.ts';
import { holdsRows } from '../tables.ts';
import type { Column, Table } from '../tables.ts';
import { alteredByUtf8, isUnusual } from './definitions.ts';

/** A column of which a dump can't hold every value: the condition under which one is lost, and what it loses. */
export type Risk = { table: string; column: string; condition: string; loss: string };

/** The columns of a table that can hold what a dump can't. A generated one is computed again. */
export function risksOf(table: Table, server: Server): Risk[] {
  if (!holdsRows(table)) return [];
  return table.columns.filter(({ generated }) => !generated).flatMap((column) =>
    risksIn(column, server).map((risk) => ({ table: table.name, column: column.name, ...risk })));
}

const hasEmptyMember = /^(?:enum|set)\((?:'(?:[^']|'')*',)*''[,)]/i;

function risksIn(column: Column, server: Server): Pick<Risk, 'condition' | 'loss'>[] {
  const { name, type, whole } = column;
  const value = quoteName(name);
  // the server prints six digits of a FLOAT; MariaDB prints no sign of a zero, and a dump of MySQL keeps it (row-form.ts)
  if (/^float$/i.test(type)) {
    const sign = server.product === 'MariaDB' ? ` OR (${value} = 0 AND ATAN2(${value}, -1) < 0)` : '';
    return [{ condition: `${value} <> CAST(CONCAT(${value}) AS FLOAT)${sign}`, loss: 'digits' }];
  }
  const unnamed = /^(enum|set)\(/i.test(whole) && isUnusual(whole, column) ? [{ condition: alteredByUtf8(value, column), loss: "a member that the definition can't name" }] : [];
  if (!hasEmptyMember.test(whole)) return unnamed;
  // what is not in the list is stored as the number 0 and printed as '', and so is the member ''
  if (/^enum$/i.test(type)) return [...unnamed, { condition: `${value} + 0 = 0`, loss: "being none of the members" }];
  return [...unnamed, { condition: `${value} + 0 <> 0 AND CONCAT(${value}) = ''`, loss: "the member ''" }];
}
