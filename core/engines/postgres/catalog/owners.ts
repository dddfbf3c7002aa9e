import { madeByUser, madeWith } from './definition.ts';

/** System catalogues whose objects have an owner or an access list: their columns, and the letter for `acldefault`. */
type Owned = { from: string; class?: string; owner: string; acl?: string; letter?: string; where?: string };

const owned: Owned[] = [
  { from: 'pg_namespace', owner: 'nspowner', acl: 'nspacl', letter: `'n'` },
  {
    from: 'pg_class',
    owner: 'relowner',
    acl: 'relacl',
    letter: `case relkind when 'S' then 's' else 'r' end::"char"`,
    where: `relkind in ('r', 'p', 'v', 'm', 'S', 'f')`,
  },
  { from: 'pg_proc', owner: 'proowner', acl: 'proacl', letter: `'f'` },
  {
    from: 'pg_type',
    owner: 'typowner',
    acl: 'typacl',
    letter: `'T'`,
    where:
      `(typtype in ('e', 'd', 'r', 'b') and typcategory <> 'A' or typtype = 'c' and (select relkind from pg_class ` +
      `where oid = typrelid) = 'c')`,
  },
  // a dump carries no rights on `sql`, `c` and `internal`
  { from: 'pg_language', owner: 'lanowner', acl: 'lanacl', letter: `'l'`, where: '(lanispl or o.oid >= 16384)' },
  { from: 'pg_foreign_data_wrapper', owner: 'fdwowner', acl: 'fdwacl', letter: `'F'` },
  { from: 'pg_foreign_server', owner: 'srvowner', acl: 'srvacl', letter: `'S'` },
  { from: 'pg_largeobject_metadata', class: 'pg_largeobject', owner: 'lomowner', acl: 'lomacl', letter: `'L'` },
  { from: 'pg_publication', owner: 'pubowner' },
  { from: 'pg_event_trigger', owner: 'evtowner' },
  { from: 'pg_operator', owner: 'oprowner', where: 'oprcode <> 0' },
  { from: 'pg_opclass', owner: 'opcowner' },
  { from: 'pg_opfamily', owner: 'opfowner' },
  { from: 'pg_collation', owner: 'collowner' },
  { from: 'pg_conversion', owner: 'conowner' },
  { from: 'pg_statistic_ext', owner: 'stxowner' },
  { from: 'pg_ts_dict', owner: 'dictowner' },
  { from: 'pg_ts_config', owner: 'cfgowner' },
];

/**
 * Who owns each object, and who may do what with it; for objects of the system and of extensions, only changes since
 * they were made. `used`: the catalogues that hold objects of users. The rows of all catalogues are gathered first and
 * judged together: to plan a judgement for each catalogue takes a server longer than to answer.
 */
export function ownersQuery(used: readonly string[]): string {
  const rows = owned.filter(({ from, acl }) => acl !== undefined || used.includes(from)).map(rowsOf);
  const columns = `select 'pg_class'::regclass, 'pg_class'::regclass, o.oid, a.attnum, o.relowner, a.attacl, acldefault('c', o.relowner), ${madeByUser('pg_class')}, ${kinds('pg_class')}
    from pg_class o join pg_attribute a on a.attrelid = o.oid and a.attacl is not null and not a.attisdropped`;
  return `select a.kind, concat(i.type, ' ', i.identity) as name, a.text
    from (with o as materialized (
        select *, made and not exists (select from pg_depend d where d.classid = catalogue and d.objid = u.oid and d.deptype = any (kinds)) as mine
        from (${[...rows, columns].join(' union all ')}) u)
      select 'owner' as kind, class, oid, part, (select rolname from pg_roles r where r.oid = o.owner)::text as text from o where mine and part = 0
      union all select 'grant', class, oid, part, ${grants('coalesce(acl, usual)')}
        from o left join pg_init_privs p on p.objoid = o.oid and p.classoid = o.class and p.objsubid = o.part
        where usual is not null and (mine or ${changed('acl', 'coalesce(initprivs, usual)')} and (part <> 0 or not ${comesWithAnother}))
    ) a, lateral pg_identify_object(a.class, a.oid, a.part) i
    where i.identity is not null and coalesce(i.schema, i.identity) !~ '^(pg_(temp|toast)|information_schema$)' and not (a.oid >= 16384 and coalesce(i.schema, '') = 'pg_catalog')`;
}

/** `usual`: the rights of those who were granted none; null where nothing can be granted. */
function rowsOf({ from, class: named = from, owner, acl, letter, where = 'true' }: Owned): string {
  const rights = acl === undefined ? 'null::aclitem[]' : `o.${acl}`;
  const usual = acl === undefined ? 'null::aclitem[]' : `acldefault(${letter!}, o.${owner})`;
  return `select '${named}'::regclass as class, '${from}'::regclass as catalogue, o.oid, 0 as part, o.${owner} as owner, ${rights} as acl, ${usual} as usual, ${madeByUser(from)} as made, ${kinds(from)} as kinds
    from pg_catalog.${from} o where ${where} and (${madeByUser(from)} or ${rights} is not null)`;
}

const kinds = (from: string) => `array[${madeWith(from)}]::"char"[]`;

/** The grantor is left out: after a restore it is whoever restores. */
function grants(acl: string): string {
  return `array(select concat_ws(' ', coalesce(r.rolname, 'public'), x.privilege_type, x.is_grantable)
    from aclexplode(${acl}) x left join pg_roles r on r.oid = x.grantee order by 1)::text`;
}

/**
 * pg_dump carries such changes, with the help of `pg_init_privs`. Stating a right that holds anyway changes nothing.
 * Most are equal to the letter, and need not be sorted.
 */
function changed(acl: string, before: string): string {
  const sorted = (items: string) => `array(select x::text from unnest(${items}) x order by 1)`;
  return `${acl} is not null and ${acl} <> ${before} and ${sorted(acl)} <> ${sorted(before)}`;
}

/**
 * Functions that are made together with a range type and the like: a dump carries no rights on them, and default
 * privileges may give them some.
 */
const comesWithAnother = `exists (select from pg_depend d where d.classid = o.class and d.objid = o.oid and d.deptype = 'i')`;

export const defaultPrivilegesQuery = `select 'default privileges' as kind, concat_ws(' ', defaclrole::regrole, nspname, defaclobjtype) as name,
    array(select concat_ws(' ', coalesce(r.rolname, 'public'), x.privilege_type, x.is_grantable) from aclexplode(defaclacl) x left join pg_roles r on r.oid = x.grantee order by 1)::text as text
  from pg_default_acl left join pg_namespace n on n.oid = defaclnamespace`;
