import type { Login } from '../../login.ts';
import { settingValue } from '../database/statements.ts';
import { quoteIdentifier, quoteLiteral } from '../identifier.ts';
import { withSession } from '../session.ts';

/** Databases that every server has from the beginning, so no restore makes them anew. */
export const initialDatabases = ['postgres', 'template1'];

/** The comments that initdb gives them (initdb.c, pg_database.dat). */
const firstComments: Record<string, string> = {
  postgres: 'default administrative connection database',
  template1: 'default template for new databases',
};
/** The rights of PUBLIC that initdb gives. */
const firstRights: Record<string, string[]> = { postgres: ['CONNECT', 'TEMPORARY'], template1: ['CONNECT'] };

/** `to` and `by`: names of roles; null: PUBLIC, and the owner. */
type InitialRight = { to: string | null; right: string; option: boolean; by: string | null };
type InitialSetting = { name: string; value: string; role: string | null };
type FoundInitial = {
  name: string;
  owner: string;
  /** Whether its owner is the role that made the server. */
  original: boolean;
  limit: number;
  template: boolean;
  comment: string | null;
  rights: InitialRight[];
  settings: InitialSetting[];
  labels: { provider: string; label: string }[];
};

/** All of it is in shared catalogs: nobody has to connect to a template, which would keep others from copying it. */
const query = `select datname as name, pg_get_userbyid(datdba)::text as owner, datdba = 10 as original, datconnlimit as limit, datistemplate as template,
    shobj_description(d.oid, 'pg_database') as comment,
    (select coalesce(jsonb_agg(jsonb_build_object('to', case when grantee <> 0 then pg_get_userbyid(grantee) end, 'right', privilege_type, 'option', is_grantable,
        'by', case when grantor <> datdba then pg_get_userbyid(grantor) end) order by place), '[]')
      from aclexplode(coalesce(datacl, acldefault('d', datdba))) with ordinality as a (grantor, grantee, privilege_type, is_grantable, place)) as rights,
    (select coalesce(jsonb_agg(jsonb_build_object('name', split_part(s, '=', 1), 'value', substr(s, strpos(s, '=') + 1), 'role', rolname) order by rolname nulls first, place), '[]')
      from pg_db_role_setting g cross join unnest(setconfig) with ordinality as c (s, place) left join pg_roles r on r.oid = setrole where setdatabase = d.oid) as settings,
    (select coalesce(jsonb_agg(jsonb_build_object('provider', provider, 'label', label) order by provider), '[]')
      from pg_shseclabel where classoid = 'pg_database'::regclass and objoid = d.oid) as labels
  from pg_database d where datname = any($1) order by 1`;

/**
 * Owner, rights, settings, comment and options of these databases as SQL, as far as they differ from what initdb made:
 * pg_dumpall prints none of this.
 */
export async function ofInitialDatabases(login: Login, signal: AbortSignal): Promise<string> {
  const found = await withSession(login, signal, (session) => session.rows<FoundInitial>(query, [initialDatabases]));
  return found.flatMap((one) => statementsOf(one).map((statement) => `${statement};\n`)).join('');
}

function statementsOf(found: FoundInitial): string[] {
  const { name, owner, original, limit, template, comment, settings, labels } = found;
  const alter = `ALTER DATABASE ${name}`;
  return [
    ...(original ? [] : [`${alter} OWNER TO ${quoteIdentifier(owner)}`]),
    ...rightsOf(found),
    ...(limit === -1 ? [] : [`${alter} WITH CONNECTION LIMIT ${limit}`]),
    ...(template === (name === 'template1') ? [] : [`${alter} WITH IS_TEMPLATE ${template}`]),
    ...(comment === firstComments[name]
      ? []
      : [`COMMENT ON DATABASE ${name} IS ${comment === null ? 'NULL' : quoteLiteral(comment)}`]),
    ...labels.map(
      ({ provider, label }) =>
        `SECURITY LABEL FOR ${quoteIdentifier(provider)} ON DATABASE ${name} IS ${quoteLiteral(label)}`,
    ),
    ...settings.map(({ name: parameter, value, role }) => {
      const whose = role === null ? alter : `ALTER ROLE ${quoteIdentifier(role)} IN DATABASE ${name}`;
      return `${whose} SET ${quoteIdentifier(parameter)} TO ${settingValue(parameter, value)}`;
    }),
  ];
}

/** In the server's order. The owner's rights are stated only if some are missing. */
function rightsOf({ name, owner, rights }: FoundInitial): string[] {
  const isOwners = ({ to, by }: InitialRight) => to === owner && by === null;
  const everybodys = rights.filter(({ to }) => to === null).map(({ right }) => right);
  const hasAll = rights.filter((one) => isOwners(one) && !one.option).length === 3;
  const given = hasAll ? rights.filter((one) => !isOwners(one)) : rights;
  const first = firstRights[name]!;
  const isFirst = first.length === given.length && first.every((right) => everybodys.includes(right));
  if (hasAll && isFirst && given.every(({ to, by, option }) => to === null && by === null && !option)) return [];
  return [
    `REVOKE ALL ON DATABASE ${name} FROM PUBLIC`,
    ...(hasAll ? [] : [`REVOKE ALL ON DATABASE ${name} FROM ${quoteIdentifier(owner)}`]),
    ...given.flatMap(({ to, right, option, by }) => {
      const grantee = to === null ? 'PUBLIC' : quoteIdentifier(to);
      const grant = `GRANT ${right} ON DATABASE ${name} TO ${grantee}${option ? ' WITH GRANT OPTION' : ''}`;
      return by === null
        ? [grant]
        : [`SET SESSION AUTHORIZATION ${quoteIdentifier(by)}`, grant, 'RESET SESSION AUTHORIZATION'];
    }),
  ];
}
