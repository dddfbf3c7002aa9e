import { list, named, optional, rowWithout, sorted } from './definition.ts';
import type { Definition } from './definition.ts';
import { programmable } from './programmable.ts';
import { relations } from './relations.ts';

/** Each kind of object that pg_dump carries. Names, owners, grants and comments have queries of their own. */
export function definitions(serverMajor: number): Definition[] {
  return [
    { from: 'pg_namespace', facts: 'null' },
    { from: 'pg_extension', facts: list('extnamespace::regnamespace') },
    ...relations(serverMajor),
    ...programmable(serverMajor),
    {
      from: 'pg_type',
      where:
        `(typtype in ('e', 'd', 'r', 'b', 'p') and typcategory <> 'A' or typtype = 'c' and (select relkind from ` +
        `pg_class where oid = typrelid) = 'c')`,
      facts: typeFacts(serverMajor),
      statements:
        `case when typdefaultbin is not null then jsonb_build_array('select ' || pg_get_expr(typdefaultbin, 0)) ` +
        'end',
    },
    {
      from: 'pg_operator',
      where: 'oprcode <> 0', // a shell operator is only a name that another operator refers to; pg_dump leaves it out
      facts: list(
        'oprkind',
        'oprresult::regtype',
        'oprcode::regprocedure',
        'oprcom::regoperator',
        'oprnegate::regoperator',
        'oprrest',
        'oprjoin',
        'oprcanmerge',
        'oprcanhash',
      ),
    },
    {
      from: 'pg_opclass',
      facts: list(
        'opcintype::regtype',
        'opcdefault',
        'nullif(opckeytype, 0)::regtype',
        named('pg_opfamily', 'opf', 'opcfamily'),
      ),
    },
    { from: 'pg_opfamily', facts: list(operatorsOf, functionsOf) },
    { from: 'pg_cast', facts: list('nullif(castfunc, 0)::regprocedure', 'castcontext', 'castmethod') },
    {
      from: 'pg_collation',
      facts: rowWithout('oid', 'collname', 'collnamespace', 'collowner', 'collversion', 'collencoding'),
    },
    { from: 'pg_conversion', facts: list('conforencoding', 'contoencoding', 'conproc', 'condefault') },
    {
      from: 'pg_language',
      facts: list('lanispl', 'lanpltrusted', 'lanplcallfoid::regproc', 'laninline::regproc', 'lanvalidator::regproc'),
    },
    { from: 'pg_transform', facts: list('trffromsql::regprocedure', 'trftosql::regprocedure') },
    { from: 'pg_am', facts: list('amhandler', 'amtype') },
    { from: 'pg_ts_parser', facts: rowWithout('oid', 'prsname', 'prsnamespace') },
    { from: 'pg_ts_template', facts: rowWithout('oid', 'tmplname', 'tmplnamespace') },
    { from: 'pg_ts_dict', facts: list(named('pg_ts_template', 'tmpl', 'dicttemplate'), 'dictinitoption') },
    {
      from: 'pg_ts_config',
      facts: list(
        named('pg_ts_parser', 'prs', 'cfgparser'),
        '(select jsonb_agg(jsonb_build_array(maptokentype, mapseqno, mapdict::regdictionary) order by ' +
          'maptokentype, mapseqno) from pg_ts_config_map where mapcfg = o.oid)',
      ),
    },
    {
      from: 'pg_publication',
      facts: list(
        rowWithout('oid', 'pubname', 'pubowner'),
        publishedTables(serverMajor),
        publishedSchemas(serverMajor),
      ),
      statements: rowFilters(serverMajor),
    },
    {
      from: 'pg_foreign_data_wrapper',
      facts: list('fdwhandler::regproc', 'fdwvalidator::regproc', sorted('fdwoptions')),
    },
    {
      from: 'pg_foreign_server',
      facts: list(
        '(select fdwname from pg_foreign_data_wrapper where oid = srvfdw)',
        'srvtype',
        'srvversion',
        sorted('srvoptions'),
      ),
    },
  ];
}

/** A domain's default is an expression; that of another type is plain text. */
function typeFacts(serverMajor: number): string {
  const base = list(
    'typlen',
    'typbyval',
    'typcategory',
    'typispreferred',
    'typdelim',
    'typinput',
    'typoutput',
    'typreceive',
    'typsend',
    'typmodin',
    'typmodout',
    'typanalyze',
    optional('typsubscript'),
    'typalign',
    'typstorage',
    'nullif(typelem, 0)::regtype',
  );
  const notNull =
    serverMajor < 18 ? 'null' : `(select conname from pg_constraint where contypid = o.oid and contype = 'n')`;
  return list(
    'typtype',
    'typisdefined',
    'typnotnull',
    notNull,
    'format_type(nullif(typbasetype, 0), typtypmod)',
    'nullif(typcollation, 0)::regcollation',
    `case when typtype = 'b' then ${base} end`,
    `case when typdefaultbin is null then typdefault end`,
    'array(select enumlabel::text from pg_enum where enumtypid = o.oid order by enumsortorder)',
    rangeFacts,
  );
}

const rangeFacts = `(select ${list(
  'rngsubtype::regtype',
  'nullif(rngcollation, 0)::regcollation',
  `(select format('%I.%I', nspname, opcname) from pg_opclass c join pg_namespace n on n.oid = opcnamespace ` +
    'where c.oid = rngsubopc)',
  'rngcanonical',
  'rngsubdiff',
  `(${optional('rngmultitypid', 'r')})::oid::regtype`,
)} from pg_range r where rngtypid = o.oid)`;

const operatorsOf =
  '(select jsonb_agg(x order by x) from pg_amop a, lateral ' +
  `${list('amoplefttype::regtype', 'amoprighttype::regtype', 'amopstrategy', 'amoppurpose', 'amopopr::regoperator', named('pg_opfamily', 'opf', 'amopsortfamily'))} x where amopfamily = o.oid)`;
const functionsOf =
  '(select jsonb_agg(x order by x) from pg_amproc a, lateral ' +
  `${list('amproclefttype::regtype', 'amprocrighttype::regtype', 'amprocnum', 'amproc::regprocedure')} x where ` +
  'amprocfamily = o.oid)';

function publishedTables(serverMajor: number): string {
  const columns =
    serverMajor < 15
      ? 'null'
      : '(select jsonb_agg(attname order by attname) from pg_attribute where attrelid = prrelid and attnum = ' +
        'any(prattrs))';
  return `(select jsonb_agg(jsonb_build_array(prrelid::regclass, ${columns}, ${serverMajor < 15 ? 'null' : 'prqual is null'}) order by prrelid::regclass::text collate "C") from pg_publication_rel where prpubid = o.oid)`;
}

function publishedSchemas(serverMajor: number): string {
  return serverMajor < 15
    ? 'null'
    : '(select jsonb_agg(pnnspid::regnamespace order by pnnspid::regnamespace::text collate "C") from ' +
        'pg_publication_namespace where pnpubid = o.oid)';
}

function rowFilters(serverMajor: number): string {
  return serverMajor < 15
    ? 'null'
    : `(select jsonb_agg('select ' || pg_get_expr(prqual, prrelid) order by prrelid::regclass::text collate "C") ` +
        'from pg_publication_rel where prpubid = o.oid and prqual is not null)';
}
