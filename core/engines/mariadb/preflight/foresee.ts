import { fewNames } from '../../../domain/lines.ts';
import { plural } from '../../../domain/units.ts';
import type { Catalog, Foreseen, RestoreFinding, Target, TargetOptions } from '../../../ports.ts';
import type { Login } from '../../login.ts';
import { rightsOf } from '../rights/grants.ts';
import { quoteName } from '../quoting.ts';
import type { Restorer } from '../failures/remedies.ts';
import { otherServer } from '../restore/loader.ts';
import { withSession } from '../session.ts';
import type { MariadbSession } from '../session.ts';
import type { Needs } from './needs.ts';
import { findObstacles } from './obstacles.ts';
import type { Obstacle } from './obstacles.ts';
import { findObstaclesUnrehearsed } from './unrehearsed.ts';

/** What a restore knows when it has looked at its place. `unfinished`: what is there is half a restore of ours. */
type Looked = {
  options: TargetOptions;
  restorer: Restorer;
  state: Target['state'];
  holds: string;
  unfinished: boolean;
  /** Whether the definitions can't be tried before the old database is dropped. */
  blind: boolean;
  replace: boolean;
  needs(): Promise<Needs>;
};

/**
 * All that can be told before anything is written. What the definitions ask for is read in their text, so that it only
 * may fail: where they can be tried, they are, before the old database is dropped. Rows are not measured here.
 */
export async function foresee(login: Login, looked: Looked, signal: AbortSignal): Promise<Foreseen> {
  const { options, restorer, state, blind } = looked;
  const { manifest, catalog, owners, proof = true, keepGoing = false } = options;
  const needs = await looked.needs();
  return withSession(
    login,
    signal,
    async (session) => {
      const known = { manifest, catalog, owners, proof, longest: 0 };
      const certain = await findObstacles(session, known, restorer);
      const read = await findObstaclesUnrehearsed(
        session,
        { catalog, owners, needs },
        await rightsOf(session),
        restorer,
      );
      const inPlace = blind && state === 'occupied' && !keepGoing;
      return {
        steps: stepsOf(login.database, looked),
        findings: [
          ...certain.map(as(keepGoing ? 'may-fail' : 'fails')),
          ...read.map(as(inPlace ? 'fails' : 'may-fail')),
          ...olderFinding(looked),
          ...(await eventFinding(session, catalog)),
          ...(state === 'occupied' && looked.replace ? await connected(session, login.database) : []),
        ],
      };
    },
    null,
  );
}

const as =
  (weight: RestoreFinding['weight']) =>
  (obstacle: Obstacle): RestoreFinding => ({ weight, ...obstacle });

function stepsOf(database: string, { state, holds, unfinished, replace }: Looked): string[] {
  const prove = `fill it, and prove it equal to the backup`;
  if (unfinished) return [`drop database ${database}, which an interrupted restore has left`, `make it anew, ${prove}`];
  if (state === 'empty') return [`fill database ${database}, which is there and empty, and prove it`];
  if (state === 'absent') return [`make database ${database}, ${prove}`];
  if (!replace) return [];
  return [
    'read the whole backup, and try its definitions in a database that is dropped again',
    `drop database ${database} (${holds})`,
    `make it anew, ${prove}: until that is done, there is no other copy of it on this server`,
  ];
}

function olderFinding({ options: { manifest }, restorer }: Looked): RestoreFinding[] {
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

/** Sessions of others go on, and meet what is there at that moment: nothing, a part, the whole. */
async function connected(session: MariadbSession, database: string): Promise<RestoreFinding[]> {
  const rows = await session.rows(
    'SELECT ID AS id, USER AS user, HOST AS host FROM information_schema.PROCESSLIST WHERE DB = ? AND ID <> ' +
      'CONNECTION_ID()',
    [database],
  );
  if (rows.length === 0) return [];
  const who = rows.map(({ id, user, host }) => `${user}@${host} (${id})`);
  return [
    {
      weight: 'note',
      what: `connected to ${quoteName(database)}: ${fewNames(who)}: they will meet no tables, and then a part of them`,
      remedy: `stop the application first; what stays: ${rows
        .slice(0, 5)
        .map(({ id }) => `KILL ${id};`)
        .join(' ')}`,
    },
  ];
}
