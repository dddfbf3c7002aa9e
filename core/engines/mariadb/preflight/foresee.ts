import { plural } from '../../../domain/units.ts';
import type {
  ByteStream,
  Catalog,
  Foreseen,
  KeptDatabase,
  RestoreFinding,
  Target,
  TargetOptions,
} from '../../../ports.ts';
import type { Login } from '../../login.ts';
import { rightsOf } from '../rights/grants.ts';
import type { Restorer } from '../failures/remedies.ts';
import { otherServer } from '../restore/loader.ts';
import { withSession } from '../session.ts';
import type { MariadbSession } from '../session.ts';
import { replacementFindings } from '../swap/findings.ts';
import { keptDatabases, sizeOf } from '../swap/kept.ts';
import { unendedSwap } from '../swap/marker.ts';
import { halfMade } from '../swap/names.ts';
import { howLong, keptNotes, sized } from '../../kept-notes.ts';
import { needsOf } from './needs.ts';
import { findObstacles } from './obstacles.ts';
import type { Obstacle } from './obstacles.ts';
import { rehearsalObstacles } from './preflight.ts';
import type { Rehearsal } from './rehearsal.ts';
import { refusedRoutines } from './routines.ts';
import { findObstaclesUnrehearsed } from './unrehearsed.ts';

/** What a restore knows after it has looked at its target. `unfinished`: the target is half a restore of ours. */
type MariadbLook = {
  options: TargetOptions;
  restorer: Restorer;
  state: Target['state'];
  unfinished: boolean;
  /** For an existing database, the names beside it: of the copy, and of what it replaces. */
  aside: { whole: string; before: string } | undefined;
  replace: boolean;
  /** The backup's definitions, as they will be loaded. */
  definitions(): ByteStream;
  /** The result of trying them, if that was asked for. */
  tried(): Promise<Rehearsal | undefined>;
};

/**
 * Everything that can be told before anything is written. Tries the definitions, if that is asked for and the user may
 * make a database for it; otherwise reads in their text what they need, so that failures are only possible ones, and
 * prepares routines. Does not measure rows.
 */
export async function foresee(login: Login, looked: MariadbLook, signal: AbortSignal): Promise<Foreseen> {
  const { options, restorer, state } = looked;
  const { manifest, catalog, owners, proof = true, keepGoing = false } = options;
  const fails = as(keepGoing ? 'may-fail' : 'fails');
  const tried = await looked.tried();
  const known = { manifest, catalog, owners, proof, longest: 0 };
  const ofDefinitions =
    tried === undefined || 'notHeld' in tried
      ? [...untriedNote(tried), ...(await readFindings(login, looked, signal))]
      : rehearsalObstacles(tried, known, restorer).map(fails);
  return withSession(
    login,
    signal,
    async (session) => {
      const certain = await findObstacles(session, known, restorer);
      const coming = { catalog, tables: tablesIn(catalog), id: manifest.id, proof, restorer };
      return {
        steps: await stepsOf(session, login, looked, tried !== undefined && !('notHeld' in tried)),
        findings: [
          ...certain.map(fails),
          ...ofDefinitions,
          ...(await eventFinding(session, catalog)),
          ...(state === 'occupied' && looked.replace ? await replacementFindings(login, coming, signal) : []),
        ],
      };
    },
    null,
  );
}

function untriedNote(tried: { notHeld: string } | undefined): RestoreFinding[] {
  if (tried === undefined) return [];
  return [{ weight: 'note', what: `the definitions could not be tried on this server: ${tried.notHeld}` }];
}

/** What can be told about definitions without making them. */
async function readFindings(login: Login, looked: MariadbLook, signal: AbortSignal): Promise<RestoreFinding[]> {
  const { options, restorer } = looked;
  const needs = await needsOf(looked.definitions());
  const refused = await withSession(
    login,
    signal,
    (session) => refusedRoutines(session, looked.definitions(), restorer, options.manifest.server),
    null,
    'binary',
  );
  const read = await withSession(
    login,
    signal,
    async (session) => findObstaclesUnrehearsed(session, { ...options, needs }, await rightsOf(session), restorer),
    null,
  );
  return [...[...read, ...refused].map(as('may-fail')), ...olderFinding(looked)];
}

const as =
  (weight: RestoreFinding['weight']) =>
  (obstacle: Obstacle): RestoreFinding => ({ weight, ...obstacle });

function tablesIn(catalog: Catalog): string[] {
  return ['table', 'sequence'].flatMap((kind) => Object.keys(catalog[kind] ?? {}));
}

async function stepsOf(
  session: MariadbSession,
  login: Login,
  looked: MariadbLook,
  isTried: boolean,
): Promise<string[]> {
  const { state, unfinished, replace, aside, options } = looked;
  const { database } = login;
  const prove = `fill it, and prove it equal to the backup`;
  if (unfinished) return [`drop database ${database}, which an interrupted restore has left`, `make it anew, ${prove}`];
  if (state === 'empty') return [`fill database ${database}, which is there and empty, and prove it`];
  if (state === 'absent') return [`make database ${database}, ${prove}`];
  if (!replace || aside === undefined) return [];
  const { whole, before } = aside;
  const swept = await halfMade(session, login);
  const unended = await unendedSwap(session, database);
  const size = await sizeOf(session, database);
  return [
    ...(unended === undefined ? [] : [`end the exchange of tables in ${database} that died, or take it back`]),
    ...swept.map((name) => `drop database ${name}, which a restore that died or could not be proven has left`),
    `read the whole backup${isTried ? '' : ', and try its definitions in a database that is dropped again'}`,
    `make database ${whole} beside it, ${prove}`,
    `rename the tables of ${database} into database ${before}, and the new ones to their names, in one ` +
      'statement; triggers, views, routines and events are made again around it',
    ...(await fatesOf(session, login, options, size === undefined ? { name: before } : { name: before, bytes: size })),
  ];
}

/** A proven replacement keeps what it has replaced itself, and what was replaced today. */
async function fatesOf(
  session: MariadbSession,
  login: Login,
  { dropOld = false, proof = true }: TargetOptions,
  before: KeptDatabase,
): Promise<string[]> {
  const kept = await keptDatabases(session, login);
  if (dropOld) return [sized(before), ...kept.map(({ name }) => name)].map((name) => `drop database ${name}`);
  const dropped = kept.filter(({ recent }) => proof && !recent);
  return [
    `keep database ${sized(before)}: ${howLong(login.keepReplacedMs)}`,
    ...dropped.map((one) => `drop database ${sized(one)}, which an earlier replacement has kept`),
    ...keptNotes(kept.filter((one) => !dropped.includes(one))),
  ];
}

function olderFinding({ options: { manifest }, restorer }: MariadbLook): RestoreFinding[] {
  const what = otherServer(manifest.server, restorer);
  return what === undefined ? [] : [{ weight: 'may-fail', what }];
}

async function eventFinding(session: MariadbSession, catalog: Catalog): Promise<RestoreFinding[]> {
  const count = Object.keys(catalog['event'] ?? {}).length;
  if (count === 0) return [];
  const [row] = await session.rows('SELECT @@event_scheduler AS scheduler');
  const scheduler = row?.['scheduler'] ?? '';
  if (['ON', '1'].includes(scheduler)) return [];
  return [
    {
      weight: 'note',
      what: `the backup has ${plural(count, 'event')}, and this server runs none (event_scheduler is ${scheduler})`,
      remedy:
        scheduler === 'DISABLED'
          ? 'start the server with event_scheduler = ON'
          : 'SET GLOBAL event_scheduler = ON; when they are to run',
    },
  ];
}
