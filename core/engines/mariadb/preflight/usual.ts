import { BackupError } from '../../../domain/errors.ts';
import { placeOf } from '../../login.ts';
import type { Login } from '../../login.ts';
import { few } from './obstacles.ts';
import { quoteName } from '../quoting.ts';
import { connectionAdmin } from '../failures/remedies.ts';
import { withSession } from '../session.ts';
import type { MariadbSession } from '../session.ts';
import type { MariadbTable } from '../tables.ts';
import { isOtherText } from '../values/row-form.ts';
import { isHere } from '../exact-names.ts';

/**
 * What a server does with each new session (global variables, init_connect) also affects the stock programs, which then
 * succeed with whatever they get. Throws `source-unsupported` if they would get fewer rows, or another text, or can't
 * name the database.
 */
export async function requireUsualSession(session: MariadbSession, login: Login): Promise<void> {
  requireReachableName(session, login);
  await requireWholeAnswers(session, login);
  await requireShownKeys(session, login);
  const [row] = await session.rows('SELECT @@character_set_client AS client, @@character_set_results AS results');
  const own = Object.values(row ?? {}).find((charset) => charset !== 'utf8mb4');
  if (own !== undefined) throw overruled(session, login, 'utf8mb4', own);
}

/**
 * MySQL takes the name of a database in the character set of the session, which for stored bytes is `binary`, and reads
 * each byte as a letter of its own; MariaDB takes names as UTF-8.
 */
function requireReachableName({ server }: MariadbSession, login: Login): void {
  if (server.product !== 'MySQL' || !/[^\u0000-\u007f]/.test(login.database)) return;
  throw new BackupError(
    'source-unsupported',
    `${placeOf('mariadb', login)}: MySQL does not find a database whose name has letters beyond ASCII when ` +
      'mariadb-dump asks for rows as they are stored',
    {
      hint:
        'give it another name: create one with a plain name, and move every table there (RENAME TABLE); restore ' +
        'into a plain name (--to)',
    },
  );
}

/** Throws if mariadb-dump would get the rows of these tables in another form than their stored bytes. */
export async function requireStoredBytes(
  session: MariadbSession,
  login: Login,
  tables: readonly MariadbTable[],
  signal: AbortSignal,
): Promise<void> {
  if (!tables.some(({ columns }) => columns.some(isOtherText))) return;
  const results = await withSession(
    login,
    signal,
    async ({ rows }) => (await rows('SELECT @@character_set_results AS results'))[0]?.['results'],
    login.database,
    'binary',
  );
  if (results !== 'binary' && results !== null) throw overruled(session, login, 'binary', results ?? '');
}

/**
 * Throws if new sessions get only the first rows of an answer: mariadb-dump would succeed with them, and a proof would
 * read no more.
 */
async function requireWholeAnswers(session: MariadbSession, login: Login): Promise<void> {
  const [row] = await session.rows(
    'SELECT @@sql_select_limit AS most, @@sql_select_limit < 18446744073709551615 AS cut',
  );
  if (row?.['cut'] !== '1') return;
  throw new BackupError(
    'source-unsupported',
    `${placeOf('mariadb', login)} gives the first ${row['most']} rows of every answer, and no more (sql_select_limit)`,
    {
      hint: 'run as an administrator: SET GLOBAL sql_select_limit = DEFAULT; (or take it out of init_connect)',
    },
  );
}

/**
 * Throws if MySQL hides from mariadb-dump the keys that it has added to tables: columns with values would be in no
 * backup.
 */
async function requireShownKeys(session: MariadbSession, login: Login): Promise<void> {
  if (session.server.product !== 'MySQL' || session.server.number < 80_030) return;
  const [shown] = await session.rows('SELECT @@show_gipk_in_create_table_and_information_schema AS shown');
  if (shown?.['shown'] !== '0') return;
  await session.rows('SET SESSION show_gipk_in_create_table_and_information_schema = ON');
  const added = await session.rows(
    `SELECT TABLE_NAME AS name FROM information_schema.COLUMNS WHERE ${isHere('TABLE_SCHEMA')}
      AND COLUMN_NAME = 'my_row_id' AND EXTRA LIKE '%INVISIBLE%' AND COLUMN_KEY = 'PRI' ORDER BY 1`,
  );
  if (added.length === 0) return;
  const tables = few(added.map(({ name }) => quoteName(name ?? '')));
  throw new BackupError(
    'source-unsupported',
    `${placeOf('mariadb', login)} hides the primary keys that it has added: ${tables}`,
    {
      hint: 'run as an administrator: SET GLOBAL show_gipk_in_create_table_and_information_schema = ON;',
    },
  );
}

function overruled({ server }: MariadbSession, login: Login, asked: string, given: string | null): BackupError {
  const what =
    `sends text in the character set ${given ?? 'of each column'} to who asks for ${asked} (init_connect, or ` +
    'skip-character-set-client-handshake)';
  return new BackupError(
    'source-unsupported',
    `${placeOf('mariadb', login)} ${what}: letters of other character sets would be lost or altered`,
    {
      hint:
        `take SET NAMES out of init_connect, or let the user pass it by: GRANT ${connectionAdmin(server)} ON *.* ` +
        'TO the user; and start the server without skip-character-set-client-handshake',
    },
  );
}
