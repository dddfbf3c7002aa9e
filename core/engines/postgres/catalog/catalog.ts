import { createHash } from 'node:crypto';
import { ofKind } from '../../../contract/manifest/catalog.ts';
import { plural } from '../../../domain/units.ts';
import type { Catalog } from '../../../ports.ts';
import {
  commentsQuery,
  extensionCommentKind,
  extensionCommentsQuery,
  databaseOptionsQuery,
  databaseQuery,
  dependentsQuery,
  extensionVersionsQuery,
  securityLabelsQuery,
  subscriptionsQuery,
  tablespacesQuery,
  userMappingsQuery,
} from './attached.ts';
import { extensionBelow, inUse, own } from './definition.ts';
import { definitions } from './definitions.ts';
import { firstFormatQueries } from './first-format.ts';
import { leftOutKind, leftOutQueries, sourceQueries } from './left-out.ts';
import { membersIn, membersKind, readMembers } from './members.ts';
import { isMark } from '../unfinished/mark.ts';
import { defaultPrivilegesQuery, ownersQuery } from './owners.ts';
import type { PostgresSession } from '../session.ts';

type CatalogRow = { kind: string; name: string; text: string | null; statements?: (string | null)[] | null };

/** The kind that says how a catalog's values are to be read; catalogs of format 1 have none. */
const formatKind = 'database catalog';

/** Kinds with plain values instead of digests, in addition to those that begin with `database`. */
const plainKinds = ['tablespace', 'extension version', leftOutKind];

/**
 * Every object that a user made, by kind and identity, with its definition, owner and grants; also comments and
 * settings. Two databases of one server version are alike if their catalogs are. Source of identities:
 * `pg_identify_object` (PostgreSQL manual, 9.27). `like`: read in the format of this one.
 */
export async function readCatalog(session: PostgresSession, like?: Catalog): Promise<Catalog> {
  const isFirst = like !== undefined && isFirstFormat(like);
  const catalog: Catalog = isFirst ? {} : { [formatKind]: { format: '2' } };
  for (const query of isFirst ? [...firstFormatQueries(), databaseQuery] : await queries(session, like)) {
    for (const { kind, name, text, statements } of await session.rows<CatalogRow>(query)) {
      if (isMark(name)) continue;
      ofKind(catalog, kind)[isFirst ? name : ofAnyMajor(name)] = isPlain(kind)
        ? (text ?? '')
        : definitionText(text ?? '', statements ?? []);
    }
  }
  if (!isFirst && (like === undefined || like[membersKind] !== undefined)) await addMembers(session, catalog);
  return like === undefined || isFirst ? catalog : asIn(like, catalog);
}

async function addMembers(session: PostgresSession, catalog: Catalog): Promise<void> {
  for (const [extension, members] of Object.entries(await readMembers(session))) {
    ofKind(catalog, membersKind)[extension] = JSON.stringify(members);
  }
}

/**
 * Comments of extensions are compared only if the backup has one: otherwise the extension's own is not part of the
 * restore.
 */
function asIn(like: Catalog, catalog: Catalog): Catalog {
  const { [extensionCommentKind]: comments = {}, ...rest } = catalog;
  const expected = like[extensionCommentKind];
  const compared = Object.entries(comments).filter(([name]) => expected !== undefined && Object.hasOwn(expected, name));
  return compared.length === 0 ? rest : { ...rest, [extensionCommentKind]: Object.fromEntries(compared) };
}

/** Only one kind of object has another name on newer servers. */
function ofAnyMajor(name: string): string {
  return name.replace(/^((?:transform )?for .*) on language /s, '$1 language ');
}

/** A digest of the facts, which must be equal to the letter, followed by the statements, whose meaning counts. */
export function definitionText(facts: string, statements: (string | null)[]): string {
  const some = statements.filter((statement) => statement !== null);
  return some.length === 0 ? digest(facts) : `${digest(facts)} ${JSON.stringify(some)}`;
}

/** The two halves of a definition in a catalog. */
export function readDefinition(text: string): { facts: string; statements: string[] } {
  const [facts = '', rest] = [text.slice(0, 16), text.slice(17)];
  return { facts, statements: rest === '' ? [] : (JSON.parse(rest) as string[]) };
}

/** Whether a catalog holds only digests. */
export function isFirstFormat(catalog: Catalog): boolean {
  return catalog[formatKind] === undefined;
}

function isPlain(kind: string): boolean {
  return kind.startsWith('database') || plainKinds.includes(kind);
}

/** Kinds that say who may do what: left out of a comparison when a restore was made without owners. */
export const ownerKinds = ['owner', 'grant', 'default privileges', 'database access'];

/** What is attached to objects and is no object itself. */
const attachedKinds = [
  ...ownerKinds,
  'comment',
  extensionCommentKind,
  'security label',
  'tablespace',
  'depends on extension',
  'extension version',
  membersKind,
  leftOutKind,
];

