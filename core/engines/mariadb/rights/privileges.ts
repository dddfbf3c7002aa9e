import { isDrillDatabase } from '../../../domain/drill-name.ts';
import { BackupError } from '../../../domain/errors.ts';
import { placeOf } from '../../login.ts';
import type { Login } from '../../login.ts';
import { rightsOf } from './grants.ts';
import type { Rights } from './grants.ts';
import { quoteName } from '../quoting.ts';
import { withSession } from '../session.ts';
import type { Server, MariadbSession } from '../session.ts';

const deniedDatabase = 1044;
const onDatabase = ['SELECT', 'SHOW VIEW', 'TRIGGER', 'EVENT'];

/** A missing right, and what it is to be granted on. */
type Missing = { right: string; on: string };

/**
 * Throws `privilege-missing`, with everything that is missing, unless the user sees every object of the database:
 * without a right the server shows fewer objects, and a dump of those succeeds. Returns warnings about rights that a
 * backup can do without.
 */
export async function requirePrivileges(session: MariadbSession, login: Login): Promise<string[]> {
  const [user] = await session.rows('SELECT CURRENT_USER() AS name');
  const rights = await rightsOf(session);
  const missing = missingToRead(rights, session.server, login.database);
  if (missing.length > 0) throw missingError(login, user?.['name'] ?? '', missing);
  // only the run works in a scratch database, and an adoption's user must not have this right
  return rights.has('PROCESS') || isDrillDatabase(login.database) ? [] : [blindWarning(user?.['name'] ?? '')];
}

/** The rights that a backup or a proof of a database takes and the user lacks. */
export function missingToRead(rights: Rights, server: Server, database: string): Missing[] {
  const missing = onDatabase
    .filter((right) => !rights.has(right, database))
    .map((right) => ({ right, on: `${quoteName(database)}.*` }));
  return seesRoutines(rights, server, database) ? missing : [...missing, routineRight(server, database)];
}

/** If the user may not even enter the database, throws an error that names all the rights that a backup takes. */
export async function explainDenied(error: unknown, login: Login, signal: AbortSignal): Promise<never> {
  const { cause } = (error ?? {}) as { cause?: { errno?: unknown } };
  if (cause?.errno === deniedDatabase)
    await withSession(login, signal, (session) => requirePrivileges(session, login), null);
  throw error;
}

/** identity.ts says what is seen without it. */
function blindWarning(user: string): string {
  return `without the right PROCESS, a table that is emptied, or exchanged for another, while the backup runs may go unnoticed: ${grantStatements(user, [{ right: 'PROCESS', on: '*.*' }])}`;
}

/** The error for missing rights: the message lists them, the hint has the statements to run. */
export function missingError(login: Login, user: string, missing: Missing[]): BackupError {
  const listed = missing.map(({ right, on }) => `${right} on ${on}`).join(', ');
  return new BackupError(
    'privilege-missing',
    `${placeOf('mariadb', login)}: the user does not see everything; missing: ${listed}`,
    {
      hint: `run as an administrator: ${grantStatements(user, missing)}`,
    },
  );
}

function grantStatements(user: string, missing: Missing[]): string {
  const at = user.lastIndexOf('@');
  const account = `${quoteName(user.slice(0, at))}@${quoteName(user.slice(at + 1))}`;
  const statements = [...Map.groupBy(missing, ({ on }) => on)].map(
    ([on, rights]) => `GRANT ${rights.map(({ right }) => right).join(', ')} ON ${on} TO ${account};`,
  );
  return statements.join(' ');
}

/**
 * MariaDB shows bodies to users who may read mysql.proc, since 11.3 also by SHOW CREATE ROUTINE; MySQL since 8.0.20 by
 * SHOW_ROUTINE or a global SELECT.
 */
function seesRoutines(rights: Rights, server: Server, database: string): boolean {
  if (rights.has('SELECT')) return true;
  if (server.product === 'MySQL' && server.number >= 80_020) return rights.has('SHOW_ROUTINE');
  return (
    rights.has('SELECT', 'mysql', 'proc') ||
    (server.product === 'MariaDB' && server.number >= 110_301 && rights.has('SHOW CREATE ROUTINE', database))
  );
}

function routineRight(server: Server, database: string): Missing {
  if (server.product === 'MySQL' && server.number >= 80_020) return { right: 'SHOW_ROUTINE', on: '*.*' };
  if (server.product === 'MariaDB' && server.number >= 110_301)
    return { right: 'SHOW CREATE ROUTINE', on: `${quoteName(database)}.*` };
  return { right: 'SELECT', on: '`mysql`.`proc`' };
}
