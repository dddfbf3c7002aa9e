import { isDrillDatabase } from '../../../domain/drill-name.ts';
import { BackupError } from '../../../domain/errors.ts';
import type { ListedDatabase } from '../../../domain/servers/databases.ts';
import { placeOf } from '../../login.ts';
import type { Login } from '../../login.ts';
import { marks } from '../restore/unfinished.ts';
import { rightsOf } from '../rights/grants.ts';
import { quoteText } from '../quoting.ts';
import { withSession } from '../session.ts';
import { swapMarks } from '../swap/marker.ts';

const ofServers = ['information_schema', 'performance_schema', 'mysql', 'sys'];
/** Folders in Amazon RDS's data directory that look like databases; elsewhere they may be a user's. */
const ofAmazon = ['innodb', 'tmp'];

/** The databases of a server, except its own and those that Nightjar makes and keeps. */
export async function listDatabases(login: Login, signal: AbortSignal): Promise<ListedDatabase[]> {
  return withSession(
    login,
    signal,
    async (session) => {
      if (!(await rightsOf(session)).has('SHOW DATABASES'))
        throw new BackupError(
          'privilege-missing',
          `${placeOf('mariadb', login)}: the user may not see every database`,
          {
            hint: `GRANT SHOW DATABASES ON *.* TO its account`,
          },
        );
      const ours = [...Object.values(marks), swapMarks.kept].map(quoteText).join(', ');
      // DISTINCT ignores case, too
      const made = await session.rows(
        `SELECT DISTINCT CAST(TABLE_SCHEMA AS BINARY) AS name FROM information_schema.TABLES WHERE TABLE_NAME IN (${ours})`,
      );
      const isOurs = new Set(made.map((row) => row['name']));
      const used = await session.rows(
        `SELECT DISTINCT CAST(TABLE_SCHEMA AS BINARY) AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA IN (${ofAmazon.map(quoteText).join(', ')})`,
      );
      const isNobodys = (name: string) => ofAmazon.includes(name) && !used.some((row) => row['name'] === name);
      const all = await session.rows('SHOW DATABASES');
      return all
        .map((row) => Object.values(row)[0] ?? '')
        .filter(
          (name) =>
            !ofServers.includes(name.toLowerCase()) && !isNobodys(name) && !isOurs.has(name) && !isDrillDatabase(name),
        )
        .map((name) => ({ name }));
    },
    null,
  );
}
