/** Facts of one object, each changed alone; the object as a catalog names it. */
export type Facts = { object: string; changes: string[]; since?: number };

/** What the catalogue's own row of an object says, column by column. */
const row = (object: string, catalogue: string, where: string, sets: string[], since?: number): Facts => ({
  object,
  changes: sets.map((set) => `update pg_catalog.${catalogue} set ${set} where ${where}`),
  ...(since !== undefined && { since }),
});
const relation = (object: string, ...sets: string[]) =>
  row(object, 'pg_class', `oid = '${object.slice(object.lastIndexOf(' ') + 1)}'::regclass`, sets);
const column = (object: string, ...sets: string[]) =>
  row(
    object,
    'pg_attribute',
    `attnum = 1 and attrelid = '${object.slice(object.lastIndexOf(' ') + 1)}'::regclass`,
    sets,
  );
const type = (name: string, ...sets: string[]) => row(`type ${name}`, 'pg_type', `oid = '${name}'::regtype`, sets);

const owner = (object: string, catalogue: string, column: string, name: string) =>
  row(`owner ${object}`, catalogue, name, [`${column} = 'clerk'::regrole`]);

/** Objects of test/data/postgres/typed/one-of-each.sql. */
export const facts: Facts[] = [
  row('table constraint inherited on s.constrained', 'pg_constraint', `conname = 'inherited'`, ['conislocal = false']),
  row('aggregate s.total(integer)', 'pg_aggregate', `aggfnoid = 's.total(int)'::regprocedure`, [
    'aggsortop = 97',
    `aggtranstype = 'int8'::regtype`,
    `aggmtranstype = 'int8'::regtype`,
  ]),
  row('aggregate s.total_two(integer)', 'pg_proc', `oid = 's.total_two(int)'::regprocedure`, [
    `proargnames = '{x}'`,
    `prorettype = 'int8'::regtype`,
    `provolatile = 's'`,
    'proisstrict = true',
    'prosecdef = true',
    'proleakproof = true',
    `proconfig = '{work_mem=4MB}'`,
    'procost = 7',
  ]),
  row('trigger cloned on s.parted', 'pg_trigger', `tgparentid <> 0`, [`tgenabled = 'D'`]),
  row('event trigger watching', 'pg_event_trigger', `evtname = 'watching'`, [
    `evtevent = 'sql_drop'`,
    `evtfoid = 's.fires'::regproc`,
  ]),
  row('policy permissive on s.plain', 'pg_policy', `polname = 'permissive'`, [
    `polcmd = 'w'`,
    `polqual = (select polqual from pg_policy where polname = 'with_expression')`,
    'polwithcheck = polqual, polqual = null',
  ]),
  row('policy with_expression on s.plain', 'pg_policy', `polname = 'with_expression'`, ['polwithcheck = polqual']),

  // tables, views, indexes, sequences
  relation('table s.with_options', `relpersistence = 'u'`, 'relforcerowsecurity = true'),
  relation(
    'table s.typed',
    `reloftype = 's.mood'::regtype`,
    `relam = (select oid from pg_am where amname = 'heap_two')`,
  ),
  column('table s.with_storage', 'attnotnull = true', `attgenerated = 's'`),
  row(
    'table s.with_storage',
    'pg_attribute',
    `attnum = 1 and attrelid = 's.with_storage'::regclass`,
    [`attcompression = 'l'`],
    14,
  ),
  // where no compression is set, which is told of local columns alone
  column('table s.with_target', 'attislocal = false'),
  column('table s.with_default_value', 'atthasdef = false'),
  row('table s.child', 'pg_inherits', `inhrelid = 's.child'::regclass`, [`inhparent = 's.typed'::regclass`]),
  row('foreign table s.distant', 'pg_foreign_table', `ftrelid = 's.distant'::regclass`, [
    `ftserver = (select oid from pg_foreign_server where srvname = 'other')`,
  ]),
  row('table s.child', 'pg_attribute', `attrelid = 's.child'::regclass and attnum = 2`, [`attname = 'x'`]),
  row('index s.parted_low_a_idx', 'pg_inherits', `inhrelid = 's.parted_low_a_idx'::regclass`, [
    `inhparent = 's.with_columns'::regclass`,
  ]),
  row(
    'table s.with_virtual',
    'pg_constraint',
    `conname = 'a_named'`,
    ['connoinherit = true', 'convalidated = false', 'conislocal = false'],
    18,
  ),
  relation('materialized view s.filled', `relam = (select oid from pg_am where amname = 'heap_two')`),
  column(
    'view s.with_column_default',
    `attname = 'other'`,
    `atttypid = 'int8'::regtype`,
    'attstattarget = 7',
    `attstorage = 'x'`,
  ),
  row('materialized view s.filled', 'pg_attribute', `attnum = 1 and attrelid = 's.filled'::regclass`, [
    `attoptions = '{n_distinct=5}'`,
  ]),
  row(
    'materialized view s.filled',
    'pg_attribute',
    `attnum = 1 and attrelid = 's.filled'::regclass`,
    [`attcompression = 'l'`],
    14,
  ),
  row('index s.with_columns', 'pg_index', `indexrelid = 's.with_columns'::regclass`, ['indisreplident = true']),
  relation('sequence s.counting', `relpersistence = 'u'`),
  row('sequence s.counting', 'pg_sequence', `seqrelid = 's.counting'::regclass`, [
    `seqtypid = 'int4'::regtype`,
    'seqstart = 2',
    'seqmax = 1000',
    'seqmin = 0',
    'seqcache = 9',
    'seqcycle = true',
  ]),
  row(
    'sequence s.owned',
    'pg_depend',
    `classid = 'pg_class'::regclass and objid = 's.owned'::regclass and deptype = 'a'`,
    [`refobjid = 's.with_constant'::regclass`, 'refobjsubid = 2', `deptype = 'i'`],
  ),

  // types
  type(
    's.based',
    'typlen = 8',
    'typbyval = true',
    `typcategory = 'X'`,
    'typispreferred = true',
    `typdelim = ';'`,
    `typinput = 'boolin'::regproc`,
    `typoutput = 'boolout'::regproc`,
    `typreceive = 'textrecv'::regproc`,
    `typsend = 'textsend'::regproc`,
    `typmodin = 'varchartypmodin'::regproc`,
    `typmodout = 'varchartypmodout'::regproc`,
    `typanalyze = 'range_typanalyze'::regproc`,
    `typalign = 'd'`,
    `typdefault = 'x'`,
    `typcollation = 100`,
  ),
  row(
    'type s.based',
    'pg_type',
    `oid = 's.based'::regtype`,
    [`typsubscript = 'raw_array_subscript_handler'::regproc`, `typelem = 'int4'::regtype`],
    14,
  ),
  row('type s.shell', 'pg_type', `typname = 'shell'`, ['typisdefined = true']),
  type('s.not_empty', 'typnotnull = false', `typtypmod = 14`, `typbasetype = 'varchar'::regtype`, 'typcollation = 950'),
  row(
    'type s.not_empty',
    'pg_constraint',
    `contypid = 's.not_empty'::regtype and contype = 'n'`,
    [`conname = 'x'`],
    18,
  ),
  row('type s.span', 'pg_range', `rngtypid = 's.span'::regtype`, [
    `rngsubtype = 'float4'::regtype`,
    'rngcollation = 100',
    `rngsubopc = (select oid from pg_opclass where opcname = 'int4_ops' limit 1)`,
    `rngcanonical = 'int4range_canonical'::regproc`,
  ]),
  row('type s.span', 'pg_range', `rngtypid = 's.span'::regtype`, [`rngmultitypid = 's.mood'::regtype`], 14),

  // operators, casts, and what else extends the language
  row('operator s.===(pg_catalog.text,pg_catalog.text)', 'pg_operator', `oprname = '==='`, [
    `oprresult = 'int4'::regtype`,
    `oprcode = 'texteq'::regproc`,
    'oprcom = 98',
    'oprnegate = 531',
    `oprjoin = 'eqjoinsel'::regproc`,
    'oprcanmerge = true',
    'oprcanhash = true',
  ]),
  row('operator class s.class USING btree', 'pg_opclass', `opcname = 'class'`, [
    `opcintype = 'varchar'::regtype`,
    `opcfamily = (select oid from pg_opfamily where opfname = 'loose')`,
  ]),
  row(
    'operator family s.family USING btree',
    'pg_amop',
    `amopstrategy = 3 and amopfamily = (select oid from pg_opfamily where opfname = 'family')`,
    [
      `amoplefttype = 'varchar'::regtype`,
      `amoprighttype = 'varchar'::regtype`,
      'amopstrategy = 4',
      `amoppurpose = 'o'`,
      'amopopr = 531',
      `amopsortfamily = (select oid from pg_opfamily where opfname = 'loose')`,
    ],
  ),
  row(
    'operator family s.family USING btree',
    'pg_amproc',
    `amprocfamily = (select oid from pg_opfamily where opfname = 'family')`,
    [
      `amproclefttype = 'varchar'::regtype`,
      `amprocrighttype = 'varchar'::regtype`,
      'amprocnum = 2',
      `amproc = 'bttextcmp'::regproc`,
    ],
  ),
  row('cast (s.pair AS pg_catalog.text)', 'pg_cast', `castsource = 's.pair'::regtype`, [
    `castfunc = 's.based_in'::regproc`,
    `castmethod = 'b'`,
  ]),
  row('conversion s.converts', 'pg_conversion', `conname = 'converts'`, [
    'conforencoding = 9',
    'contoencoding = 7',
    `conproc = 'utf8_to_iso8859_1'::regproc`,
  ]),
  row('language speech', 'pg_language', `lanname = 'speech'`, [
    'lanispl = false',
    `lanplcallfoid = 'plpgsql_call_handler'::regproc`,
    `laninline = 'plpgsql_inline_handler'::regproc`,
    `lanvalidator = 'plpgsql_validator'::regproc`,
  ]),
  row('transform for s.based language plpgsql', 'pg_transform', `trftype = 's.based'::regtype`, ['trffromsql = 0']),
  row('access method heap_two', 'pg_am', `amname = 'heap_two'`, [`amtype = 'i'`]),
  row('text search dictionary s.dictionary', 'pg_ts_dict', `dictname = 'dictionary'`, [
    `dicttemplate = (select oid from pg_ts_template where tmplname = 'simple')`,
  ]),
  row('text search configuration s.config', 'pg_ts_config', `cfgname = 'config'`, [
    `cfgparser = (select oid from pg_ts_parser where prsname = 'default')`,
  ]),
  row(
    'text search configuration s.config',
    'pg_ts_config_map',
    `mapcfg = (select oid from pg_ts_config where cfgname = 'config')`,
    ['maptokentype = 2', 'mapseqno = 5'],
  ),
  row('foreign-data wrapper wrapper', 'pg_foreign_data_wrapper', `fdwname = 'wrapper'`, [
    `fdwhandler = 'public.postgres_fdw_handler'::regproc`,
    `fdwvalidator = 'public.postgres_fdw_validator'::regproc`,
  ]),
  row('server other', 'pg_foreign_server', `srvname = 'other'`, [
    `srvfdw = (select oid from pg_foreign_data_wrapper where fdwname = 'postgres_fdw')`,
    `srvtype = 'x'`,
  ]),
  row(
    'publication with_tables',
    'pg_publication_rel',
    `prpubid = (select oid from pg_publication where pubname = 'with_tables')`,
    [`prrelid = 's.parent'::regclass`],
  ),

  // owners of what has no access list
  owner('publication with_tables', 'pg_publication', 'pubowner', `pubname = 'with_tables'`),
  owner('event trigger watching', 'pg_event_trigger', 'evtowner', `evtname = 'watching'`),
  owner('operator s.===(pg_catalog.text,pg_catalog.text)', 'pg_operator', 'oprowner', `oprname = '==='`),
  owner('operator class s.class USING btree', 'pg_opclass', 'opcowner', `opcname = 'class'`),
  owner('operator family s.family USING btree', 'pg_opfamily', 'opfowner', `opfname = 'family'`),
  owner('collation s.plain_order', 'pg_collation', 'collowner', `collname = 'plain_order'`),
  owner('conversion s.converts', 'pg_conversion', 'conowner', `conname = 'converts'`),
  owner('statistics object s.with_columns', 'pg_statistic_ext', 'stxowner', `stxname = 'with_columns'`),
  owner('text search dictionary s.dictionary', 'pg_ts_dict', 'dictowner', `dictname = 'dictionary'`),
  owner('text search configuration s.config', 'pg_ts_config', 'cfgowner', `cfgname = 'config'`),
  row('grant type s.based', 'pg_type', `oid = 's.based'::regtype`, [`typacl = '{clerk=U/postgres}'`]),
  row('grant language speech', 'pg_language', `lanname = 'speech'`, [`lanacl = '{clerk=U/postgres}'`]),
  row('grant foreign-data wrapper wrapper', 'pg_foreign_data_wrapper', `fdwname = 'wrapper'`, [
    `fdwacl = '{clerk=U/postgres}'`,
  ]),
  row('grant server other', 'pg_foreign_server', `srvname = 'other'`, [`srvacl = '{clerk=U/postgres}'`]),
];
