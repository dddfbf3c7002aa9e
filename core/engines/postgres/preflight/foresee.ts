import type { ManifestPart } from '../../../contract/manifest/manifest.ts';
import { formatBytes } from '../../../domain/units.ts';
import type { ByteStream, Foreseen, KeptDatabase, RestoreFinding, Target, TargetOptions } from '../../../ports.ts';
import type { Login } from '../../login.ts';
import type { FoundDatabase } from '../database/database.ts';
import { keptDatabases } from '../database/kept.ts';
import { halfMade, sizesOf } from '../database/leftovers.ts';
import { maintain } from '../database/maintenance.ts';
import type { Maintenance } from '../database/maintenance.ts';
import { replacementFindings } from '../database/swap.ts';
import { cronFindings } from '../choose/without-cron.ts';
import { quoteIdentifier } from '../identifier.ts';
import { howLong, keptNotes, sized } from '../../kept-notes.ts';
import type { Loading } from '../restore/loading.ts';
import { withSession } from '../session.ts';
import { archiveRoles } from './archive-roles.ts';
import { rehearse } from './rehearsal.ts';
import { roleFindings } from './roles.ts';
import { serverFindings } from './server.ts';

/** What a restore knows after it has looked at its target. */
type PostgresLook = {
  options: TargetOptions;
  state: Target['state'];
  found: FoundDatabase;
  loading: Loading;
  replace: boolean;
  /** The name that the replaced database will have. */
  before: string | undefined;
  contents(part: ManifestPart, signal: AbortSignal): ByteStream;
  /** The same restore, into a database of another name, and going on after failures. */
  elsewhere(scratch: Login, signal: AbortSignal): Promise<Target>;
};

/**
 * Everything that can be told before anything is written: what would be done, and what would make it fail or surprise.
 */
export async function foresee(login: Login, looked: PostgresLook, signal: AbortSignal): Promise<Foreseen> {
  const { options, state, found, loading, replace, contents } = looked;
  const part = options.manifest.parts.find(({ role }) => role === 'schema');
  const roles =
    options.owners && part !== undefined ? await archiveRoles(contents(part, signal), loading, signal) : undefined;
  const intoEmpty = state === 'empty' ? await fillFindings(login, options, signal) : [];
  const { manifest, proof = false } = options;
  const trial = { manifest, proof, state, loading, contents, open: looked.elsewhere };
  const tried = options.tries === true ? await rehearse(login, trial, signal) : undefined;
  return maintain(login, signal, async (session) => {
    const place = [
      ...(state === 'occupied' && replace
        ? [
            ...(await replacementFindings(session, login, signal)),
            ...(await cronFindings(session, login, options.catalog)),
          ]
        : []),
      ...(state === 'absent' ? await makeFindings(session, login) : []),
      ...intoEmpty,
    ];
    const objects = [
      ...(roles === undefined
        ? []
        : await roleFindings(session, { catalog: options.catalog, roles, user: login.user })),
      ...(await serverFindings(session, options, tried?.held === true, state === 'empty' ? found.catalog : undefined)),
    ];
    const refused = (tried?.findings ?? []).filter((one) => !isTold(one, [...place, ...objects]));
    return {
      steps: await stepsOf(session, login, looked),
      findings: [...place, ...[...objects, ...refused].map(options.keepGoing === true ? lighter : (one) => one)],
    };
  });
}

