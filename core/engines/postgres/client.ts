import { isIP, Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import pg from 'pg';
import { connectLimitMs } from '../connecting.ts';
import { authorityOf, passwordOf } from '../login.ts';
import type { Login } from '../login.ts';

/** The name of sessions that fill a database: they may outlive the run that began them. */
export const loaderName = 'nightjar restore';

/**
 * `queryLimitMs`: longest time for an answer; absent if unknown. `options`: settings, in the form of PGOPTIONS. `name`:
 * what the session calls itself.
 */
export type ClientWishes = { socket?: Socket; queryLimitMs?: number; options?: string; name?: string };

/** The driver's client for the database of `login`, not connected yet. */
export async function clientOf(
  login: Login,
  { socket = new Socket(), queryLimitMs, options, name = 'nightjar' }: ClientWishes,
  signal: AbortSignal,
): Promise<pg.Client> {
  return new pg.Client({
    host: login.address ?? login.host,
    stream: () => socket,
    port: login.port,
    user: login.user,
    password: (await passwordOf(login, signal)) ?? '',
    database: login.database,
    ssl: login.tls.mode === 'off' ? false : await checkedTls(login, login.tls.ca),
    connectionTimeoutMillis: connectLimitMs(login),
    application_name: name,
    keepAlive: true,
    ...(queryLimitMs !== undefined && { query_timeout: queryLimitMs }),
    ...(options !== undefined && { options }),
  });
}

/** Connects. The driver itself never tells whoever waits for a connection that is ended while it is made. */
export async function connectClient(client: pg.Client): Promise<void> {
  const { promise: ended, reject } = Promise.withResolvers<never>();
  client.once('end', () => reject(new Error('the connection was ended')));
  await Promise.race([client.connect(), ended]);
}

/** The certificate is checked for the name, whatever the address. */
async function checkedTls({ host }: Login, ca: string): Promise<ConnectionOptions> {
  return { ca: await authorityOf(ca), rejectUnauthorized: true, ...(isIP(host) === 0 && { servername: host }) };
}
