import type { Manifest } from '../../../contract/manifest/manifest.ts';
import { messageOf } from '../../../domain/errors.ts';
import { fewNames } from '../../../domain/lines.ts';
import type { RestoreFinding } from '../../../ports.ts';
import { optional } from '../catalog/definition.ts';
import { quoteIdentifier } from '../identifier.ts';
import { sqlState } from '../session.ts';
import type { PostgresSession } from '../session.ts';

type Expected = { manifest: Manifest; user: string; proof: boolean };

/**
 * What will fail after the definitions, checked where they were tried without rows: what the role may not read for the
 * proof, and functions that can't work while rows are loaded.
 */
export async function madeFindings(session: PostgresSession, expected: Expected): Promise<RestoreFinding[]> {
  return [
    ...(expected.proof ? await unreadable(session, expected.user) : []),
    ...(await lostFunctions(session, expected.manifest)),
    ...(await rowsOfRoles(session, expected.manifest)),
  ];
}

type ProvenTable = { name: string; hides: boolean };

/** Row-level security also holds for owners if it is forced. */
async function unreadable(session: PostgresSession, user: string): Promise<RestoreFinding[]> {
  const tables = await session.rows<ProvenTable>(`
    select oid::regclass::text as name, has_table_privilege(oid, 'select') as hides from pg_class
     where relkind in ('r', 'p') and oid >= 16384 and (not has_table_privilege(oid, 'select') or row_security_active(oid))
       and not relnamespace = any(array['pg_catalog', 'information_schema']::regnamespace[]) order by 1`);
  const said = (hides: boolean, what: string, remedy: string): RestoreFinding[] => {
    const names = tables.filter((one) => one.hides === hides).map(({ name }) => name);
    const anyway = `${remedy} or restore without the comparison: --no-proof`;
    if (names.length === 0) return [];
    return [{ weight: 'fails', code: 'privilege-missing', what: `${what} ${fewNames(names)}`, remedy: anyway }];
  };
  const role = quoteIdentifier(user);
  return [
    ...said(
      true,
      `the proof would not see every row, for row-level security holds for ${user}, too:`,
      `ALTER ROLE ${role} BYPASSRLS;`,
    ),
    ...said(false, `the proof could not read, as ${user}:`, `GRANT pg_read_all_data TO ${role};`),
  ];
}

/** Types whose text is the name of a role, while a dump's rows are text. */
async function rowsOfRoles(session: PostgresSession, { tables }: Manifest): Promise<RestoreFinding[]> {
  const filled = tables.filter(({ rows }) => rows > 0).map(({ table }) => table);
  const found = await session.rows<{ name: string }>(
    `select format('%I.%I.%I', nspname, relname, attname) as name
      from pg_attribute a join pg_class c on c.oid = attrelid join pg_namespace n on n.oid = relnamespace
      where atttypid in ('regrole'::regtype, 'regrole[]'::regtype) and not attisdropped and relkind = 'r'
        and format('%I.%I', nspname, relname) = any($1::text[]) order by 1`,
    [filled],
  );
  if (found.length === 0) return [];
  const names = fewNames(found.map(({ name }) => name));
  return [
    { weight: 'may-fail', what: `rows name roles (${names}): one that is not on this server makes the restore fail` },
  ];
}

type UsedFunction = { oid: string; name: string; schema: string; used: string; table: string | null };

/**
 * SQL functions that constraints, generated columns and indexes call, and that find what they name only through the
 * search path: rows are loaded with an empty one, as in every dump. The server's own check of a body tells.
 */
async function lostFunctions(session: PostgresSession, { tables }: Manifest): Promise<RestoreFinding[]> {
  const filled = new Set(tables.filter(({ rows }) => rows > 0).map(({ table }) => table));
  await session.rows(`select set_config('check_function_bodies', 'on', false)`);
  const found: RestoreFinding[] = [];
  for (const one of await session.rows<UsedFunction>(usedFunctions)) {
    const lost = await session.rows('select pg_catalog.fmgr_sql_validator($1::oid)', [one.oid]).then(
      () => undefined,
      (error: unknown) => {
        if (!String(sqlState(error)).startsWith('42')) throw error;
        return messageOf(error).replace(/^postgres:\/\/\S+: /, '');
      },
    );
    if (lost === undefined) continue;
    found.push({
      weight: one.table !== null && filled.has(one.table) ? 'fails' : 'may-fail',
      what:
        `function ${one.name}, which ${one.used} calls, does not find what it names while rows are loaded, ` +
        `for the search path is empty then: ${lost}`,
      remedy:
        `in the source: ALTER FUNCTION ${one.name} SET search_path = ${one.schema}, pg_temp; and back up again; or ` +
        'restore everything else: --keep-going',
    });
  }
  return found;
}

const usedFunctions = `
  select p.oid::text as oid, p.oid::regprocedure::text as name, quote_ident(s.nspname) as schema,
         min(pg_describe_object(d.classid, d.objid, 0)) as used, min(coalesce(c.conrelid, a.adrelid, i.indrelid)::regclass::text) as "table"
    from pg_proc p join pg_namespace s on s.oid = p.pronamespace join pg_depend d on d.refclassid = 'pg_proc'::regclass and d.refobjid = p.oid
    left join pg_constraint c on d.classid = 'pg_constraint'::regclass and c.oid = d.objid and c.contype = 'c'
    left join pg_attrdef a on d.classid = 'pg_attrdef'::regclass and a.oid = d.objid
    left join pg_attribute g on g.attrelid = a.adrelid and g.attnum = a.adnum and g.attgenerated <> ''
    left join pg_index i on d.classid = 'pg_class'::regclass and i.indexrelid = d.objid
   where p.oid >= 16384 and p.prolang = (select oid from pg_language where lanname = 'sql') and p.prokind = 'f' and ${optional('prosqlbody', 'p')} is null
     and (c.oid is not null or g.attrelid is not null or i.indexrelid is not null)
   group by 1, 2, 3 order by 2`;
