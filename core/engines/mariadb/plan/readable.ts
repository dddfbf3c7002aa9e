import { BackupError } from '../../../domain/errors.ts';
import { placeOf } from '../../login.ts';
import type { Login } from '../../login.ts';
import { brokenViews, namingTable } from '../repairs/broken-views.ts';
import type { BrokenView } from '../repairs/broken-views.ts';
import { withHolder } from './locks.ts';
import { missingError } from '../rights/privileges.ts';
import { quoteName } from '../quoting.ts';
import type { MariadbSession } from '../session.ts';

const executeDenied = 1370;

/**
 * Throws unless every table can be read now and every view is valid: `lock-timeout` with the table,
 * `source-unsupported` with all broken views, because mariadb-dump would stop at the first of them. Call it before
 * reading the information schema, which leaves out what it can't lock.
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
  const broken = await brokenViews(session, views);
  if (broken.some(({ number }) => number === executeDenied)) {
    const [user] = await session.rows('SELECT CURRENT_USER() AS name');
    throw missingError(login, user?.['name'] ?? '', [{ right: 'EXECUTE', on: `${quoteName(login.database)}.*` }]);
  }
  if (broken.length > 0) throw brokenError(place, login, broken);
}

function brokenError(place: string, login: Login, broken: BrokenView[]): BackupError {
  const names = broken.map(({ name }) => quoteName(name)).join(', ');
  const drops = broken.map(({ name }) => `DROP VIEW ${quoteName(login.database)}.${quoteName(name)};`).join(' ');
  const [first] = broken;
  return new BackupError(
    'source-unsupported',
    `${place}: broken views, which no dump can hold: ${names} (${first?.why})`,
    {
      hint:
        'repair what they refer to (make the user, where one is missing; give the definer of a view what it ' +
        `lacks: GRANT SELECT, EXECUTE ON ${quoteName(login.database)}.* TO …), or run: ${drops}`,
      cause: first?.error,
    },
  );
}
