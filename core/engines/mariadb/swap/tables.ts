import { quoteName } from '../quoting.ts';
import type { MariadbSession } from '../session.ts';
import { ownTables } from './marker.ts';
import { isNamed } from '../exact-names.ts';

/** What a RENAME TABLE can move: all tables and sequences of a database, except our own. */
export async function movable(session: MariadbSession, database: string): Promise<string[]> {
  const rows = await session.rows(
    `SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE ${isNamed('TABLE_SCHEMA', database)}
      AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED', 'SEQUENCE') ORDER BY TABLE_NAME`,
  );
  return rows.map(({ name }) => name ?? '').filter((name) => !ownTables.includes(name));
}

/** The one statement that moves tables: each from its database to another, under its name or a new one. */
export function renameStatement(moves: readonly TableMove[]): string {
  const at = ({ database, name }: TablePlace) => `${quoteName(database)}.${quoteName(name)}`;
  return `RENAME TABLE ${moves.map(([from, to]) => `${at(from)} TO ${at(to)}`).join(', ')}`;
}

type TablePlace = { database: string; name: string };
export type TableMove = readonly [from: TablePlace, to: TablePlace];

export function movesOf(names: readonly string[], from: string, to: string): TableMove[] {
  return names.map((name) => [
    { database: from, name },
    { database: to, name },
  ]);
}

/**
 * Statements for the tables of `made` once they are in `place`: MariaDB writes the database into a default that takes a
 * sequence's next value.
 */
export async function sequenceFixes(session: MariadbSession, made: string, place: string): Promise<string[]> {
  if (session.server.product !== 'MariaDB') return [];
  const rows = await session.rows(
    `SELECT TABLE_NAME AS name, COLUMN_NAME AS col, COLUMN_DEFAULT AS text FROM information_schema.COLUMNS
      WHERE ${isNamed('TABLE_SCHEMA', made)} AND COLUMN_DEFAULT LIKE '%val(%' ORDER BY TABLE_NAME, ORDINAL_POSITION`,
  );
  const [old, now] = [`(${quoteName(made)}.`, `(${quoteName(place)}.`];
  return rows
    .filter(({ text }) => text?.includes(old))
    .map(
      ({ name, col, text }) =>
        `ALTER TABLE ${quoteName(place)}.${quoteName(name ?? '')} ` +
        `ALTER COLUMN ${quoteName(col ?? '')} SET DEFAULT (${text!.replaceAll(old, now)})`,
    );
}
