import type { Login } from '../../login.ts';
import { byteText, plainWord, quoteName, quoteText } from '../quoting.ts';
import { openSession } from '../session.ts';
import type { Server } from '../session.ts';
import type { BesideTables } from './marker.ts';
import type { DatabaseObject } from './objects.ts';

/** Makes objects in a database, each under its original settings. Statements are sent as bytes. */
export type Maker = {
  server: Server;
  make(object: DatabaseObject): Promise<void>;
  drop(object: Pick<DatabaseObject, 'kind' | 'name'>): Promise<void>;
  /** A statement of our own, as text. */
  run(statement: string): Promise<void>;
  close(): Promise<void>;
};

/** In seconds. Whoever waits for a table blocks everybody behind, so only briefly. */
export const lockWait = 3;

/** In the database of `login`, whose collation is, or will be, that of `options`. */
export async function openMaker(
  login: Login,
  { collation: usual }: BesideTables['options'],
  signal: AbortSignal,
): Promise<Maker> {
  const session = await openSession(login, signal, null, 'binary');
  const run = async (statement: string): Promise<void> => {
    await session.rows(`SET SESSION character_set_client = utf8mb4, sql_mode = ''`);
    await session.rows(byteText(statement));
  };
  /** Routines, triggers and events keep the collation that their database had when they were made. */
  const withCollation = async (collation: string, work: () => Promise<void>): Promise<void> => {
    if (collation === '' || collation === usual) return work();
    const alter = (to: string) => run(`ALTER DATABASE ${quoteName(login.database)} COLLATE ${plainWord(to)}`);
    await alter(collation);
    await work().finally(() => alter(usual));
  };
  // the driver would follow a change of the character set, and write text in that one
  await session.rows(`SET SESSION session_track_system_variables = '', lock_wait_timeout = ${lockWait}`);
  await run(`USE ${quoteName(login.database)}`);
  return {
    server: session.server,
    run,
    make: ({ kind, statement, settings }) =>
      withCollation(settings['Database Collation'], async () => {
        await session.rows(settingsStatement(settings));
        await session.rows(kind === 'view' ? statement.replace(/^CREATE /, 'CREATE OR REPLACE ') : statement);
      }),
    drop: ({ kind, name }) => run(`DROP ${kind.toUpperCase()} IF EXISTS ${quoteName(name)}`),
    close: () => session.close(),
  };
}

function settingsStatement(settings: DatabaseObject['settings']): string {
  const { character_set_client: client, collation_connection: collation, sql_mode: mode, time_zone: zone } = settings;
  return (
    `SET SESSION character_set_client = ${plainWord(client)}, collation_connection = ${plainWord(collation)}, ` +
    `sql_mode = ${quoteText(mode)}, time_zone = ${quoteText(zone === '' ? '+00:00' : zone)}`
  );
}
