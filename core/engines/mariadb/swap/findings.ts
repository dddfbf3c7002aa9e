import { fewNames } from '../../../domain/lines.ts';
import type { Catalog, KeptDatabase, RestoreFinding } from '../../../ports.ts';
import type { Login } from '../../login.ts';
import { rightsOf } from '../rights/grants.ts';
import { readRoutineRights } from '../rights/routines.ts';
import type { Rights } from '../rights/grants.ts';
import { keysOfOthers, missingForProof, missingRights } from '../preflight/obstacles.ts';
import type { Obstacle } from '../preflight/obstacles.ts';
import { remakingObstacles } from '../preflight/unrehearsed.ts';
import { quoteName } from '../quoting.ts';
import { grant } from '../failures/remedies.ts';
import type { Restorer } from '../failures/remedies.ts';
import { withSession } from '../session.ts';
import type { MariadbSession } from '../session.ts';
import { unlastingFindings } from './lasting.ts';
import { readRecord, swapMarks } from './marker.ts';
import { besidePattern, freeName, newName } from './names.ts';
import { definerOf, readObjects } from './objects.ts';
import type { DatabaseObject } from './objects.ts';
import { isThere } from './swap.ts';
import { movable, movesOf, renameStatement } from './tables.ts';
import { isNamed } from '../exact-names.ts';

type Coming = { catalog: Catalog; tables: readonly string[]; id: string; proof: boolean; restorer: Restorer };

/** Everything that prevents a backup from taking the place of the database of `login`, and what may surprise. */
export async function replacementFindings(
  login: Login,
  coming: Coming,
  signal: AbortSignal,
): Promise<RestoreFinding[]> {
  return withSession(login, signal, async (session) => {
    const { restorer, catalog, proof } = coming;
    const rights = await rightsOf(session);
    const whole = { ...restorer, database: await newName(session, login, coming.id) };
    const asked = [...missingRights(catalog, rights, whole), ...(proof ? missingForProof(rights, whole) : [])];
    const remedy = grant(restorer, 'ALL PRIVILEGES', await besidePattern(session, login));
    const beside = asked.filter(({ what }) => what.includes(whole.database)).map((one) => ({ ...one, remedy }));
    return [
      ...beside.slice(0, 1).map(fails),
      ...(await swapFindings(session, login, { rights, restorer, coming: coming.tables })),
      ...(await leavingKeys(session, login)),
    ];
  });
}

/** What would keep the database `kept` from coming back. */
export async function undoFindings(login: Login, kept: KeptDatabase, signal: AbortSignal): Promise<RestoreFinding[]> {
  return withSession(
    login,
    signal,
    async (session) => {
      if (!(await isThere(session, login.database))) return [];
      const [row] = await session.rows('SELECT CURRENT_USER() AS user');
      const restorer = { server: session.server, user: row?.['user'] ?? '', database: login.database };
      const record = await readRecord(session, login, { database: kept.name, table: swapMarks.kept }).catch(
        () => undefined,
      );
      const rights = await rightsOf(session);
      const coming = await movable(session, kept.name);
      const mine = await remakingObstacles(session, asCatalog(record?.old.objects ?? []), rights, restorer);
      const findings = await withSession(login, signal, (inside) =>
        swapFindings(inside, login, { rights, restorer, coming }),
      );
      return [...[...mine, ...(await keysOfOthers(session, restorer))].map(fails), ...findings];
    },
    null,
  );
}

type Exchange = { rights: Rights; restorer: Restorer; coming: readonly string[] };

async function swapFindings(
  session: MariadbSession,
  login: Login,
  { rights, restorer, coming }: Exchange,
): Promise<RestoreFinding[]> {
  const unreadable: Obstacle[] = [];
  const there = asCatalog(
    await readObjects(session, ({ message, hint }) => void unreadable.push({ what: message, remedy: hint })),
  );
  const before = await freeName(session, login, { id: '0'.repeat(23) });
  return [
    ...mayRename(rights, { ...restorer, database: before }, await besidePattern(session, login)),
    ...missingRights({ ...there, table: {} }, rights, restorer).map(asSwap),
    ...(await remakingObstacles(session, there, rights, restorer)).map(({ what, ...more }) => ({
      ...more,
      what: `what is there could not be made again: ${what}`,
    })),
    ...unreadable,
    ...(await tooLong(session, login, coming)),
  ]
    .map(fails)
    .concat(
      await lostRights(session, there, rights, restorer),
      // the server lists no columns if there is a view that it can't read
      unreadable.length > 0 ? [] : await unlastingFindings(session),
      await oneByOne(session),
      await connected(session, login),
    );
}

