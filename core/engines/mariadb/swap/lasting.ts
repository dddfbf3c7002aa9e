import { fewNames } from '../../../domain/lines.ts';
import type { RestoreFinding } from '../../../ports.ts';
import { quoteName } from '../quoting.ts';
import { brokenViews } from '../repairs/broken-views.ts';
import { brokenTriggers } from '../repairs/broken-triggers.ts';
import type { MariadbSession } from '../session.ts';
import { isHere } from '../exact-names.ts';

const howLost = 'it is there until it is taken away, and can then be made again by nobody, --undo neither';

/**
 * What is in the session's database and could not be made again after an exchange, as far as the server tells without a
 * trial: broken views and triggers, and events whose only time may pass meanwhile.
 */
export async function unlastingFindings(session: MariadbSession): Promise<RestoreFinding[]> {
  return [...(await viewsLost(session)), ...(await triggersLost(session)), ...(await singleEvents(session))];
}

async function viewsLost(session: MariadbSession): Promise<RestoreFinding[]> {
  const views = await session.rows(
    `SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE ${isHere('TABLE_SCHEMA')} AND TABLE_TYPE = 'VIEW'`,
  );
  const broken = await brokenViews(
    session,
    views.map(({ name }) => name ?? ''),
  );
  return broken.map(({ name, why }) => ({
    weight: 'note',
    what: `view ${quoteName(name)} is broken (${why}): ${howLost}`,
    remedy: `mend it, or DROP VIEW ${quoteName(name)};`,
  }));
}

async function triggersLost(session: MariadbSession): Promise<RestoreFinding[]> {
  return (await brokenTriggers(session)).map(({ name, table, column }) => ({
    weight: 'note',
    what: `trigger ${quoteName(name)} names column ${quoteName(column)} of table ${quoteName(table)}, which is gone: ${howLost}`,
    remedy: `mend it, or DROP TRIGGER ${quoteName(name)};`,
  }));
}

async function singleEvents(session: MariadbSession): Promise<RestoreFinding[]> {
  const events = await session.rows(
    `SELECT EVENT_NAME AS name, CONCAT(EXECUTE_AT, ' ', TIME_ZONE) AS at FROM information_schema.EVENTS
      WHERE ${isHere('EVENT_SCHEMA')} AND EVENT_TYPE = 'ONE TIME' AND ON_COMPLETION = 'NOT PRESERVE' ORDER BY EXECUTE_AT`,
  );
  if (events.length === 0) return [];
  const named = events.map(({ name, at }) => `${quoteName(name ?? '')} at ${at}`);
  return [
    {
      weight: 'note',
      what:
        `events that run once (${fewNames(named)}): one whose time comes while the tables are exchanged, or while the ` +
        'database is kept, does not run, and is not made again',
      remedy: 'ALTER EVENT … ON COMPLETION PRESERVE keeps it there, disabled',
    },
  ];
}
