import { isDrillDatabase } from '../../../domain/drill-name.ts';
import { isBackupError } from '../../../domain/errors.ts';
import type { ListedDatabase } from '../../../domain/servers/databases.ts';
import type { Login } from '../../login.ts';
import { markOf } from '../database/mark.ts';
import { withSession } from '../session.ts';
import { initialDatabases } from './initial-databases.ts';

/** Databases of vendors, which nobody else may enter: Amazon RDS, Cloud SQL, Azure. */
const ofVendors = ['rdsadmin', 'cloudsqladmin', 'azure_maintenance', 'azure_sys', 'alloydbadmin'];

/**
 * The databases of a server, including templates. Leaves out those of vendors, those that Nightjar itself makes and
 * keeps, and `postgres` and `template1` if nobody has made anything in them.
 */
export async function listDatabases(login: Login, signal: AbortSignal): Promise<ListedDatabase[]> {
  const all = await withSession(login, signal, (session) =>
    session.rows<{ name: string; open: boolean; whole: boolean; comment: string | null }>(
      `select datname as name, datallowconn as open, datconnlimit <> -2 as whole,
              shobj_description(oid, 'pg_database') as comment
         from pg_database where datname <> 'template0' order by 1`,
    ),
  );
  const found: ListedDatabase[] = [];
  for (const { name, open, whole, comment } of all) {
    if (ofVendors.includes(name) || markOf(comment) !== undefined || isDrillDatabase(name)) continue;
    const isInitial = initialDatabases.includes(name);
    const why = !open || !whole ? closed(whole) : isInitial ? await unused({ ...login, database: name }, signal) : '';
    if (isInitial && (!open || why === isUnused)) continue;
    found.push({ name, ...(why !== '' && { why }) });
  }
  return found;
}

const isUnused = 'holds nothing that anybody has made';
/** Objects that a server did not have from the beginning (oids from 16384 on: transam.h). */
const madeSince = ['pg_class', 'pg_proc', 'pg_namespace', 'pg_type', 'pg_extension', 'pg_default_acl', 'pg_operator']
  .map((catalog) => `exists (select from ${catalog} where oid >= 16384)`)
  .join(' or ');
/**
 * Rights that differ from the initial ones; vendors have changed many. Those on information_schema are not recorded.
 */
const rightsSince = [
  ['pg_class', 'relacl', `relnamespace = 'pg_catalog'::regnamespace`],
  ['pg_proc', 'proacl', `pronamespace = 'pg_catalog'::regnamespace`],
  ['pg_namespace', 'nspacl', `nspname <> 'information_schema'`],
]
  .map(
    ([catalog, rights, which]) =>
      `exists (select from ${catalog} o left join pg_init_privs i on i.objoid = o.oid and i.classoid = '${catalog}'::regclass and i.objsubid = 0
        where o.oid < 16384 and o.${which} and o.${rights} is distinct from i.initprivs)`,
  )
  .join(' or ');

/** Why an initial database is not backed up; empty if somebody has made anything in it. */
async function unused(login: Login, signal: AbortSignal): Promise<string> {
  try {
    const [found] = await withSession(login, signal, (session) =>
      session.rows<{ used: boolean }>(
        `select ${madeSince} or exists (select from pg_largeobject_metadata)
           or not exists (select from pg_roles where rolname ~ '^(rdsadmin|cloudsqladmin|azure_superuser|azuresu)$') and (${rightsSince}) as used`,
      ),
    );
    return found!.used ? '' : isUnused;
  } catch (error) {
    if (!isBackupError(error, 'privilege-missing', 'source-unreachable')) throw error;
    return `can't be looked into (${error.message})`;
  }
}

function closed(whole: boolean): string {
  return whole
    ? 'takes no connections (ALTER DATABASE … ALLOW_CONNECTIONS true), so that nobody can read it'
    : 'is half dropped, and nobody can open it any more: DROP DATABASE it';
}
