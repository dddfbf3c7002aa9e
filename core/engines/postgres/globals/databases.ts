import { isDrillDatabase } from '../../../domain/drill-name.ts';
import type { ListedDatabase } from '../../../domain/servers/databases.ts';
import type { Login } from '../../login.ts';
import { markOf } from '../database/mark.ts';
import { withSession } from '../session.ts';

/** Databases of vendors, which nobody else may enter: Amazon RDS, Cloud SQL, Azure. */
const ofVendors = ['rdsadmin', 'cloudsqladmin', 'azure_maintenance', 'azure_sys', 'alloydbadmin'];

/**
 * The databases of a server: but for templates, those of vendors, what Nightjar itself has made and keeps, and
 * `postgres` where nobody has made anything in it.
 */
export async function listDatabases(login: Login, signal: AbortSignal): Promise<ListedDatabase[]> {
  return withSession(login, signal, async (session) => {
    const all = await session.rows<{ name: string; open: boolean; whole: boolean; comment: string | null }>(
      `select datname as name, datallowconn as open, datconnlimit <> -2 as whole,
              shobj_description(oid, 'pg_database') as comment
         from pg_database where not datistemplate order by 1`,
    );
    const [used] = await session.rows<{ used: boolean }>(
      `select exists (select from pg_class where oid >= 16384) or exists (select from pg_proc where oid >= 16384)
           or exists (select from pg_namespace where oid >= 16384)
           or exists (select from pg_largeobject_metadata) as used`,
    );
    return all
      .filter(({ name }) => !ofVendors.includes(name) && (name !== login.database || used!.used))
      .filter(({ name, comment }) => markOf(comment) === undefined && !isDrillDatabase(name))
      .map(({ name, open, whole }) => ({ name, ...(!(open && whole) && { why: closed(whole) }) }));
  });
}

function closed(whole: boolean): string {
  return whole
    ? 'takes no connections (ALTER DATABASE … ALLOW_CONNECTIONS true), so that nobody can read it'
    : 'is half dropped, and nobody can open it any more: DROP DATABASE it';
}
