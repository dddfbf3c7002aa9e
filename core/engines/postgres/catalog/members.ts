import { createHash } from 'node:crypto';
import * as z from 'zod';
import { BackupError } from '../../../domain/errors.ts';
import type { Catalog } from '../../../ports.ts';
import type { PostgresSession } from '../session.ts';
import { list } from './definition.ts';
import { definitions } from './definitions.ts';
import type { Definition } from './definition.ts';

/**
 * The members of extensions, one entry per extension. pg_dump creates the extension again and carries no changes to its
 * members, except grants, policies and security labels.
 */
export const membersKind = 'extension members';

/**
 * `definition` and `comment` are digests; `owner` is present if it is neither the extension's owner nor a superuser;
 * `touched`: changed or added by a later transaction than the one that created or updated the extension.
 */
export type Member = z.infer<typeof member>;
export type Members = Record<string, Member>;

/** The properties that ALTER FUNCTION sets, from columns of pg_proc. */
export type FunctionProperties = z.infer<typeof functionProperties>;

const functionProperties = z.object({
  volatility: z.string(),
  strict: z.boolean(),
  definer: z.boolean(),
  leakproof: z.boolean(),
  parallel: z.string(),
  cost: z.number(),
  rows: z.number(),
  config: z.array(z.string()).nullable(),
});

const member = z.object({
  definition: z.string().nullable(),
  comment: z.string().optional(),
  owner: z.string().optional(),
  properties: functionProperties.optional(),
  touched: z.literal(true).optional(),
});

type MemberRow = {
  extension: string;
  name: string;
  definition: string | null;
  comment: string | null;
  owner: string | null;
  properties: FunctionProperties | null;
  touched: boolean;
};

/**
 * The members of each extension, and the indexes, constraints, triggers and rules on its tables. Of plpgsql, which
 * comes with the server, only what was added to it. Leaves out types that a table or another type brings with it.
 * `which`: of functions alone, where nothing else is asked for.
 */
export async function readMembers(
  session: PostgresSession,
  which: 'all' | 'functions' = 'all',
): Promise<Record<string, Members>> {
  const [server] = await session.rows<{ major: number; classes: string[] }>(
    `select current_setting('server_version_num')::int / 10000 as major, ${classesOfMembers} as classes`,
  );
  const found = Object.create(null) as Record<string, Members>;
  const classes = server!.classes.filter((name) => which === 'all' || name === 'pg_proc');
  if (classes.length === 0) return found;
  for (const { extension, name, ...row } of await session.rows<MemberRow>(membersQuery(server!.major, classes))) {
    const members = (found[extension] ??= Object.create(null) as Members);
    members[name] = {
      definition: row.definition === null ? null : digest(row.definition),
      ...(row.comment !== null && { comment: digest(row.comment) }),
      ...(row.owner !== null && { owner: row.owner }),
      ...(row.properties !== null && { properties: row.properties }),
      ...(row.touched && { touched: true as const }),
    };
  }
  return found;
}

/** The members in a catalog. Throws `part-corrupt`. */
export function membersIn(catalog: Catalog, extension: string): Members {
  try {
    return z.record(z.string(), member).parse(JSON.parse(catalog[membersKind]?.[extension] ?? '{}'));
  } catch (cause) {
    throw new BackupError(
      'part-corrupt',
      `the catalog holds no members of the extension ${extension} that can be read`,
      {
        hint: 'who has written to the vault? Restore another backup, and keep this one to look into it',
        cause,
      },
    );
  }
}

/** Warnings about members that were changed after their extension was created: no dump holds the change. */
export function touchedWarnings(catalog: Catalog): string[] {
  return Object.keys(catalog[membersKind] ?? {}).flatMap((extension) => {
    const names = Object.entries(membersIn(catalog, extension)).flatMap(([name, { touched }]) =>
      touched ? [name] : [],
    );
    if (names.length === 0) return [];
    return [
      `changed after the extension ${extension} was made, which no dump carries: ${shortened(names)}; a restore ` +
        'sets properties of functions again, and its proof names what else is not as it was',
    ];
  });
}

