import { own } from './definition.ts';

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
 * they were made. `used`: the catalogues that hold objects of users.
 */
export function ownersQuery(used: readonly string[]): string {
  const all = owned.flatMap(({ from, class: named = from, owner, acl, letter, where = 'true' }) => {
    const mine = `${own(from)} and ${where}`;
    const owners =
      `select 'owner' as kind, '${named}'::regclass as class, o.oid, 0 as part, (select rolname from pg_roles ` +
      `where oid = o.${owner})::text as text from pg_catalog.${from} o where ${mine}`;
    const some = used.includes(from) || from === 'pg_largeobject_metadata' ? [owners] : [];
    if (acl === undefined) return some;
    const rights = grants(`o.${acl}`, letter!, `o.${owner}`);
    return [
      ...some,
      `select 'grant', '${named}'::regclass, o.oid, 0, ${rights} from pg_catalog.${from} o where ${where} and ` +
        `(${mine} or not (${mine}) and not ${comesWithAnother(named)} and ` +
        `${changed(named, `o.${acl}`, `acldefault(${letter!}, o.${owner})`)})`,
    ];
  });
  const columns = `select 'grant', 'pg_class'::regclass, o.oid, a.attnum, ${grants('a.attacl', `'c'`, 'o.relowner')}
    from pg_class o join pg_attribute a on a.attrelid = o.oid and a.attacl is not null and not a.attisdropped where ${own('pg_class')} or ${changed('pg_class', 'a.attacl', `acldefault('c', o.relowner)`, 'a.attnum')}`;
  return `select a.kind, concat(i.type, ' ', i.identity) as name, a.text
    from (${[...all, columns].join(' union all ')}) a, lateral pg_identify_object(a.class, a.oid, a.part) i
    where i.identity is not null and coalesce(i.schema, i.identity) !~ '^(pg_(temp|toast)|information_schema$)' and not (a.oid >= 16384 and coalesce(i.schema, '') = 'pg_catalog')`;
}

/** The grantor is left out: after a restore it is whoever restores. */
function grants(acl: string, letter: string, owner: string): string {
  return `array(select concat_ws(' ', coalesce(r.rolname, 'public'), x.privilege_type, x.is_grantable)
    from aclexplode(coalesce(${acl}, acldefault(${letter}, ${owner}))) x left join pg_roles r on r.oid = x.grantee order by 1)::text`;
}

/**
 * pg_dump carries such changes, with the help of `pg_init_privs`. Stating a right that holds anyway changes nothing.
 */
function changed(catalogue: string, acl: string, usual: string, part = '0'): string {
  const sorted = (items: string) => `array(select x::text from unnest(${items}) x order by 1)`;
  const initial =
    `(select initprivs from pg_init_privs p where p.objoid = o.oid and p.classoid = '${catalogue}'::regclass and ` +
    `p.objsubid = ${part})`;
  return `${acl} is not null and ${sorted(acl)} <> ${sorted(`coalesce(${initial}, ${usual})`)}`;
}

/**
 * Functions that are made together with a range type and the like: a dump carries no rights on them, and default
 * privileges may give them some.
 */
function comesWithAnother(catalogue: string): string {
  return `exists (select from pg_depend d where d.classid = '${catalogue}'::regclass and d.objid = o.oid and d.deptype = 'i')`;
}

export const defaultPrivilegesQuery = `select 'default privileges' as kind, concat_ws(' ', defaclrole::regrole, nspname, defaclobjtype) as name,
    array(select concat_ws(' ', coalesce(r.rolname, 'public'), x.privilege_type, x.is_grantable) from aclexplode(defaclacl) x left join pg_roles r on r.oid = x.grantee order by 1)::text as text
  from pg_default_acl left join pg_namespace n on n.oid = defaclnamespace`;
