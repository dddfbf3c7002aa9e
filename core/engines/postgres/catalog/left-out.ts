import type { Catalog } from '../../../ports.ts';
import { named } from './definition.ts';

/**
 * What pg_dump leaves out without an error, by name, with the reason: no backup holds it, so each one excepts it. If a
 * restored database has one, it does not come from the backup.
 */
export const leftOutKind = 'left out by pg_dump';

/** The part of a catalog that a backup carries, and what it has to except. */
export function carried(catalog: Catalog): { catalog: Catalog; exceptions: string[] } {
  const { [leftOutKind]: leftOut = {}, ...rest } = catalog;
  return {
    catalog: rest,
    exceptions: Object.entries(leftOut)
      .map(([name, why]) => `${name}: ${why}`)
      .sort(),
  };
}

export function leftOutQueries(where: { isSuperuser: boolean; hasServers: boolean; hasChildren: boolean }): string[] {
  return [
    invalidIndexes,
    otherwiseEnforced,
    looseMembers,
    ...(where.hasChildren ? [unsetCompression] : []),
    rightsOnLanguages,
    ...(where.hasServers ? [hiddenOptions] : []),
    ...(where.isSuperuser ? [] : [unseenSubscriptions]),
  ];
}

/** Counts only in a source: in a restored database it is as the server has made it. */
export const sourceQueries = (hasExtensions: boolean): string[] => [
  ...(hasExtensions ? [withoutComment] : []),
  `select '${leftOutKind}' as kind, 'comment of the extension plpgsql' as name, 'pg_dump leaves it to the new database' as text
    from pg_extension where extname = 'plpgsql' and obj_description(oid, 'pg_extension') is distinct from 'PL/pgSQL procedural language'`,
];

const withoutComment = `select '${leftOutKind}' as kind, concat('comment of the extension ', quote_ident(extname)) as name, 'pg_dump does not carry that it was taken away' as text
    from pg_extension where extname <> 'plpgsql' and obj_description(oid, 'pg_extension') is null
      and exists (select from pg_available_extensions a where a.name = extname and a.comment is not null)`;

const entry = (name: string, why: string) => `select '${leftOutKind}' as kind, ${name} as name, '${why}' as text`;

const invalidIndexes = `${entry(`concat('index ', i.identity)`, 'it is invalid, and pg_dump leaves it out')}
  from pg_index x join pg_class o on o.oid = indexrelid, lateral pg_identify_object('pg_class'::regclass, o.oid, 0) i
  where not indisvalid and relkind = 'i' and o.oid >= 16384 and i.schema !~ '^pg_'`;

const otherwiseEnforced = `select distinct '${leftOutKind}' as kind, concat('foreign key ', quote_ident(conname), ' on ', conrelid::regclass) as name,
    'its triggers are switched off or fire in other cases, which pg_dump does not carry' as text
  from pg_trigger join pg_constraint c on c.oid = tgconstraint where tgisinternal and tgenabled <> 'O' and contype = 'f'`;

const looseMembers = `select distinct '${leftOutKind}' as kind, concat('operator family ', x.family) as name, 'pg_dump does not carry what was added to a family of the system' as text
  from (select 'pg_amop'::regclass as class, oid, amopfamily as of, ${named('pg_opfamily', 'opf', 'amopfamily')} as family from pg_amop
    union all select 'pg_amproc'::regclass, oid, amprocfamily, ${named('pg_opfamily', 'opf', 'amprocfamily')} from pg_amproc) x
  where x.oid >= 16384 and x.of < 16384 and not exists (select from pg_depend where classid = x.class and objid = x.oid and refclassid = 'pg_opclass'::regclass)`;

/**
 * A compression that is set on a column is in the dump; no statement expresses that a column has none set while its
 * parent has one.
 */
const unsetCompression = `select distinct '${leftOutKind}' as kind, format('compression of %s.%I', inhrelid::regclass, c.attname) as name,
    'it is not that of the parent table, and pg_dump does not carry it' as text
  from pg_inherits join pg_class o on o.oid = inhrelid and not relispartition and relkind = 'r'
    join pg_attribute c on c.attrelid = inhrelid and not c.attislocal and to_jsonb(c) ->> 'attcompression' = ''
    join pg_attribute p on p.attrelid = inhparent and p.attname = c.attname and to_jsonb(p) ->> 'attcompression' <> ''`;

const rightsOnLanguages = `${entry(`concat('rights on the language ', quote_ident(lanname))`, 'pg_dump does not carry those of a language that is built in')}
  from pg_language where not lanispl and oid < 16384 and lanacl is not null`;

/** The condition of the view `pg_user_mappings`: other roles read null. */
const hiddenOptions = `${entry(`format('options of the user mapping for %s on server %s', m.usename, m.srvname)`, 'this role may not see whether it has any')}
  from pg_user_mappings m join pg_foreign_server s on s.oid = m.srvid
  where not (m.umuser <> 0 and m.usename = current_user and (pg_has_role(s.srvowner, 'usage') or has_server_privilege(s.oid, 'usage'))
    or m.umuser = 0 and pg_has_role(s.srvowner, 'usage') or (select rolsuper from pg_roles where rolname = current_user))`;

const unseenSubscriptions = `${entry(`concat('subscription ', quote_ident(subname))`, 'only a superuser can dump it')}
  from pg_subscription where subdbid = (select oid from pg_database where datname = current_database())`;