/**
 * Whether a database holds only what every new one does, and what extensions brought, as many hosts put into new ones. A
 * schema that only holds members of extensions belongs to them.
 */
export function isEmpty(catalog: Catalog): boolean {
  return userObjects(catalog).every(({ kind, name }) => kind === 'extension' || isOfExtensions(catalog, kind, name));
}

function isOfExtensions(catalog: Catalog, kind: string, schema: string): boolean {
  const extensions = Object.keys(catalog[membersKind] ?? {});
  const isWithin = (member: string) => member.includes(` ${schema}.`);
  return kind === 'schema' && extensions.some((name) => Object.keys(membersIn(catalog, name)).some(isWithin));
}

/** What somebody has made, by kind and identity. */
export type UserObject = { kind: string; name: string };

/** What a database holds, for a person: `12 tables, 3 views`. */
export function holdings(catalog: Catalog): string {
  const counts = Map.groupBy(userObjects(catalog), ({ kind }) => kind);
  return [...counts].map(([kind, found]) => plural(found.length, kind)).join(', ');
}

export function userObjects(catalog: Catalog): UserObject[] {
  const objects = Object.entries(catalog)
    .filter(([kind]) => !attachedKinds.includes(kind) && !kind.startsWith('database'))
    .flatMap(([kind, names]) => Object.keys(names).map((name) => ({ kind, name })))
    .filter(({ kind, name }) => !['schema public', 'extension plpgsql'].includes(`${kind} ${name}`));
  return [...objects, ...largeObjects(catalog)];
}

/** A catalog names them where it says whose they are. */
function largeObjects(catalog: Catalog): UserObject[] {
  const kind = 'large object';
  return Object.keys(catalog['owner'] ?? {}).flatMap((name) =>
    name.startsWith(`${kind} `) ? [{ kind, name: name.slice(kind.length + 1) }] : [],
  );
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** What a database has, as far as questions about it are spared where it has none. */
type Having = { used: string[]; hasExtensions: boolean; hasChildren: boolean };

async function queries(session: PostgresSession, like?: Catalog): Promise<string[]> {
  const [server] = await session.rows<{ major: number; isSuperuser: boolean } & Having>(
    `select current_setting('server_version_num')::int / 10000 as major, (select rolsuper from pg_roles where ` +
      `rolname = current_user) as "isSuperuser", ${inUse(definitions(0).map(({ from }) => from))} as used, ` +
      `exists (select from pg_extension where extname <> 'plpgsql') as "hasExtensions", ` +
      `exists (select from pg_inherits) as "hasChildren"`,
  );
  const { major, isSuperuser, used, hasExtensions, hasChildren } = server!;
  const hasServers = used.includes('pg_foreign_server');
  return [
    objectsQuery(major, used),
    ownersQuery(used),
    defaultPrivilegesQuery,
    commentsQuery,
    ...(hasExtensions ? [extensionCommentsQuery] : []),
    securityLabelsQuery,
    tablespacesQuery,
    dependentsQuery,
    extensionVersionsQuery,
    ...(like === undefined ? sourceQueries(hasExtensions) : []),
    ...(hasServers ? [userMappingsQuery] : []),
    ...(isSuperuser ? [subscriptionsQuery] : []),
    ...leftOutQueries({ isSuperuser, hasServers, hasChildren }),
    databaseQuery,
    databaseOptionsQuery,
  ];
}

/** pg_dump leaves out objects in the system's own schemas. */
function objectsQuery(serverMajor: number, used: readonly string[]): string {
  const some = definitions(serverMajor).filter(({ from }) => used.includes(from));
  const objects = some.map(
    ({ from, where = 'true', facts, statements = 'null' }) =>
      `select '${from}'::regclass as class, o.oid, (${facts})::text as text, (${statements})::jsonb as ` +
      `statements from pg_catalog.${from} o where ${own(from)} and ${where}`,
  );
  const isSystems = `coalesce(i.schema in ('pg_catalog', 'information_schema'), false)`;
  const why = `case when ${isSystems} then 'it lies in a schema of the system, which pg_dump leaves out' end`;
  return `select case when l.why is not null then '${leftOutKind}' else i.type end as kind, case when l.why is not null then concat(i.type, ' ', i.identity) else i.identity end as name,
      coalesce(l.why, a.text, '') as text, case when l.why is null then a.statements end as statements
    from (${objects.join(' union all ')}) a, lateral pg_identify_object(a.class, a.oid, 0) i, lateral (select ${why} as why) l
    where i.identity is not null and coalesce(i.schema, '') !~ '^pg_(temp|toast)' and ${extensionBelow('a.class', 'a.oid')} is null`;
}
