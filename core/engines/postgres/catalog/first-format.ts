/**
 * How catalogs of backups were read before format 2: one text for each object, of which the catalog holds a digest. A
 * restored database is read in the same way when it is compared with such a backup, so nothing here may change.
 */
export const firstFormatQueries = () => [objectsQuery(), ownersQuery(), commentsQuery, defaultPrivilegesQuery];

/**
 * Each kind of object: the system catalogue it lives in, and the text that must be equal after a restore. Only what the
 * server does not make by itself and what pg_dump carries; `{own}` is the condition for "made by a user".
 */
const definitions: { from: string; where?: string; text: string }[] = [
  { from: 'pg_namespace', text: `''` },
  { from: 'pg_extension', text: `(select nspname from pg_namespace where oid = o.extnamespace)` },
  { from: 'pg_class', where: `relkind in ('r', 'p', 'f', 'c')`, text: tableText() },
  {
    from: 'pg_class',
    where: `relkind in ('v', 'm')`,
    text: `concat_ws(' ', relkind, pg_get_viewdef(o.oid), reloptions::text, relispopulated)`,
  },
  {
    from: 'pg_class',
    where: `relkind in ('i', 'I')`,
    text:
      `concat_ws(' ', pg_get_indexdef(o.oid), reloptions::text, (select concat(indisvalid, indisclustered, ` +
      'indisreplident) from pg_index where indexrelid = o.oid))',
  },
  {
    from: 'pg_class',
    where: `relkind = 'S'`,
    text:
      `(select concat_ws(' ', seqtypid::regtype, seqstart, seqincrement, seqmax, seqmin, seqcache, seqcycle) from ` +
      'pg_sequence where seqrelid = o.oid)',
  },
  {
    from: 'pg_type',
    where:
      `(typtype in ('e', 'd', 'r', 'b') and typcategory <> 'A' or typtype = 'c' and (select relkind from pg_class ` +
      `where oid = typrelid) = 'c')`,
    text: `concat_ws(' ', typtype, typlen, typnotnull, typdefault, format_type(nullif(typbasetype, 0), typtypmod), nullif(typcollation, 0)::regcollation,
      array(select enumlabel::text from pg_enum where enumtypid = o.oid order by enumsortorder)::text, (select rngsubtype::regtype::text from pg_range where rngtypid = o.oid))`,
  },
  {
    from: 'pg_constraint',
    where: `contype <> 'n' and conparentid = 0 and (conrelid <> 0 or contypid <> 0)`,
    text: `concat_ws(' ', pg_get_constraintdef(o.oid), condeferrable, condeferred, convalidated)`,
  },
  {
    from: 'pg_proc',
    text: `case prokind when 'a' then (select concat_ws(' ', aggtransfn, aggfinalfn, aggcombinefn, aggsortop::regoper, aggtranstype::regtype, agginitval, aggkind) from pg_aggregate where aggfnoid = o.oid)
      else pg_get_functiondef(o.oid) end`,
  },
  {
    from: 'pg_trigger',
    where: `not tgisinternal and tgparentid = 0`,
    text: `concat_ws(' ', pg_get_triggerdef(o.oid), tgenabled)`,
  },
  { from: 'pg_event_trigger', text: `concat_ws(' ', evtevent, evtfoid::regproc, evtenabled, evttags::text)` },
  { from: 'pg_rewrite', where: `rulename <> '_RETURN'`, text: `concat_ws(' ', pg_get_ruledef(o.oid), ev_enabled)` },
  {
    from: 'pg_policy',
    text: `concat_ws(' ', polcmd, polpermissive, array(select coalesce(rolname, 'public')::text from unnest(polroles) r left join pg_roles on pg_roles.oid = r order by 1)::text,
      pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))`,
  },
  {
    from: 'pg_operator',
    text: `concat_ws(' ', oprcode, oprcom::regoper, oprnegate::regoper, oprrest, oprjoin, oprcanmerge, oprcanhash)`,
  },
  { from: 'pg_opclass', text: `concat_ws(' ', opcintype::regtype, opcdefault, opckeytype::regtype)` },
  { from: 'pg_opfamily', text: `''` },
  { from: 'pg_cast', text: `concat_ws(' ', castfunc::regproc, castcontext, castmethod)` },
  { from: 'pg_collation', text: `concat_ws(' ', collprovider, collisdeterministic, collcollate, collctype)` },
  { from: 'pg_conversion', text: `concat_ws(' ', conforencoding, contoencoding, conproc, condefault)` },
  { from: 'pg_language', text: `concat_ws(' ', lanpltrusted, lanplcallfoid::regproc)` },
  { from: 'pg_transform', text: `concat_ws(' ', trffromsql::regproc, trftosql::regproc)` },
  { from: 'pg_am', text: `concat_ws(' ', amhandler, amtype)` },
  {
    from: 'pg_ts_config',
    text:
      `(select string_agg(concat_ws(':', maptokentype, mapseqno, mapdict::regdictionary), ' ' order by ` +
      'maptokentype, mapseqno) from pg_ts_config_map where mapcfg = o.oid)',
  },
  { from: 'pg_ts_dict', text: `dictinitoption` },
  { from: 'pg_statistic_ext', text: `pg_get_statisticsobjdef(o.oid)` },
  {
    from: 'pg_publication',
    text:
      `concat_ws(' ', puballtables, pubinsert, pubupdate, pubdelete, pubtruncate, array(select ` +
      'prrelid::regclass::text from pg_publication_rel where prpubid = o.oid order by 1)::text)',
  },
  { from: 'pg_foreign_data_wrapper', text: `concat_ws(' ', fdwhandler::regproc, fdwoptions::text)` },
  { from: 'pg_foreign_server', text: `concat_ws(' ', srvtype, srvversion, srvoptions::text)` },
];

