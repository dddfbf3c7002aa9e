import { fewNames } from '../../../domain/lines.ts';
import type { Catalog, RestoreFinding } from '../../../ports.ts';
import { definitionText, isFirstFormat } from '../catalog/catalog.ts';
import { arrangements } from '../database/statements.ts';
import { quoteIdentifier } from '../identifier.ts';
import type { PostgresSession } from '../session.ts';
import type { ArchiveRoles } from './archive-roles.ts';

type KnownRole = { name: string; ours: boolean };
const withoutOwners = 'or leave out who owns what, and who may do what: --no-owner';

/** Roles that the backup names and that this server lacks, and those for which `user` may not act. */
export async function roleFindings(
  session: PostgresSession & { serverMajor: number },
  { catalog, roles, user }: { catalog: Catalog; roles: ArchiveRoles; user: string },
): Promise<RestoreFinding[]> {
  const right = session.serverMajor >= 16 ? 'set' : 'member';
  const known = await session.rows<KnownRole>(
    `select rolname::text as name, pg_has_role(oid, '${right}') as ours from pg_roles`,
  );
  const owned = ownedBy(catalog, known);
  const owners = [...owned.keys()];
  const ofDatabase = arrangements('', catalog).flatMap((one) => one.role ?? []);
  const there = new Set(known.map(({ name }) => name));
  const missing = [...new Set([...roles.named, ...ofDatabase, ...missingOwners(catalog, known, roles.listed)])];
  const nameless = namelessOwned(catalog, known, roles.listed);
  const absent = missing.filter((name) => !there.has(name) && !name.startsWith('pg_')).sort();
  const databaseOwner = catalog['database access']?.['owner'];
  const others = known.filter(({ name, ours }) => !ours && (owners.includes(name) || name === databaseOwner));
  const granted = unreadableGrants(catalog, known, roles.listed);
  return [
    ...absentFindings(absent),
    ...namelessFindings(nameless),
    ...grantedFindings(granted),
    ...othersFindings(others, owned, user),
  ];
}

function absentFindings(absent: readonly string[]): RestoreFinding[] {
  if (absent.length === 0) return [];
  return [
    {
      weight: 'fails',
      what:
        `${absentNames(absent)} not exist on this server, and the backup names ` +
        `${absent.length === 1 ? 'it' : 'them'}`,
      remedy: `${absent.map((name) => `CREATE ROLE ${quoteIdentifier(name)};`).join(' ')} ${withoutOwners}`,
    },
  ];
}

function absentNames(absent: readonly string[]): string {
  const names = fewNames(absent.map((name) => `"${name}"`));
  return absent.length === 1 ? `role ${names} does` : `roles ${names} do`;
}

function othersFindings(others: readonly KnownRole[], owned: Map<string, string[]>, user: string): RestoreFinding[] {
  return others.map(({ name }) => {
    const objects = owned.get(name) ?? ['the database'];
    return {
      weight: 'fails',
      code: 'privilege-missing',
      what: `${user} may not act for ${name}, which owns ${fewNames(objects)}`,
      remedy: `GRANT ${quoteIdentifier(name)} TO ${quoteIdentifier(user)}; ${withoutOwners}`,
    };
  });
}

/** A catalog has digests of owners; the system's roles always exist. */
function ownerDigests(catalog: Catalog): [object: string, digest: string][] {
  if (isFirstFormat(catalog)) return [];
  return Object.entries(catalog['owner'] ?? {}).filter(([object]) => object !== 'schema public');
}

function ownedBy(catalog: Catalog, known: readonly KnownRole[]): Map<string, string[]> {
  const names = new Map(known.map(({ name }) => [definitionText(name, []), name]));
  const found = ownerDigests(catalog).filter(([, digest]) => names.has(digest));
  const grouped = Map.groupBy(found, ([, digest]) => names.get(digest)!);
  return new Map(
    [...grouped]
      .filter(([name]) => !name.startsWith('pg_'))
      .map(([name, objects]) => [name, objects.map(([object]) => object)]),
  );
}

