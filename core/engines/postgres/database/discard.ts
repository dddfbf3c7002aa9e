import type { Login } from '../../login.ts';
import { quoteIdentifier } from '../identifier.ts';
import { maintain } from './maintenance.ts';
import { openSession } from '../session.ts';
import type { PostgresSession } from '../session.ts';

/** Drops a database that one of our runs has made, and ends the sessions that are left of ours in it. */
export async function discardDatabase(login: Login, signal: AbortSignal): Promise<void> {
  await maintain(login, signal, async (session) => {
    if (await hasSubscriptions(session, login)) await dropSubscriptions(login, signal);
    await session.rows(`drop database if exists ${quoteIdentifier(login.database)} with (force)`);
  });
}

async function hasSubscriptions(session: PostgresSession, { database }: Login): Promise<boolean> {
  return (
    (
      await session.rows(
        'select 1 from pg_subscription where subdbid = (select oid from pg_database where datname = $1)',
        [database],
      )
    ).length > 0
  );
}

/**
 * Subscriptions prevent a database from being dropped. Restored ones have never reached a publisher, so nothing there
 * is theirs to drop.
 */
async function dropSubscriptions(login: Login, signal: AbortSignal): Promise<void> {
  const session = await openSession(login, signal);
  try {
    const found = await session.rows<{ name: string }>(
      'select quote_ident(subname) as name from pg_subscription where subdbid = (select oid from pg_database ' +
        'where datname = current_database())',
    );
    for (const { name } of found) {
      for (const change of ['disable', 'set (slot_name = none)'])
        await session.rows(`alter subscription ${name} ${change}`);
      await session.rows(`drop subscription ${name}`);
    }
  } finally {
    await session.close();
  }
}
