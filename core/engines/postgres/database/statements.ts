import { BackupError } from '../../../domain/errors.ts';
import type { Catalog } from '../../../ports.ts';
import { plainNames, quoteIdentifier, quoteLiteral } from '../identifier.ts';

/** A statement about a database as a whole, and what of the catalog it brings back. `role`: whom it names. */
export type DatabaseStatement = { kind: string; name: string; role?: string; sql: string };

/** How a database is made as the one that was backed up: options behind its name. */
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

/** Where the database was, unless that was the default. */
export function tablespaceOf(catalog: Catalog): string | undefined {
  return catalog['database option']?.['tablespace'];
}

/**
 * Its own settings and those of roles in it, owner and grants, of the database that `database` names in SQL. Nothing in
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

/** To be set when nobody of ours has to connect any more. Throws `part-corrupt`. */
export function connectionLimit(database: string, catalog: Catalog): string[] {
  const limit = catalog['database option']?.['connection limit'];
  if (limit === undefined) return [];
  if (!/^\d{1,9}$/.test(limit)) throw strange(`the connection limit ${limit}`);
  return [`alter database ${database} connection limit ${limit}`];
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

/** What the server itself says of a database's owner and grants, said back to it. */
function access(database: string, { owner, ...grants }: Record<string, string>): DatabaseStatement[] {
  const kind = 'database access';
  return [
    ...(owner === undefined
      ? []
      : [{ kind, name: 'owner', role: owner, sql: `alter database ${database} owner to ${quoteIdentifier(owner)}` }]),
    ...(Object.keys(grants).length === 0
      ? []
      : [{ kind, name: 'grants', sql: `revoke all on database ${database} from public` }]),
    ...Object.entries(grants).map(([name, right]) => ({ kind, name, ...grant(database, name, right) })),
  ];
}

/**
 * `role app CONNECT` with `CONNECT*`: to app, with grant option. The rights are PostgreSQL's own for databases, and no
 * others.
 */
function grant(database: string, name: string, rights: string): { role?: string; sql: string } {
  const [, right, option] = /^(CONNECT|CREATE|TEMPORARY)(\*?)$/.exec(rights) ?? [];
  const [, grantee] = /^(?:role (.+)|public) [A-Z]+$/s.exec(name) ?? [];
  if (right === undefined || !name.endsWith(` ${right}`) || (grantee === undefined && name !== `public ${right}`))
    throw strange(`the grant ${name} ${rights}`);
  const to = grantee === undefined ? 'public' : quoteIdentifier(grantee);
  return {
    ...(grantee !== undefined && { role: grantee }),
    sql: `grant ${right} on database ${database} to ${to}${option === '' ? '' : ' with grant option'}`,
  };
}

/**
 * Parameters that hold a list of names: the list is written out, for as one string it would be one name (guc.h,
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

/** The value of a parameter, as ALTER … SET takes it. */
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