/** Digests of owners that this server lacks, with what they own. */
function unknownOwners(catalog: Catalog, known: readonly KnownRole[]): Map<string, string[]> {
  const there = new Set(known.map(({ name }) => definitionText(name, [])));
  const unknown = ownerDigests(catalog).filter(([, digest]) => !there.has(digest));
  const grouped = Map.groupBy(unknown, ([, digest]) => digest);
  return new Map([...grouped].map(([digest, owned]) => [digest, owned.map(([object]) => object)]));
}

/** Names in the archive whose digest is that of an owner that this server lacks. */
function missingOwners(catalog: Catalog, known: readonly KnownRole[], listed: readonly string[]): string[] {
  const unknown = unknownOwners(catalog, known);
  if (unknown.size === 0) return [];
  return [...new Set(listed)].filter((name) => unknown.has(definitionText(name, [])));
}

/** Objects of a missing role that the archive does not name: large objects, which are among the rows. */
function namelessOwned(catalog: Catalog, known: readonly KnownRole[], listed: readonly string[]): string[] {
  const named = new Set(listed.map((name) => definitionText(name, [])));
  return [...unknownOwners(catalog, known)].flatMap(([digest, objects]) => (named.has(digest) ? [] : objects));
}

function namelessFindings(objects: readonly string[]): RestoreFinding[] {
  if (objects.length === 0) return [];
  return [
    {
      weight: 'fails',
      what: `a role that owns ${fewNames(objects)} does not exist on this server; its name stands among the rows alone`,
      remedy: `make the roles of the source first (docs/whole-servers.md), ${withoutOwners}`,
    },
  ];
}

/**
 * Large objects on which a role may have rights that this server lacks: the catalog has only a digest of the grants,
 * and the archive no names. Known are those on which only the owner has rights, and at most one other role that exists
 * here, or PUBLIC.
 */
function unreadableGrants(catalog: Catalog, known: readonly KnownRole[], listed: readonly string[]): string[] {
  const isLarge = (name: string) => name.startsWith('large object ');
  const grants = Object.entries(catalog['grant'] ?? {}).filter(([object]) => isLarge(object));
  // archives of older clients name the roles with rights on large objects
  if (grants.length === 0 || listed.some((word) => word.startsWith('OBJECT '))) return [];
  const roles = known.map(({ name }) => name);
  const owners = new Map(roles.map((name) => [definitionText(name, []), name]));
  const readable = new Map<string, Set<string>>();
  return grants.flatMap(([object, digest]) => {
    const owner = owners.get(catalog['owner']?.[object] ?? '');
    // one with a missing owner is reported elsewhere
    if (owner === undefined) return [];
    if (!readable.has(owner)) readable.set(owner, new Set(grantsOf(owner, roles)));
    return readable.get(owner)!.has(digest) ? [] : [object];
  });
}

const moreRights = ['SELECT f', 'SELECT t', 'UPDATE f', 'UPDATE t'];

function grantsOf(owner: string, roles: readonly string[]): string[] {
  const own = ['SELECT f', 'UPDATE f'].map((right) => `${owner} ${right}`);
  const sets = [
    ...moreRights.map((one) => [one]),
    ...['f', 't'].flatMap((read) => ['f', 't'].map((write) => [`SELECT ${read}`, `UPDATE ${write}`])),
  ];
  const more = ['public', ...roles].flatMap((role) => sets.map((rights) => rights.map((right) => `${role} ${right}`)));
  // the source's sort order decides which comes first
  const texts = [
    own,
    ...more.flatMap((one) => [
      [...own, ...one],
      [...one, ...own],
    ]),
  ].map(arrayText);
  return texts.map((text) => definitionText(text, []));
}

/** In PostgreSQL's form for an array of texts with blanks. */
function arrayText(items: readonly string[]): string {
  return `{${items.map((item) => `"${item.replaceAll(/["\\]/g, (char) => `\\${char}`)}"`).join(',')}}`;
}

function grantedFindings(objects: readonly string[]): RestoreFinding[] {
  if (objects.length === 0) return [];
  return [
    {
      weight: 'may-fail',
      what:
        `who has rights on ${fewNames(objects)} stands among the rows alone: a role that is not on this server makes ` +
        'the restore fail',
      remedy: `make the roles of the source first (docs/whole-servers.md), ${withoutOwners}`,
    },
  ];
}
