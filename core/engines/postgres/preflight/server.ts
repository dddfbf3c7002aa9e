import { fewNames } from '../../../domain/lines.ts';
import type { Catalog, RestoreFinding, TargetOptions } from '../../../ports.ts';
import { isFirstFormat } from '../catalog/catalog.ts';
import { tablespaceOf } from '../database/statements.ts';
import { plainNames, quoteIdentifier } from '../identifier.ts';
import { sqlState } from '../session.ts';
import type { PostgresSession } from '../session.ts';

type ServerSession = PostgresSession & { serverMajor: number };

/**
 * What the backup needs of the server, apart from its definitions; also what may fail of its definitions, unless they
 * were `tried`. `there`: what the empty database that is to be filled already has.
 */
export async function serverFindings(
  session: ServerSession,
  { manifest, catalog, tablespaces = true }: TargetOptions,
  tried: boolean,
  there: Catalog = {},
): Promise<RestoreFinding[]> {
  const [row] = await session.rows<{ standby: boolean; superuser: boolean }>(
    `select pg_is_in_recovery() as standby, (select rolsuper from pg_roles where rolname = current_user) as superuser`,
  );
  const { standby, superuser } = row!;
  return [
    ...(standby ? [standbyFinding] : []),
    ...(tried ? [] : older(session, manifest.server.version)),
    ...(await extensionFindings(session, catalog, there, superuser || tried)),
    ...(tablespaces ? await tablespaceFindings(session, catalog) : []),
    ...(await localeFindings(session, catalog)),
    ...(superuser || tried ? [] : superuserFindings(catalog)),
    ...subscriptionFindings(catalog),
  ];
}

const standbyFinding: RestoreFinding = {
  weight: 'fails',
  what: 'this server is a standby, which nobody may write to',
  remedy: 'restore on its primary',
};

function older({ serverMajor }: ServerSession, from: string): RestoreFinding[] {
  const major = Number.parseInt(from, 10);
  if (serverMajor >= major) return [];
  return [
    {
      weight: 'may-fail',
      what: `the backup is of PostgreSQL ${from}, and this server is ${serverMajor}: it may not know all that is in it`,
      remedy: `restore on ${major} or newer`,
    },
  ];
}

type AvailableExtension = { name: string; version: string; versions: string[]; superuser: boolean };

async function extensionFindings(
  session: ServerSession,
  catalog: Catalog,
  there: Catalog,
  superuser: boolean,
): Promise<RestoreFinding[]> {
  const wanted = Object.keys(catalog['extension'] ?? {}).map((name) => plainNames(name)[0] ?? name);
  if (wanted.length === 0) return [];
  const rows = await session.rows<AvailableExtension>(
    `select e.name::text, e.default_version as version, array_agg(v.version) as versions, bool_or(v.superuser and not v.trusted) as superuser
      from pg_available_extensions e join pg_available_extension_versions v on v.name = e.name and v.version = e.default_version
      where e.name = any($1::text[]) group by 1, 2`,
    [wanted],
  );
  const available = new Map(rows.map((row) => [row.name, row]));
  return wanted.flatMap((name): RestoreFinding[] => {
    const found = available.get(name);
    const was = catalog['extension version']?.[name];
    const installed = there['extension version']?.[name];
    if (installed !== undefined) return installedFindings(name, was, installed, isElsewhere(name, catalog, there));
    if (found === undefined)
      return [
        {
          weight: 'fails',
          what: `this server does not have the extension ${name}${was === undefined ? '' : ` (${was} in the backup)`}`,
          remedy:
            `install the package of ${name} on the server (SELECT * FROM pg_available_extensions shows what is ` +
            'there), or restore what needs it not: --keep-going',
        },
      ];
    return [
      ...(was === undefined || was === found.version
        ? []
        : [
            {
              weight: 'note' as const,
              what: `the extension ${name} was ${was}, and will be ${found.version}: pg_dump carries no version`,
            },
          ]),
      ...(superuser || !found.superuser
        ? []
        : [
            {
              weight: 'may-fail' as const,
              what: `only a superuser may make the extension ${name}`,
              remedy: 'restore as one (on a managed server its master user), or without it: --keep-going',
            },
          ]),
    ];
  });
}

/** Of an extension that the empty database has already, and that stays as it is. */
function installedFindings(
  name: string,
  was: string | undefined,
  installed: string,
  elsewhere: boolean,
): RestoreFinding[] {
  return [
    ...(was === undefined || was === installed
      ? []
      : [
          {
            weight: 'note' as const,
            what: `the extension ${name} was ${was}, and is ${installed} in this database already: it stays as it is`,
          },
        ]),
    ...(elsewhere
      ? [
          {
            weight: 'may-fail' as const,
            what: `the extension ${name} is in this database already, in another schema than in the backup`,
            remedy: `DROP EXTENSION ${quoteIdentifier(name)}; in it, or ALTER EXTENSION ${quoteIdentifier(name)} SET SCHEMA …;`,
          },
        ]
      : []),
  ];
}

