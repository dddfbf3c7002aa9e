import { BackupError } from '../../../domain/errors.ts';
import type { Login } from '../../login.ts';
import { byteText, plainWord, quoteName } from '../quoting.ts';
import type { RoutineRight } from '../rights/routines.ts';
import type { MariadbSession, TextRow } from '../session.ts';
import { isBeside, isId, keptName } from './names.ts';
import type { DatabaseObject, SwappedKind } from './objects.ts';
import { isHere, isNamed } from '../exact-names.ts';

/**
 * Tables that show how far a swap has come: in the live database until all tables are exchanged and the rest is made
 * again, then with what was replaced. The statement that exchanges the tables renames the first to the second, so after
 * a kill the name alone tells whether it was done.
 */
export const swapMarks = { begun: 'nightjar_swap_begun', renamed: 'nightjar_swap_renamed', kept: 'nightjar_kept' };
export const ownTables: readonly string[] = Object.values(swapMarks);

/**
 * What a database has besides its tables. `fixes`: statements for tables that name the database they were made in.
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
 * the old tables, if there are any. `id`: of the backup that replaces, or whose replacement is undone.
 */
export type SwapHead = { of: string; id: string; whole: string; before?: string | undefined };
export type SwapRecord = { head: SwapHead; old: BesideTables; fresh: BesideTables };

/** Records a swap in the session's database before anything of it is done. Leaves nothing after a failure. */
export async function writeRecord(session: MariadbSession, record: SwapRecord): Promise<void> {
  await makeRecord(session);
  await fillRecord(session, record).catch(async (error: unknown) => {
    await session.rows(`DROP TABLE ${quoteName(swapMarks.begun)}`).catch(() => undefined);
    throw error;
  });
}

async function makeRecord(session: MariadbSession): Promise<void> {
  await session.rows(
    `CREATE TABLE ${quoteName(swapMarks.begun)} (n int AUTO_INCREMENT PRIMARY KEY, side varchar(8) NOT NULL,
      kind varchar(16) NOT NULL, name varchar(255) NOT NULL, settings text NOT NULL, statement longblob NOT NULL)
      ENGINE=InnoDB ROW_FORMAT=DYNAMIC CHARACTER SET utf8mb4 COMMENT='of a restore that replaces the database'`,
  );
}

async function fillRecord(session: MariadbSession, { head, old, fresh }: SwapRecord): Promise<void> {
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
  // this row makes it complete
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

/** How far an unfinished swap of a database has come; undefined if there is none. */
export async function unendedSwap(session: MariadbSession, database: string): Promise<'begun' | 'renamed' | undefined> {
  const rows = await session.rows(
    `SELECT TABLE_NAME AS name FROM information_schema.TABLES
      WHERE ${isNamed('TABLE_SCHEMA', database)} AND TABLE_NAME IN ('${swapMarks.begun}', '${swapMarks.renamed}')`,
  );
  const names = rows.map(({ name }) => name);
  if (names.includes(swapMarks.renamed)) return 'renamed';
  return names.includes(swapMarks.begun) ? 'begun' : undefined;
}

/** The table that a record is in. */
export type RecordPlace = { database: string; table: string };
const placeOfRecord = ({ database, table }: RecordPlace) => `${quoteName(database)}.${quoteName(table)}`;

/**
 * The head of a record of a swap of the database of `login`; undefined if it was not written completely. Anybody who
 * may make a table there may have written it, and databases that it names are dropped. Throws `restore-failed` if it
 * names other databases than such a swap makes, or is not our record.
 */
export async function readHead(session: MariadbSession, login: Login, at: RecordPlace): Promise<SwapHead | undefined> {
  const [table] = await session.rows(
    `SELECT 1 AS found FROM information_schema.TABLES WHERE ${isNamed('TABLE_SCHEMA', at.database)}
      AND ${isNamed('TABLE_NAME', at.table)} AND TABLE_TYPE = 'BASE TABLE'`,
  );
  // reading a view runs what it calls
  if (table === undefined) throw notOurs(at);
  const [row] = await session
    .rows(`SELECT name, settings FROM ${placeOfRecord(at)} WHERE side = 'swap' AND kind = 'head'`)
    .catch((error: unknown) => {
      throw (error as { cause?: { errno?: unknown } }).cause?.errno === noSuchColumn ? notOurs(at, error) : error;
    });
  if (row === undefined) return undefined;
  const head = headIn(row);
  if (head === undefined || !(await isOf(session, login, head))) throw notOurs(at);
  return head;
}

const noSuchColumn = 1054;

function headIn({ name, settings }: TextRow): SwapHead | undefined {
  try {
    const { id, whole, before } = JSON.parse(settings ?? '') as Record<string, unknown>;
    if (!isId(id) || typeof whole !== 'string') return undefined;
    if (before !== undefined && typeof before !== 'string') return undefined;
    return { of: name ?? '', id, whole, before };
  } catch {
    return undefined;
  }
}

/** Whether a head is of a swap of the database of `login`, and of no other. */
async function isOf(session: MariadbSession, login: Login, { of, whole, before }: SwapHead): Promise<boolean> {
  if (of !== (await keptName(session, login.database)) || whole === before) return false;
  return (await isBeside(session, login, whole)) && (before === undefined || (await isBeside(session, login, before)));
}

/** The error for a table that has the name of our record and is none. */
export function notOurs(at: RecordPlace, cause?: unknown): BackupError {
  return new BackupError('restore-failed', `the table ${placeOfRecord(at)} is no record of a replacement of it`, {
    hint: `whose is it? When nobody needs it, drop it: DROP TABLE ${placeOfRecord(at)};`,
    cause,
  });
}

/** Reads a record; undefined if it was not written completely. Throws as `readHead` does. */
export async function readRecord(
  session: MariadbSession,
  login: Login,
  at: RecordPlace,
): Promise<SwapRecord | undefined> {
  const head = await readHead(session, login, at);
  if (head === undefined) return undefined;
  const rows = await session.rows(
    `SELECT side, kind, name, settings, HEX(statement) AS statement FROM ${placeOfRecord(at)} ORDER BY n`,
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
  const [row] = await session.rows(`SELECT * FROM information_schema.SCHEMATA WHERE ${isHere('SCHEMA_NAME')}`);
  return {
    charset: plainWord(row?.['DEFAULT_CHARACTER_SET_NAME'] ?? ''),
    collation: plainWord(row?.['DEFAULT_COLLATION_NAME'] ?? ''),
    comment: row?.['SCHEMA_COMMENT'] ?? '',
  };
}