/** Catalogues whose objects have an owner or an access list: their columns, and the letter for `acldefault`. */
const owned: { from: string; class?: string; owner: string; acl?: string; kind?: string; where?: string }[] = [
  { from: 'pg_namespace', owner: 'nspowner', acl: 'nspacl', kind: `'n'` },
  {
    from: 'pg_class',
    owner: 'relowner',
    acl: 'relacl',
    kind: `case relkind when 'S' then 's' else 'r' end::"char"`,
    where: `relkind in ('r', 'p', 'v', 'm', 'S', 'f')`,
  },
  { from: 'pg_proc', owner: 'proowner', acl: 'proacl', kind: `'f'` },
  {
    from: 'pg_type',
    owner: 'typowner',
    acl: 'typacl',
    kind: `'T'`,
    where: `typtype in ('e', 'd', 'r') and typcategory <> 'A'`,
  },
  { from: 'pg_language', owner: 'lanowner', acl: 'lanacl', kind: `'l'` },
  { from: 'pg_foreign_server', owner: 'srvowner', acl: 'srvacl', kind: `'S'` },
  { from: 'pg_largeobject_metadata', class: 'pg_largeobject', owner: 'lomowner', acl: 'lomacl', kind: `'L'` },
  { from: 'pg_publication', owner: 'pubowner' },
  { from: 'pg_event_trigger', owner: 'evtowner' },
];

/**
 * Made by a user: not by initdb, not by an extension, not in the system's schemas, and not the functions and casts that
 * come with a range type, of which newer servers make more. `public` and plpgsql are listed because they can be
 * dropped.
 */
function own(from: string): string {
  const made = ['pg_proc', 'pg_cast'].includes(from) ? `in ('e', 'i')` : `= 'e'`;
  const system =
    from === 'pg_namespace'
      ? `(o.oid >= 16384 or o.nspname = 'public') and o.nspname !~ '^pg_'`
      : from === 'pg_extension'
        ? 'true'
        : 'o.oid >= 16384';
  return `${system} and not exists (select from pg_depend d where d.classid = '${from}'::regclass and d.objid = o.oid and d.deptype ${made})`;
}