/** Dropping a routine also removes the rights that were granted on it. */
async function lostRights(
  session: MariadbSession,
  there: Catalog,
  rights: Rights,
  restorer: Restorer,
): Promise<RestoreFinding[]> {
  if (['function', 'procedure', 'package'].every((kind) => there[kind] === undefined)) return [];
  const given = await readRoutineRights(session);
  const again = 'a function, procedure or package that is made again loses them';
  if (given === undefined) {
    const what = `rights that were given on single routines (GRANT EXECUTE ON FUNCTION …) can't be seen: ${again}`;
    return [{ weight: 'note', what, remedy: grant(restorer, 'SELECT', '`mysql`.`procs_priv`') }];
  }
  const needed = ['EXECUTE', 'ALTER ROUTINE', 'GRANT OPTION'];
  if (given.length === 0 || needed.every((right) => rights.has(right, restorer.database))) return [];
  const what = `rights on single routines may not be given again by this user: ${again}`;
  return [{ weight: 'note', what, remedy: `afterwards: ${given.map(({ statement }) => `${statement};`).join(' ')}` }];
}

const fails = (obstacle: Obstacle): RestoreFinding => ({ weight: 'fails', ...obstacle });
const asSwap = (obstacle: Obstacle): Obstacle => ({ ...obstacle, what: `${obstacle.what}, to exchange what is there` });

function mayRename(rights: Rights, restorer: Restorer, pattern: string): Obstacle[] {
  const missing = ['CREATE', 'DROP', 'ALTER', 'INSERT', 'SELECT'].filter(
    (right) => !rights.has(right, restorer.database),
  );
  if (missing.length === 0) return [];
  return [
    {
      code: 'privilege-missing',
      what:
        `the user lacks ${missing.join(', ')} on the databases that a replacement makes beside it ` + `(${pattern})`,
      remedy: grant(restorer, 'ALL PRIVILEGES', pattern),
    },
  ];
}

/** One statement moves all tables. */
async function tooLong(session: MariadbSession, login: Login, coming: readonly string[]): Promise<Obstacle[]> {
  const aside = `${login.database}_before_${'0'.repeat(23)}`;
  const moves = [
    ...movesOf(await movable(session, login.database), login.database, aside),
    ...movesOf(coming, aside, aside),
  ];
  const bytes = Buffer.byteLength(renameStatement(moves)) + 512;
  const [row] = await session.rows('SELECT @@max_allowed_packet AS packet');
  if (bytes < Number(row?.['packet'])) return [];
  const needed = 2 ** Math.ceil(Math.log2(bytes));
  return [
    {
      what: `the statement that exchanges the tables is longer than what this server takes (max_allowed_packet)`,
      remedy: `SET GLOBAL max_allowed_packet = ${needed};`,
    },
  ];
}

/** Servers whose RENAME TABLE of several tables can be cut in two by a kill of the server. */
async function oneByOne({ server: { product, number, version } }: MariadbSession): Promise<RestoreFinding[]> {
  if (number >= (product === 'MariaDB' ? 100_601 : 80_000)) return [];
  return [
    {
      weight: 'note',
      what:
        `${product} ${version} exchanges one table after the other: where it is killed in the midst of that, both ` +
        'databases are there in part, until the next run puts them right',
    },
  ];
}

/** Tables that are kept aside still refer to other databases. */
async function leavingKeys(session: MariadbSession, { database }: Login): Promise<RestoreFinding[]> {
  const keys = await session.rows(
    `SELECT DISTINCT TABLE_NAME AS name, UNIQUE_CONSTRAINT_SCHEMA AS other FROM information_schema.REFERENTIAL_CONSTRAINTS
      WHERE ${isNamed('CONSTRAINT_SCHEMA', database)} AND NOT ${isNamed('UNIQUE_CONSTRAINT_SCHEMA', database)} ORDER BY TABLE_NAME`,
  );
  if (keys.length === 0) return [];
  const named = keys.map(({ name, other }) => `${quoteName(name ?? '')} into ${quoteName(other ?? '')}`);
  return [
    {
      weight: 'note',
      what:
        `foreign keys leave the database (${fewNames(named)}): as long as what is replaced is kept, its rows hold ` +
        'rows there from being deleted, or are deleted with them',
      remedy: '--drop-old keeps nothing',
    },
  ];
}

/** Other sessions continue, and see the new tables from one statement to the next. */
async function connected(session: MariadbSession, { database }: Login): Promise<RestoreFinding[]> {
  const rows = await session.rows(
    `SELECT ID AS id, USER AS user, HOST AS host FROM information_schema.PROCESSLIST
      WHERE ${isNamed('DB', database)} AND ID <> CONNECTION_ID()`,
  );
  if (rows.length === 0) return [];
  const who = rows.map(({ id, user, host }) => `${user}@${host} (${id})`);
  return [
    {
      weight: 'note',
      what:
        `connected to ${quoteName(database)}: ${fewNames(who)}: from one statement to the next they will meet the ` +
        'new tables, for a moment without triggers, and what they write until then stays with the old ones',
      remedy: `stop the application first; what stays: ${rows
        .slice(0, 5)
        .map(({ id }) => `KILL ${id};`)
        .join(' ')}`,
    },
  ];
}

/** Objects as in a catalog, with their definers. */
function asCatalog(objects: readonly DatabaseObject[]): Catalog {
  const catalog: Record<string, Record<string, string>> = { definer: {} };
  for (const one of objects) {
    (catalog[one.kind] ??= {})[one.name] = '';
    const definer = definerOf(one);
    if (definer !== undefined) catalog['definer']![`${one.kind} ${one.name}`] = definer;
  }
  return catalog;
}
