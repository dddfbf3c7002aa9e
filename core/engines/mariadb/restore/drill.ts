import { isDrillDatabase } from '../../../domain/drill-name.ts';
import { BackupError, isBackupError } from '../../../domain/errors.ts';
import { firstOf } from '../../../domain/lines.ts';
import type { Login } from '../../login.ts';
import { placeOf } from '../../login.ts';
import { quoteName } from '../quoting.ts';
import { withSession } from '../session.ts';
import type { MariadbSession } from '../session.ts';
import { claim, release, untilClientsEnd } from './unfinished.ts';
import { isHere } from '../exact-names.ts';

const shown = 5;

/**
 * Drops what killed drills have left: databases with names of drills that nobody has claimed. A MariaDB database can
 * have no mark from its first moment on except its name. `own`: the one that the session works on. Adds to `swept` what
 * it has dropped.
 */
export async function dropDrills(
  session: MariadbSession,
  own: string,
  swept: string[],
  signal: AbortSignal,
): Promise<void> {
  const found = await session.rows(
    `SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE '%\\_drill\\_%'`,
  );
  for (const name of found.map((row) => row['name'] ?? '').filter(isDrillDatabase)) {
    if (name === own || !(await claim(session, name))) continue;
    try {
      await untilClientsEnd(session, name, signal);
      await session.rows(`DROP DATABASE IF EXISTS ${quoteName(name)}`);
      swept.push(name);
    } catch (error) {
      // another user's, or its client is still at work: the next run looks again
      if (!isBackupError(error, 'privilege-missing', 'lease-held', 'lock-timeout')) throw error;
    } finally {
      await release(session, name);
    }
  }
}

/**
 * Throws `source-unsupported` if a table of a drill has a foreign key into another database of this server: a row there
 * that the copy refers to could not be deleted during the drill. Call it before there are rows.
 */
export async function requireOwnKeys(login: Login, signal: AbortSignal): Promise<void> {
  const found = await withSession(login, signal, ({ rows }) =>
    rows(
      `SELECT DISTINCT TABLE_NAME AS name, REFERENCED_TABLE_SCHEMA AS other FROM information_schema.KEY_COLUMN_USAGE
        WHERE ${isHere('TABLE_SCHEMA')} AND NOT ${isHere('REFERENCED_TABLE_SCHEMA')}
          AND REFERENCED_TABLE_SCHEMA IN (SELECT SCHEMA_NAME FROM information_schema.SCHEMATA) ORDER BY TABLE_NAME`,
    ),
  );
  if (found.length === 0) return;
  const keys = found.map(({ name, other }) => `${quoteName(name ?? '')} into ${quoteName(other ?? '')}`);
  throw new BackupError(
    'source-unsupported',
    `${placeOf('mariadb', login)}: foreign keys leave the database: ${firstOf(keys, shown)}; with them a drill ` +
      'would keep rows there from being deleted',
    { hint: 'name a server without that database for the drills, in nightjar.yaml: drill: { server: … }' },
  );
}
