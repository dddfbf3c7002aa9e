import { unmarkedSql } from '../database/mark.ts';
import { extensionBelow } from './definition.ts';

/** What is attached to objects of any kind, and what belongs to the database as a whole. */

const notOfAnExtension = (class_: string, oid: string) =>
  `not exists (select from pg_depend e where e.classid = ${class_} and e.objid = ${oid} and e.deptype = 'e')`;

/**
 * Comments. Leaves out the comment that a new database has from the beginning, and those on objects that pg_dump leaves
 * out.
 */
export const commentsQuery = `select 'comment' as kind, concat(i.type, ' ', i.identity) as name, d.description as text
  from pg_description d, lateral pg_identify_object(d.classoid, d.objoid, d.objsubid) i
  where (d.objoid >= 16384 or d.classoid = 'pg_namespace'::regclass and d.objoid = to_regnamespace('public') and d.description <> 'standard public schema')
    and i.identity is not null and coalesce(i.schema, '') !~ '^pg_' and ${notOfAnExtension('d.classoid', 'd.objoid')} and d.classoid <> 'pg_extension'::regclass
    and ${extensionBelow('d.classoid', 'd.objoid')} is null`;

export const extensionCommentKind = 'extension comment';

/**
 * The archive has the comment of every extension, whether it was changed or not, except that of plpgsql, which comes
 * with the database.
 */
export const extensionCommentsQuery = `select '${extensionCommentKind}' as kind, extname as name, obj_description(oid, 'pg_extension') as text
  from pg_extension where extname <> 'plpgsql' and obj_description(oid, 'pg_extension') is not null`;

export const securityLabelsQuery = `select 'security label' as kind, concat(provider, ' ', i.type, ' ', i.identity) as name, label as text
  from pg_seclabel l, lateral pg_identify_object(l.classoid, l.objoid, l.objsubid) i where i.identity is not null`;

/** Plain values: tables, indexes and materialized views that are not in the database's own tablespace. */
export const tablespacesQuery = `select 'tablespace' as kind, concat(i.type, ' ', i.identity) as name, spcname as text
  from pg_class o join pg_tablespace s on s.oid = reltablespace, lateral pg_identify_object('pg_class'::regclass, o.oid, 0) i
  where o.oid >= 16384 and relkind in ('r', 'p', 'm', 'i', 'I') and i.schema !~ '^pg_'`;

/** Objects that are to be dropped together with an extension. */
export const dependentsQuery = `select 'depends on extension' as kind, concat(i.type, ' ', i.identity) as name, string_agg(extname, ', ' order by extname) as text
  from pg_depend d join pg_extension e on e.oid = refobjid and refclassid = 'pg_extension'::regclass, lateral pg_identify_object(d.classid, d.objid, d.objsubid) i
  where deptype = 'x' group by i.type, i.identity`;

/** Plain values. pg_dump does not carry them: a restored database has the versions that its server installs. */
export const extensionVersionsQuery = `select 'extension version' as kind, extname as name, extversion as text from pg_extension`;

/** Their options are hidden from roles that are neither superusers nor concerned. */
export const userMappingsQuery =
  `select 'user mapping' as kind, format('%s on server %s', usename, srvname) as name, (select jsonb_agg(x order ` +
  'by x collate "C") from unnest(umoptions) x)::text as text from pg_user_mappings';

/** Only superusers can read them. Whether one is enabled is left out: pg_dump brings each back disabled. */
export const subscriptionsQuery = `select 'subscription' as kind, quote_ident(subname) as name, ((to_jsonb(s) - '{oid,subdbid,subname,subowner,subenabled,subskiplsn}'::text[])
    || case when to_jsonb(s) ->> 'subtwophasestate' = 'e' then '{"subtwophasestate": "p"}'::jsonb else '{}' end)::text as text
  from pg_subscription s where subdbid = (select oid from pg_database where datname = current_database())
  union all
  select 'owner', concat('subscription ', quote_ident(subname)), rolname from pg_subscription join pg_roles r on r.oid = subowner where subdbid = (select oid from pg_database where datname = current_database())`;

/**
 * Plain values, with which a restore makes the new database. The grantor of a right is included if it is not the owner.
 * A provider is included unless it is the system's, as it always was before 15. All are text: beside a `name` in the
 * same column, PostgreSQL would make them names and cut them after 63 bytes.
 */
export const databaseQuery = `select 'database' as kind, x.name, x.text from pg_database d, lateral (values
    ('encoding', pg_encoding_to_char(encoding)::text), ('collate', datcollate::text), ('ctype', datctype::text),
    ('provider', nullif(to_jsonb(d) ->> 'datlocprovider', 'c')), ('locale', coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale')), ('icu rules', to_jsonb(d) ->> 'daticurules')) x (name, text)
  where datname = current_database() and x.text is not null
  union all
  select 'database setting', split_part(s, '=', 1) || coalesce(' of ' || r.rolname, ''), substr(s, strpos(s, '=') + 1)
  from pg_db_role_setting g cross join unnest(g.setconfig) s left join pg_roles r on r.oid = g.setrole
  where g.setdatabase = (select oid from pg_database where datname = current_database())
  union all
  select 'database comment', 'comment', ${unmarkedSql('description')} from pg_shdescription
  where classoid = 'pg_database'::regclass and objoid = (select oid from pg_database where datname = current_database()) and ${unmarkedSql('description')} is not null
  union all
  select 'database access', 'owner', rolname::text from pg_database join pg_roles r on r.oid = datdba where datname = current_database()
  union all
  select 'database access', concat_ws(' ', coalesce('role ' || r.rolname, 'public'), privilege_type) || g.by, privilege_type || case when is_grantable then '*' else '' end || g.by
  from pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba))) left join pg_roles r on r.oid = grantee,
    lateral (select case when grantor = datdba then '' else concat(' by ', to_json(pg_get_userbyid(grantor)::text)) end as by) g where datname = current_database()`;

/** Plain values that a restore leaves to the new database. */
export const databaseOptionsQuery = `select 'database option' as kind, x.name, x.text from pg_database d join pg_tablespace s on s.oid = dattablespace, lateral (values
    ('connection limit', nullif(datconnlimit, -1)::text), ('template', nullif(datistemplate, false)::text), ('tablespace', nullif(spcname::text, 'pg_default'))) x (name, text)
  where datname = current_database() and x.text is not null
  union all
  select 'database option', 'security label of ' || provider, label from pg_shseclabel
  where classoid = 'pg_database'::regclass and objoid = (select oid from pg_database where datname = current_database())`;
