import { byteText, plainWord, quoteName } from '../quoting.ts';
import type { RoutineRight } from '../rights/routines.ts';
import type { MariadbSession, TextRow } from '../session.ts';
import type { DatabaseObject, SwappedKind } from './objects.ts';

/**
 * Tables that tell how far a swap has come: in the live database until all tables are exchanged and the rest is made
 * again, then with what was replaced. The statement that exchanges the tables renames the first to the second, so that
 * after a kill the name alone tells whether it was done.
 */
export const swapMarks = { begun: 'nightjar_swap_begun', renamed: 'nightjar_swap_renamed', kept: 'nightjar_kept' };
export const ownTables: readonly string[] = Object.values(swapMarks);

/**
 * What a database is besides its tables. `fixes`: statements for tables that name the database they were made in.
 * `rights`: on its routines, as far as the user sees them.
 */
export type BesideTables = {
  options: { charset: string; collation: string; comment: string };
  objects: readonly DatabaseObject[];
  fixes: readonly string[];
  rights: readonly RoutineRight[];
};

/**
 * `of`: the database whose place it is about; `whole`: the one whose tables come into it; `before`: the one that gets
 * what was there, where anything was. `id`: of the backup that replaces, or whose replacement is undone.
 */
export type SwapHead = { of: string; id: string; whole: string; before?: string | undefined };
export type SwapRecord = { head: SwapHead; old: BesideTables; fresh: BesideTables };

/** Writes down a swap in the session's database before anything of it is done. */
export async function writeRecord(session: MariadbSession, { head, old, fresh }: SwapRecord): Promise<void> {
  await session.rows(
    `CREATE TABLE ${quoteName(swapMarks.begun)} (n int AUTO_INCREMENT PRIMARY KEY, side varchar(8) NOT NULL,
      kind varchar(16) NOT NULL, name varchar(255) NOT NULL, settings text NOT NULL, statement longblob NOT NULL)
      ENGINE=InnoDB ROW_FORMAT=DYNAMIC CHARACTER SET utf8mb4 COMMENT='of a restore that replaces the database'`,
  );
  for (const [side, { options, objects, fixes, rights }] of Object.entries({ old, fresh })) {
    await insert(session, { side, kind: 'database', name: head.of, settings: JSON.stringify(options) });
    for (const { kind, name, settings, statement } of objects)
      await insert(session, { side, kind, name, settings: JSON.stringify(settings), statement });
    for (const fix of fixes)
      await insert(session, { side, kind: 'fix', name: '', settings: '{}', statement: byteText(fix) });
    for (const { kind, name, statement } of rights)
      await insert(session, {
        side,
        kind: 'right',
        name,
        settings: JSON.stringify({ kind }),
        statement: byteText(statement),
      });
  }
  const [now] = await session.rows(`SELECT DATE_FORMAT(UTC_TIMESTAMP(), '%Y-%m-%d %H:%i:%s') AS text`);
  await insert(session, { side: 'swap', kind: 'since', name: now?.['text'] ?? '', settings: '{}' });
  // with this row it is whole
  const { of, ...more } = head;
  await insert(session, { side: 'swap', kind: 'head', name: of, settings: JSON.stringify(more) });
}

type RecordRow = { side: string; kind: string; name: string; settings: string; statement?: string };

async function insert(session: MariadbSession, { side, kind, name, settings, statement = '' }: RecordRow) {
  const mark = quoteName(swapMarks.begun);
  await session.rows(`INSERT INTO ${mark} (side, kind, name, settings, statement) VALUES (?, ?, ?, ?, ?)`, [
    side,
    kind,
    name,
    settings,
    Buffer.from(statement, 'latin1'),
  ]);
}

/** How far a swap of a database has come that has not ended; undefined where there is none. */
export async function unendedSwap(session: MariadbSession, database: string): Promise<'begun' | 'renamed' | undefined> {
  const rows = await session.rows(
    'SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME IN (?, ?)',
    [database, swapMarks.begun, swapMarks.renamed],
  );
  const names = rows.map(({ name }) => name);
  if (names.includes(swapMarks.renamed)) return 'renamed';
  return names.includes(swapMarks.begun) ? 'begun' : undefined;
}

/** The head of a record in the table `table` of `database`; undefined where it was not written to its end. */
export async function readHead(
  session: MariadbSession,
  database: string,
  table: string,
): Promise<SwapHead | undefined> {
  const [row] = await session.rows(
    `SELECT name, settings FROM ${quoteName(database)}.${quoteName(table)} WHERE side = 'swap' AND kind = 'head'`,
  );
  return row === undefined ? undefined : { of: row['name'] ?? '', ...JSON.parse(row['settings'] ?? '{}') };
}

/** Reads a record; undefined where it was not written to its end. */
export async function readRecord(
  session: MariadbSession,
  database: string,
  table: string,
): Promise<SwapRecord | undefined> {
  const head = await readHead(session, database, table);
  if (head === undefined) return undefined;
  const rows = await session.rows(
    `SELECT side, kind, name, settings, HEX(statement) AS statement FROM ${quoteName(database)}.${quoteName(table)} ORDER BY n`,
  );
  const sideOf = (side: string) => sideFrom(rows.filter((row) => row['side'] === side));
  return { head, old: sideOf('old'), fresh: sideOf('fresh') };
}

function sideFrom(rows: TextRow[]): BesideTables {
  const bytes = (row: TextRow) => Buffer.from(row['statement'] ?? '', 'hex');
  const ofKind = (isWanted: (kind: string) => boolean) => rows.filter(({ kind }) => isWanted(kind ?? ''));
  return {
    options: JSON.parse(ofKind((kind) => kind === 'database')[0]?.['settings'] ?? '{}'),
    objects: ofKind((kind) => !['database', 'fix', 'right'].includes(kind)).map((row) => ({
      kind: row['kind'] as SwappedKind,
      name: row['name'] ?? '',
      settings: JSON.parse(row['settings'] ?? '{}'),
      statement: bytes(row).toString('latin1'),
    })),
    fixes: ofKind((kind) => kind === 'fix').map((row) => bytes(row).toString('utf8')),
    rights: ofKind((kind) => kind === 'right').map((row) => ({
      kind: JSON.parse(row['settings'] ?? '{}').kind,
      name: row['name'] ?? '',
      statement: bytes(row).toString('utf8'),
    })),
  };
}

/** The options of the session's database. */
export async function readOptions(session: MariadbSession): Promise<BesideTables['options']> {
  const [row] = await session.rows('SELECT * FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = DATABASE()');
  return {
    charset: plainWord(row?.['DEFAULT_CHARACTER_SET_NAME'] ?? ''),
    collation: plainWord(row?.['DEFAULT_COLLATION_NAME'] ?? ''),
    comment: row?.['SCHEMA_COMMENT'] ?? '',
  };
}
