import { BackupError } from '../../../domain/errors.ts';
import type { Catalog } from '../../../ports.ts';
import { plainNames, quoteIdentifier, quoteLiteral } from '../identifier.ts';

/** A statement about a database as a whole, and what of the catalog it restores. `role`: the role that it names. */
export type DatabaseStatement = { kind: string; name: string; role?: string; sql: string };

/** The options of CREATE DATABASE for a database like the one that was backed up. */
export function creationOptions(catalog: Catalog, serverMajor: number, tablespaces: boolean): string {
  const { encoding, collate, ctype, provider, locale, 'icu rules': rules } = catalog['database'] ?? {};
  const tablespace = tablespaceOf(catalog);
  const options: [string, string | undefined][] = [
    ['encoding', encoding],
    ['lc_collate', collate],
    ['lc_ctype', ctype],
  ];
  if (serverMajor >= 15 && provider === 'i') options.push(['locale_provider', 'icu'], ['icu_locale', locale]);
  if (serverMajor >= 16 && provider === 'i') options.push(['icu_rules', rules]);
  if (serverMajor >= 17 && provider === 'b') options.push(['locale_provider', 'builtin'], ['builtin_locale', locale]);
  const given = options.flatMap(([option, value]) => (value === undefined ? [] : [`${option} ${quoteLiteral(value)}`]));
  return [
    'template template0',
    ...given,
    ...(tablespace === undefined || !tablespaces ? [] : [`tablespace ${quoteIdentifier(tablespace)}`]),
  ].join(' ');
}

/** The database's tablespace, unless it was the default. */
export function tablespaceOf(catalog: Catalog): string | undefined {
  return catalog['database option']?.['tablespace'];
}

/**
 * The database's own settings and those of roles in it, its owner and grants; `database` is its name in SQL. Nothing in
 * a catalog is taken for SQL. Throws `part-corrupt`.
 */
export function arrangements(database: string, catalog: Catalog): DatabaseStatement[] {
  return [
    ...settings(database, catalog['database setting'] ?? {}),
    ...access(database, catalog['database access'] ?? {}),
  ];
}

/** The comment of the database that was backed up. */
export function commentOf(catalog: Catalog): string | undefined {
  return catalog['database comment']?.['comment'];
}

/**
 * Options to set when none of our sessions has to connect or drop the database any more: its connection limit, and
 * whether it is a template. Throws `part-corrupt`.
 */
export function closingOptions(database: string, catalog: Catalog): Omit<DatabaseStatement, 'role'>[] {
  const { 'connection limit': limit, template } = catalog['database option'] ?? {};
  if (limit !== undefined && !/^\d{1,9}$/.test(limit)) throw strange(`the connection limit ${limit}`);
  const options = [
    { name: 'connection limit', words: limit && `connection limit ${limit}` },
    { name: 'template', words: template && 'is_template true' },
  ];
  return options
    .filter(({ words }) => words !== undefined)
    .map(({ name, words }) => ({ kind: 'database option', name, sql: `alter database ${database} ${words}` }));
}

function settings(database: string, found: Record<string, string>): DatabaseStatement[] {
  return Object.entries(found).map(([name, value]) => {
    const [, parameter = '', role] = /^(\S+)(?: of (.+))?$/s.exec(name) ?? [];
    const whose = role === undefined ? `database ${database}` : `role ${quoteIdentifier(role)} in database ${database}`;
    return {
      kind: 'database setting',
      name,
      ...(role !== undefined && { role }),
      sql: `alter ${whose} set ${quoteIdentifier(parameter)} to ${settingValue(parameter, value)}`,
    };
  });
}

