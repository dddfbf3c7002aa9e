import type { Manifest } from '../../../contract/manifest/manifest.ts';
import { BackupError, messageOf } from '../../../domain/errors.ts';
import { newDatabaseName } from '../../../domain/keys.ts';
import type { ByteStream, Catalog } from '../../../ports.ts';
import type { Login } from '../../login.ts';
import { changedObjects, readCatalog } from '../catalog/catalog.ts';
import { isOfDefiner, lackingDefiners } from './definers.ts';
import type { RefusedLoad } from './definers.ts';
import { refusedJoins } from './joined.ts';
import type { LoadError } from '../restore/load-errors.ts';
import type { Feed } from '../restore/loader.ts';
import { quoteName } from '../quoting.ts';
import { deniedDefiner } from '../failures/remedies.ts';
import type { Restorer } from '../failures/remedies.ts';
import { withSession } from '../session.ts';
import type { MariadbSession } from '../session.ts';
import { claim, holdClaim, markedDatabases, marks, release, setMark, untilClientsEnd } from '../restore/unfinished.ts';

/** The result of a rehearsal: what the server refused, and what it made differently. Or why there was none. */
export type Rehearsal = { refused: RefusedLoad[]; different: string[] } | { notHeld: string };

type RehearsalOptions = {
  login: Login;
  manifest: Manifest;
  catalog: Catalog;
  /** Loads into a database of the same server. */
  into(database: string): Feed;
  /**
   * The definitions as they will be loaded: with events disabled. Without `owned`, all of them belong to the loading
   * user.
   */
  definitions(signal: AbortSignal, owned: boolean): ByteStream[];
  restorer: Restorer;
  /** Whether this server prints definitions as the source did. */
  comparable: boolean;
};

const dropLimitMs = 30_000;
/** Errors about owners: no right to make what belongs to others, and a definer that does not exist. */
const aboutOwners = [1227, 1449];
/**
 * Kinds that a server's settings change: a missing engine, an added key, a row format. Code is accepted as written, or
 * refused.
 */
const shapes = ['table', 'index', 'constraint', 'sequence'];

/**
 * Loads the definitions of a backup into a scratch database on the same server, and drops it again: shows everything
 * that this server and this user refuse. It is named after the backup's database, so that a user who may restore beside
 * that may also do this.
 */
export async function rehearse(how: RehearsalOptions, signal: AbortSignal): Promise<Rehearsal> {
  const database = rehearsalDatabase(how.manifest);
  const session = await holdClaim(how.login, database, 0, signal);
  if (session === undefined)
    return { notHeld: `another restore of this backup is trying its definitions in ${database}` };
  try {
    await dropLeftovers(session, database);
    await untilClientsEnd(session, database, signal);
    await dropLeftovers(session, database);
    const refused = await session.rows(`CREATE DATABASE ${quoteName(database)}`).then(() => undefined, messageOf);
    if (refused !== undefined) return { notHeld: refused };
    try {
      return await tryDefinitions(how, database, signal);
    } finally {
      await withSession(
        how.login,
        AbortSignal.timeout(dropLimitMs),
        ({ rows }) => rows(`DROP DATABASE IF EXISTS ${quoteName(database)}`),
        null,
      );
    }
  } finally {
    await session.close();
  }
}

function rehearsalDatabase(manifest: Manifest): string {
  return `${newDatabaseName({ ...manifest, database: manifest.database.slice(0, 40) })}_check`;
}

function trialPattern(manifest: Manifest): string {
  return quoteName(`${manifest.database.slice(0, 40).replaceAll(/[\\_%]/g, '\\$&')}\\_%`);
}

async function tryDefinitions(how: RehearsalOptions, database: string, signal: AbortSignal): Promise<Rehearsal> {
  const { login, catalog, comparable } = how;
  const refused = await refusals(how, database, signal);
  if (refused.length > 0 || !comparable) return { refused, different: [] };
  const made = await withSession({ ...login, database }, signal, (session) => readCatalog(session, catalog)).catch(
    async (error: unknown) => {
      const joins = await refusedJoins(error, how.definitions(signal, true));
      if (joins === undefined) throw error;
      refused.push(...joins);
    },
  );
  if (made === undefined) return { refused, different: [] };
  delete made['table']?.[marks.rehearsal];
  delete made['index']?.[`${marks.rehearsal}.PRIMARY`];
  const only = (whole: Catalog): Catalog => Object.fromEntries(shapes.map((kind) => [kind, whole[kind] ?? {}]));
  return { refused, different: changedObjects(only(catalog), only(made)) };
}

/**
 * A refusal because of definers with rights only on the real database hides later refusals: then everything is tried
 * again without definers.
 */
async function refusals(how: RehearsalOptions, database: string, signal: AbortSignal): Promise<RefusedLoad[]> {
  const { login, manifest, catalog, restorer } = how;
  const first = await load(how, database, true, signal);
  const asReal = (one: LoadError): LoadError => ({ ...one, error: one.error.replaceAll(database, login.database) });
  if (!first.some((one) => isOfDefiner(one, database, restorer))) return first.map(asReal);
  await withSession(
    login,
    signal,
    async ({ rows }) => {
      await rows(`DROP DATABASE ${quoteName(database)}`);
      await rows(`CREATE DATABASE ${quoteName(database)}`);
    },
    null,
  );
  const second = await load(how, database, false, signal);
  const ofOwners = first.filter(
    (one) =>
      aboutOwners.includes(one.number) ||
      (deniedDefiner(one.error, restorer) !== undefined && !isOfDefiner(one, database, restorer)),
  );
  const lacking = await withSession(
    login,
    signal,
    (session) => lackingDefiners(session, { trial: database, pattern: trialPattern(manifest), catalog, restorer }),
    null,
  );
  return [...[...ofOwners, ...second].map(asReal), ...lacking];
}

async function load(
  { login, manifest, into, definitions }: RehearsalOptions,
  database: string,
  owned: boolean,
  signal: AbortSignal,
): Promise<LoadError[]> {
  await withSession({ ...login, database }, signal, (session) =>
    setMark(session, 'rehearsal', `${manifest.source} ${manifest.id}`),
  );
  const feed = into(database);
  const errors: LoadError[] = [];
  for (const text of definitions(signal, owned)) errors.push(...(await feed(text, signal, { goOn: true })));
  // a body that names the database itself still means the old one
  return errors.filter(({ error }) => !error.includes(`'${login.database}.`));
}

/** Rehearsals that were killed left marked databases, which are nobody's once they are claimed. `own`: claimed by us. */
async function dropLeftovers(session: MariadbSession, own: string): Promise<void> {
  for (const name of await markedDatabases(session, 'rehearsal')) {
    if (name !== own && !(await claim(session, name))) continue;
    await session.rows(`DROP DATABASE IF EXISTS ${quoteName(name)}`).catch((error: unknown) => {
      if (!(error instanceof BackupError) || error.code !== 'privilege-missing') throw error; // another user's: not ours to drop
    });
    if (name !== own) await release(session, name);
  }
}
