import { readFile } from 'node:fs/promises';
import { BackupError, messageOf } from '../domain/errors.ts';
import type { Token } from '../ports.ts';

/** How to reach one database on one server. Times are in milliseconds. */
export type Login = {
  host: string;
  /**
   * The one address that all connections of a run use if `host` is a name, because the next resolution may lead to
   * another server. The certificate is still checked against the name.
   */
  address?: string | undefined;
  port: number;
  user: string;
  /** Absent if the server asks for none. Never printed. */
  password?: string | Token | undefined;
  database: string;
  /**
   * `verify`: TLS, with the certificate checked against `ca` (a PEM file) and the host name. `off`: plain text, for
   * sockets of this machine and trusted networks.
   */
  tls: { mode: 'verify'; ca: string } | { mode: 'off' };
  /** Longest wait for any lock. */
  lockTimeoutMs: number;
  /** Longest silence of a program before it is given up. */
  idleLimitMs: number;
  /** Streams at the same time. */
  parallel: number;
  /** How long a replaced database is kept; absent: until a replacement on another day. */
  keepReplacedMs?: number | undefined;
};

/** The login without its password, as people write it. */
export function placeOf(scheme: string, login: Login): string {
  const host = login.host.includes(':') ? `[${login.host}]` : login.host;
  return `${scheme}://${login.user}@${host}:${login.port}/${login.database}`;
}

/** The password for a connection that begins now. */
export async function passwordOf({ password }: Login, signal: AbortSignal): Promise<string | undefined> {
  return typeof password === 'object' ? password.make(signal) : password;
}

/** The PEM file of an authority. */
export async function authorityOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause: unknown) => {
    throw new BackupError('config-invalid', `the certificate authority ${path} can't be read: ${messageOf(cause)}`, {
      hint: 'correct tls: { ca: … } of the source',
      cause,
    });
  });
}

/** What to check if the server refuses user and password; `usual`: the hint for a password that was configured. */
export function refusedHint({ password }: Login, usual: string): string {
  return typeof password === 'object' ? password.refusedHint : usual;
}