function objectsQuery(): string {
  const objects = definitions.map(
    ({ from, where, text }) =>
      `select '${from}'::regclass as class, o.oid, ${text}::text as text from pg_catalog.${from} o where ` +
      `${own(from)}${where === undefined ? '' : ` and ${where}`}`,
  );
  return `select i.type as kind, i.identity as name, coalesce(a.text, '') as text
    from (${objects.join(' union all ')}) a, lateral pg_identify_object(a.class, a.oid, 0) i
    where i.identity is not null and coalesce(i.schema, '') !~ '^pg_(temp|toast)'`;
}

function ownersQuery(): string {
  const grants = (
    acl: string,
    kind: string,
    owner: string,
  ) => `array(select concat_ws(' ', coalesce(r.rolname, 'public'), x.privilege_type, x.is_grantable)
    from aclexplode(coalesce(${acl}, acldefault(${kind}, ${owner}))) x left join pg_roles r on r.oid = x.grantee order by 1)::text`;
  const all = owned.flatMap(({ from, class: named = from, owner, acl, kind, where }) => {
    const rest = `from pg_catalog.${from} o where ${own(from)}${where === undefined ? '' : ` and ${where}`}`;
    const owners =
      `select 'owner' as kind, '${named}'::regclass as class, o.oid, 0 as part, (select rolname from pg_roles ` +
      `where oid = o.${owner})::text as text ${rest}`;
    return acl === undefined
      ? [owners]
      : [owners, `select 'grant', '${named}'::regclass, o.oid, 0, ${grants(`o.${acl}`, kind!, `o.${owner}`)} ${rest}`];
  });
  const columns = `select 'grant', 'pg_class'::regclass, o.oid, a.attnum, ${grants('a.attacl', `'c'`, 'o.relowner')}
    from pg_class o join pg_attribute a on a.attrelid = o.oid and a.attacl is not null and not a.attisdropped where ${own('pg_class')}`;
  return `select a.kind, concat(i.type, ' ', i.identity) as name, a.text
    from (${[...all, columns].join(' union all ')}) a, lateral pg_identify_object(a.class, a.oid, a.part) i
    where i.identity is not null and coalesce(i.schema, '') !~ '^pg_(temp|toast)'`;
}

const commentsQuery = `select 'comment' as kind, concat(i.type, ' ', i.identity) as name, d.description as text
  from pg_description d, lateral pg_identify_object(d.classoid, d.objoid, d.objsubid) i
  where d.objoid >= 16384 and i.identity is not null and not exists (select from pg_depend e where e.classid = d.classoid and e.objid = d.objoid and e.deptype = 'e')
    and d.classoid <> 'pg_extension'::regclass`;

const defaultPrivilegesQuery = `select 'default privileges' as kind, concat_ws(' ', defaclrole::regrole, nspname, defaclobjtype) as name,
    array(select unnest(defaclacl)::text order by 1)::text as text
  from pg_default_acl left join pg_namespace n on n.oid = defaclnamespace`;

/**
 * Only those options of a column that a user can set: minor releases of 2026 keep a counter of their own among them.
 */
function tableText(): string {
  return `concat_ws(E'\\n', relkind, relpersistence, relreplident, relrowsecurity, relforcerowsecurity, relispartition, reloptions::text,
    pg_get_partkeydef(o.oid), pg_get_expr(relpartbound, o.oid),
    (select string_agg(inhparent::regclass::text, ',' order by inhseqno) from pg_inherits where inhrelid = o.oid),
    (select concat_ws(' ', srvname, ftoptions::text) from pg_foreign_table join pg_foreign_server s on s.oid = ftserver where ftrelid = o.oid),
    (select string_agg(concat_ws(' ', attname, format_type(atttypid, atttypmod), attnotnull, nullif(attcollation, 0)::regcollation, attidentity, attgenerated, attstorage,
        to_jsonb(a) ->> 'attcompression', nullif((to_jsonb(a) ->> 'attstattarget')::int, -1), (select string_agg(x, ',' order by x) from unnest(attoptions) x where x like 'n_distinct%'), pg_get_expr(adbin, adrelid)), E'\\n' order by attname)
      from pg_attribute a left join pg_attrdef on adrelid = attrelid and adnum = attnum
      where attrelid = o.oid and attnum > 0 and not attisdropped))`;
}