/** Repeats what the server itself says about a database's owner and grants. */
function access(database: string, { owner, ...grants }: Record<string, string>): DatabaseStatement[] {
  const kind = 'database access';
  return [
    ...(owner === undefined
      ? []
      : [{ kind, name: 'owner', role: owner, sql: `alter database ${database} owner to ${quoteIdentifier(owner)}` }]),
    ...(Object.keys(grants).length === 0
      ? []
      : [{ kind, name: 'grants', sql: `revoke all on database ${database} from public` }]),
    ...giversFirst(Object.entries(grants).map(([name, rights]) => databaseRight(name, rights))).map((one) => ({
      kind,
      name: one.name,
      ...(one.grantee !== undefined && { role: one.grantee }),
      sql: granting(database, one),
    })),
  ];
}

/** A right on a database, as in a catalog. `by`: who granted it, if not the owner. */
type DatabaseRight = { name: string; grantee?: string; right: string; mayGrant: boolean; by?: string };

/**
 * `role app CONNECT` with `CONNECT*`: to app, with grant option; both end with ` by "writers"` if writers granted it.
 * Accepts only PostgreSQL's own rights on databases.
 */
function databaseRight(name: string, rights: string): DatabaseRight {
  const [, right, option, giver = ''] = /^(CONNECT|CREATE|TEMPORARY)(\*?)( by ".*")?$/s.exec(rights) ?? [];
  const isEnded = right !== undefined && name.endsWith(` ${right}${giver}`);
  const [, isPublic, grantee] =
    (isEnded && /^(?:(public)|role (.+))$/s.exec(name.slice(0, -` ${right}${giver}`.length))) || [];
  if (right === undefined || (isPublic ?? grantee) === undefined) throw strange(`the grant ${name} ${rights}`);
  return {
    name,
    right,
    mayGrant: option !== '',
    ...(grantee !== undefined && { grantee }),
    ...(giver !== '' && { by: nameIn(giver.slice(' by '.length)) }),
  };
}

function nameIn(json: string): string {
  try {
    return String(JSON.parse(json));
  } catch {
    throw strange(`the grantor ${json}`);
  }
}

/** Whoever passes a right on has to have it first. */
function giversFirst(rights: readonly DatabaseRight[]): DatabaseRight[] {
  const ordered: DatabaseRight[] = [];
  for (let left = [...rights]; left.length > 0; ) {
    const mayGive = ({ by, right }: DatabaseRight) =>
      by === undefined || ordered.some((one) => one.grantee === by && one.right === right && one.mayGrant);
    const next = left.filter(mayGive);
    // no server wrote this catalog: the server is to refuse it
    ordered.push(...(next.length > 0 ? next : left));
    left = next.length > 0 ? left.filter((one) => !next.includes(one)) : [];
  }
  return ordered;
}

function granting(database: string, { grantee, right, mayGrant, by }: DatabaseRight): string {
  const to = grantee === undefined ? 'public' : quoteIdentifier(grantee);
  const grant = `grant ${right} on database ${database} to ${to}${mayGrant ? ' with grant option' : ''}`;
  return by === undefined ? grant : `set role ${quoteIdentifier(by)}; ${grant}; reset role`;
}

/**
 * Parameters that hold a list of names: the list is written out, because as one string it would be one name (guc.h,
 * GUC_LIST_QUOTE).
 */
const listParameters = [
  'search_path',
  'temp_tablespaces',
  'local_preload_libraries',
  'session_preload_libraries',
  'shared_preload_libraries',
  'unix_socket_directories',
];

/** The value of a parameter in the form of ALTER … SET. */
export function settingValue(parameter: string, value: string): string {
  if (!listParameters.includes(parameter.toLowerCase())) return quoteLiteral(value);
  return plainNames(value).map(quoteLiteral).join(', ') || `''`;
}

function strange(what: string): BackupError {
  return new BackupError(
    'part-corrupt',
    `the catalog of this backup holds ${what.replace(/[^\w .,*"-]/g, '?').slice(0, 120)}, which PostgreSQL does ` +
      'not know',
    {
      hint: 'who has written to the vault? Restore another backup, and keep this one to look into it',
    },
  );
}