/** Roles, extensions, tablespaces and locales are checked by name, with better messages. */
function isTold({ what }: RestoreFinding, known: readonly RestoreFinding[]): boolean {
  const isKnown = (pattern: RegExp) => known.some((one) => one.weight === 'fails' && pattern.test(one.what));
  const [, role] = /(?:ERROR: +role|SET ROLE|member of role) "(.*?)"(?: does not exist|$| )/.exec(what) ?? [];
  if (role !== undefined) return known.some((one) => one.what.includes(`"${role}"`) || one.what.includes(` ${role},`));
  const [, extension] = /extension "(.*?)" is not available|extension\/([^/"]+)\.control/.exec(what) ?? [];
  if (extension !== undefined) return isKnown(/does not have the extension/);
  if (/tablespace/.test(what)) return isKnown(/tablespace/);
  return /locale name/.test(what) && isKnown(/the locale/);
}

/** A restore that goes on after failures lists them, so they weigh less. */
function lighter(finding: RestoreFinding): RestoreFinding {
  return finding.weight === 'fails' ? { ...finding, weight: 'may-fail' } : finding;
}

async function stepsOf(
  session: Maintenance,
  login: Login,
  { options, state, found, replace, before }: PostgresLook,
): Promise<string[]> {
  const { database } = login;
  const swept = (await halfMade(session, login)).map(
    (name) => `drop database ${name}, which a restore that died has left`,
  );
  if (state === 'empty' && found.left !== undefined)
    return [`empty database ${database}, which holds a part of a restore that was interrupted`, `fill it again`];
  if (state === 'empty') return [`fill database ${database}, which is there and empty`];
  if (state === 'absent') return [...swept, `make database ${database}`];
  if (!replace || before === undefined) return [];
  const kept = await keptDatabases(session, login);
  const bytes = (await sizesOf(session, [database])).get(database);
  const size = bytes === undefined ? '' : ` (${formatBytes(bytes)})`;
  return [
    ...swept,
    `make a database beside it (nightjar_new_…), and prove it equal to the backup`,
    `rename database ${database} to ${before}, and the new one to ${database}, in one transaction`,
    ...(options.dropOld === true
      ? [before + size, ...kept.map(({ name }) => name)].map((name) => `drop database ${name}`)
      : [`keep database ${before}${size}: ${howLong(login.keepReplacedMs)}`, ...fatesOf(kept, options)]),
  ];
}

/** A proven replacement keeps what it has replaced itself, and what was replaced today. */
function fatesOf(kept: readonly KeptDatabase[], { proof }: TargetOptions): string[] {
  const dropped = kept.filter(({ recent }) => proof && !recent);
  return [
    ...dropped.map((one) => `drop database ${sized(one)}, which an earlier replacement has kept`),
    ...keptNotes(kept.filter((one) => !dropped.includes(one))),
  ];
}

async function makeFindings(session: Maintenance, { user }: Login): Promise<RestoreFinding[]> {
  const [row] = await session.rows<{ creates: boolean }>(
    'select rolsuper or rolcreatedb as creates from pg_roles where rolname = current_user',
  );
  if (row?.creates === true) return [];
  const role = quoteIdentifier(user);
  return [
    {
      weight: 'fails',
      code: 'privilege-missing',
      what: `${user} may not make databases`,
      remedy: `ALTER ROLE ${role} CREATEDB; or make an empty database that belongs to ${role}, and name it with --to`,
    },
  ];
}

/** Up to PostgreSQL 14 everybody may make objects in the schema public, since then only its owner. */
async function fillFindings(login: Login, { catalog }: TargetOptions, signal: AbortSignal): Promise<RestoreFinding[]> {
  const [row] = await withSession(login, signal, (session) =>
    session.rows<{ creates: boolean; public: boolean | null }>(
      `select has_database_privilege(current_database(), 'create') as creates,
        (select has_schema_privilege(oid, 'create') from pg_namespace where nspname = 'public') as public`,
    ),
  );
  const [database, role] = [quoteIdentifier(login.database), quoteIdentifier(login.user)];
  const intoPublic = Object.values(catalog).some((names) =>
    Object.keys(names).some((name) => name.startsWith('public.')),
  );
  const refused = (where: string, remedy: string): RestoreFinding[] => [
    { weight: 'fails', code: 'privilege-missing', what: `${login.user} may make nothing in ${where}`, remedy },
  ];
  if (row?.creates !== true)
    return refused(`database ${login.database}`, `ALTER DATABASE ${database} OWNER TO ${role};`);
  if (row.public !== false || !intoPublic) return [];
  const granted = `GRANT CREATE ON SCHEMA public TO ${role}; (in that database)`;
  return refused(`schema public of database ${login.database}`, granted);
}
