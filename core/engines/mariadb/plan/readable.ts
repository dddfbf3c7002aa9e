import { BackupError, messageOf } from '../../../domain/errors.ts';
import { placeOf } from '../../login.ts';
import type { Login } from '../../login.ts';
import { withHolder } from './locks.ts';
import { missingError } from '../rights/privileges.ts';
import { quoteName } from '../quoting.ts';
import type { MariadbSession } from '../session.ts';

/** What it refers to is gone, or who made it. */
const brokenView = [1356, 1449];
const executeDenied = 1370;

/** MySQL and MariaDB name no table in some of their errors. */
function namingTable(error: unknown, name: string): unknown {
  const isNamed = (said: string) => ['`', "'"].some((quote) => said.includes(`${name}${quote}`));
  if (!(error instanceof BackupError) || isNamed(error.message)) return error;
  const { code, message, hint, cause } = error;
  return new BackupError(code, `${message} (table ${quoteName(name)})`, { hint, cause });
}

/**
 * Throws unless every table can be read now and every view still means something: `lock-timeout` with the table,
 * `source-unsupported` with all broken views, for at the first of them mariadb-dump would stop. To be asked before the
 * information schema, which leaves out of its answer what it can't lock.
 */
export async function requireReadable(session: MariadbSession, login: Login): Promise<void> {
  const place = placeOf('mariadb', login);
  const found = (await session.rows('SHOW FULL TABLES')).map((row) => Object.values(row));
  const views = found.flatMap(([name, type]) => (type === 'VIEW' && name ? [name] : []));
  for (const name of found.flatMap(([name, type]) => (type !== 'VIEW' && type !== 'SEQUENCE' && name ? [name] : []))) {
    await session.rows(`SELECT 1 FROM ${quoteName(name)} LIMIT 0`).catch(async (error: unknown) => {
      throw namingTable(await withHolder(error, session, name, place), name);
    });
  }
  const refused: { view: string; error: unknown }[] = [];
  for (const view of views) {
    const asked = session
      .rows(`SHOW FIELDS FROM ${quoteName(view)}`)
      .then(() => session.rows(`SHOW CREATE VIEW ${quoteName(view)}`));
    await asked.catch((error: unknown) => refused.push({ view, error }));
  }
  const numberOf = ({ error }: { error: unknown }) => (error as { cause?: { errno?: unknown } }).cause?.errno;
  const other = refused.find((view) => ![...brokenView, executeDenied].includes(Number(numberOf(view))));
  if (other !== undefined) throw other.error;
  if (refused.some((view) => numberOf(view) === executeDenied)) {
    const [user] = await session.rows('SELECT CURRENT_USER() AS name');
    throw missingError(login, user?.['name'] ?? '', [{ right: 'EXECUTE', on: `${quoteName(login.database)}.*` }]);
  }
  if (refused.length > 0) throw brokenError(place, login, refused);
}

function brokenError(place: string, login: Login, refused: { view: string; error: unknown }[]): BackupError {
  const names = refused.map(({ view }) => quoteName(view)).join(', ');
  const drops = refused.map(({ view }) => `DROP VIEW ${quoteName(login.database)}.${quoteName(view)};`).join(' ');
  return new BackupError(
    'source-unsupported',
    `${place}: broken views, which no dump can hold: ${names} (${messageOf(refused[0]?.error)})`,
    {
      hint:
        'repair what they refer to (make the user, where one is missing; give the definer of a view what it ' +
        `lacks: GRANT SELECT, EXECUTE ON ${quoteName(login.database)}.* TO …), or run: ${drops}`,
      cause: refused[0]?.error,
    },
  );
}