/** The first of many names. */
export function shortened(names: readonly string[], most = 20): string {
  return names.slice(0, most).join(', ') + (names.length > most ? `, and ${names.length - most} more` : '');
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** Compares transaction ids modulo 2^32, as the server does. */
const isLater = (xid: string) =>
  `(${xid}::text::bigint - e.xmin::text::bigint + 4294967296) % 4294967296 between 1 and 2147483647`;

/**
 * A row that was written after the extension's own row, by another transaction than the one that made it a member: an
 * update of the extension also writes its own row. A change of grants writes the row, too, so rows whose grants have
 * changed prove nothing, nor do those of pg_class, which is written for many reasons. pg_upgrade creates members one by
 * one after the extension: then transaction ids prove nothing.
 */
const touched = `not bool_and(${isLater('d.joined')}) over (partition by e.oid) and exists (select from (
    select f.written where f.own
    union all select xmin from pg_attribute where d.classid = 'pg_class'::regclass and attrelid = d.objid and attnum > 0 and attacl is null
    union all select xmin from pg_rewrite where d.classid = 'pg_class'::regclass and ev_class = d.objid and rulename = '_RETURN'
    union all select xmin from pg_description where classoid = d.classid and objoid = d.objid) x (written)
  where x.written <> d.joined and (${isLater('x.written')} or ${isLater('d.joined')}))`;

/**
 * What belongs to an extension, and what lies on its tables, whoever made it: on a restore, only the extension makes
 * both.
 */
const membership = `with own as materialized (select classid, objid, refobjid as extension, xmin as joined from pg_depend
      where refclassid = 'pg_extension'::regclass and deptype = 'e'), tables as (select * from own where classid = 'pg_class'::regclass)
    select classid, objid, extension, joined, true as own from own
    union all select 'pg_class'::regclass, indexrelid, extension, joined, false from tables join pg_index on indrelid = objid
    union all select 'pg_constraint'::regclass, c.oid, extension, joined, false from tables join pg_constraint c on conrelid = objid
    union all select 'pg_trigger'::regclass, t.oid, extension, joined, false from tables join pg_trigger t on tgrelid = objid
    union all select 'pg_rewrite'::regclass, r.oid, extension, joined, false from tables join pg_rewrite r on ev_class = objid`;

/** The catalogues that members are in. */
const classesOfMembers = `array(select distinct relname::text from pg_depend d join pg_extension e on e.oid = refobjid join pg_class c on c.oid = classid
  where refclassid = 'pg_extension'::regclass and deptype = 'e' and (extname <> 'plpgsql' or objid >= 16384))`;

/** The catalogues of what lies on tables. */
const onTables = ['pg_constraint', 'pg_trigger', 'pg_rewrite'];

function membersQuery(serverMajor: number, classes: readonly string[]): string {
  const described = [...classes, ...(classes.includes('pg_class') ? onTables : [])];
  const facts = memberDefinitions(serverMajor)
    // one at least, so that there is a query
    .filter(({ from }) => from === 'pg_namespace' || described.includes(from))
    .map(factsOf)
    .join(' union all ');
  return `select * from (with d as materialized (${membership}), f as materialized (${facts})
    select e.extname as extension, concat(i.type, ' ', i.identity) as name, f.facts as definition, f.properties, ${touched} as touched,
      (select string_agg(concat(objsubid, ' ', description), e'\\n' order by objsubid) from pg_description where classoid = d.classid and objoid = d.objid) as comment,
      (select rolname from pg_shdepend s join pg_roles r on r.oid = refobjid where s.classid = d.classid and s.objid = d.objid and s.objsubid = 0 and s.deptype = 'o'
        and s.dbid = (select oid from pg_database where datname = current_database()) and r.oid <> e.extowner and not rolsuper) as owner
    from pg_extension e join d on d.extension = e.oid
      left join f on f.class = d.classid and f.oid = d.objid, lateral pg_identify_object(d.classid, d.objid, 0) i
    where i.identity is not null and (f.oid is not null or d.own and d.classid <> 'pg_type'::regclass) and (extname <> 'plpgsql' or d.objid >= 16384)
      and d.classid = any ('{${described.join(',')}}'::regclass[])
    order by 1, i.type collate "C", i.identity collate "C") m`;
}

/** Members are described like all objects, except functions: what ALTER FUNCTION sets is kept apart. */
function memberDefinitions(serverMajor: number): Definition[] {
  const body = list(
    '(select lanname from pg_language l where l.oid = prolang)',
    'pg_get_function_arguments(o.oid)',
    'pg_get_function_result(o.oid)',
    'prosrc',
    `regexp_replace(probin, '^\\$libdir/', '')`, // servers from 18 may write either
    'nullif(prosupport, 0)::regproc',
    serverMajor >= 14 ? 'pg_get_function_sqlbody(o.oid)' : 'null',
  );
  return [
    ...definitions(serverMajor).filter(({ from, where = '' }) => from !== 'pg_proc' || where === `prokind = 'a'`),
    { from: 'pg_proc', where: `prokind <> 'a'`, facts: body },
  ];
}

const properties = `case when prokind <> 'a' then jsonb_build_object('volatility', provolatile, 'strict', proisstrict, 'definer', prosecdef,
    'leakproof', proleakproof, 'parallel', proparallel, 'cost', procost, 'rows', prorows, 'config', proconfig) end`;

/** Columns that grants change. */
const rights: Record<string, string> = {
  pg_proc: 'proacl',
  pg_type: 'typacl',
  pg_language: 'lanacl',
  pg_foreign_data_wrapper: 'fdwacl',
};

function factsOf({ from, where = 'true', facts, statements = 'null' }: Definition): string {
  const initial =
    `(select initprivs from pg_init_privs p where p.objoid = o.oid and p.classoid = '${from}'::regclass and ` +
    'p.objsubid = 0)';
  const acl = rights[from];
  const tells = from === 'pg_class' ? 'false' : acl === undefined ? 'true' : `${acl} is not distinct from ${initial}`;
  return `select '${from}'::regclass as class, o.oid, o.xmin as written, ${tells} as own, concat((${facts})::text, ' ', (${statements})::text) as facts,
      ${from === 'pg_proc' ? properties : 'null::jsonb'} as properties
    from pg_catalog.${from} o where (${where}) and exists (select from d where d.classid = '${from}'::regclass and d.objid = o.oid)`;
}