/** The definition of an extension is its schema; catalogs of the first format hold another digest. */
function isElsewhere(name: string, catalog: Catalog, there: Catalog): boolean {
  const quoted = Object.keys(there['extension'] ?? {}).find((one) => (plainNames(one)[0] ?? one) === name);
  return (
    quoted !== undefined && !isFirstFormat(catalog) && catalog['extension']?.[quoted] !== there['extension']?.[quoted]
  );
}

async function tablespaceFindings(session: ServerSession, catalog: Catalog): Promise<RestoreFinding[]> {
  const wanted = [...new Set([tablespaceOf(catalog) ?? [], Object.values(catalog['tablespace'] ?? {})].flat())].sort();
  if (wanted.length === 0) return [];
  const rows = await session.rows<{ name: string; ours: boolean }>(
    `select spcname::text as name, has_tablespace_privilege(oid, 'create') as ours from pg_tablespace where ` +
      'spcname = any($1::text[])',
    [wanted],
  );
  const there = new Map(rows.map(({ name, ours }) => [name, ours]));
  const [missing, denied] = [
    wanted.filter((name) => !there.has(name)),
    wanted.filter((name) => there.get(name) === false),
  ];
  const instead = 'or put everything into the default one: --no-tablespaces';
  return [
    ...missing.map(
      (name): RestoreFinding => ({
        weight: 'fails',
        what: `this server has no tablespace ${name}`,
        remedy: `CREATE TABLESPACE ${quoteIdentifier(name)} LOCATION '…'; ${instead}`,
      }),
    ),
    ...denied.map(
      (name): RestoreFinding => ({
        weight: 'fails',
        code: 'privilege-missing',
        what: `the role may not put anything into the tablespace ${name}`,
        remedy: `GRANT CREATE ON TABLESPACE ${quoteIdentifier(name)} TO the role; ${instead}`,
      }),
    ),
  ];
}

const invalidValue = '22023';

/** Whether the server's system has a locale: only tries to print money in it, and keeps nothing. */
async function localeFindings(session: ServerSession, catalog: Catalog): Promise<RestoreFinding[]> {
  const { collate, ctype, provider } = catalog['database'] ?? {};
  const found: RestoreFinding[] = [];
  for (const locale of new Set([collate, ctype].filter((one) => one !== undefined))) {
    const missing = await session.rows(`select set_config('lc_monetary', $1, true)`, [locale]).then(
      () => false,
      (error: unknown) => {
        if (sqlState(error) !== invalidValue) throw error;
        return true;
      },
    );
    if (missing)
      found.push({
        weight: 'fails',
        what: `this server's system does not have the locale ${locale}, in which the database sorts`,
        remedy: `make it there, and restart PostgreSQL: localedef -i ${locale.split('.')[0]} -f UTF-8 ${locale}`,
      });
  }
  const since = provider === 'b' ? 17 : provider === 'i' ? 15 : 0;
  if (session.serverMajor < since)
    found.push({
      weight: 'note',
      what:
        `the database sorted by ${provider === 'b' ? 'PostgreSQL itself' : 'ICU'}, which databases of this server ` +
        `can't: it will sort by the locale of the system`,
    });
  return found;
}

/** Kinds that only a superuser can make; managed servers let their master user make some of them. */
const ofSuperusers = ['event trigger', 'foreign-data wrapper', 'language', 'cast', 'subscription'];

function superuserFindings(catalog: Catalog): RestoreFinding[] {
  const found = ofSuperusers.flatMap((kind) => Object.keys(catalog[kind] ?? {}).map((name) => `${kind} ${name}`));
  if (found.length === 0) return [];
  return [
    {
      weight: 'may-fail',
      what: `the role is no superuser, and some kinds of objects may ask for one: ${fewNames(found)}`,
      remedy: 'restore as a superuser (on a managed server its master user), or without them: --keep-going',
    },
  ];
}

function subscriptionFindings(catalog: Catalog): RestoreFinding[] {
  const names = Object.keys(catalog['subscription'] ?? {});
  if (names.length === 0) return [];
  return [
    {
      weight: 'note',
      what:
        'subscriptions are made disabled, so that nothing flows by itself: ' +
        `${names.map((name) => `ALTER SUBSCRIPTION ${name} ENABLE;`).join(' ')}`,
    },
  ];
}
