/** How to reach one database on one server. Times are in milliseconds. */
export type Login = {
  host: string;
  port: number;
  user: string;
  /** Absent where the server asks for none. Never printed. */
  password?: string | undefined;
  database: string;
  /** `verify`: TLS, with the certificate checked against `ca` (a PEM file) and the host name. `off`: plain text, for sockets of this machine and trusted networks. */
  tls: { mode: 'verify'; ca: string } | { mode: 'off' };
  /** Longest wait for any lock. */
  lockTimeoutMs: number;
  /** Longest silence of a program before it is given up. */
  idleLimitMs: number;
  /** Streams at the same time. */
  parallel: number;
};

/** The login without its password, as people write it. */
export function placeOf(scheme: string, login: Login): string {
  const host = login.host.includes(':') ? `[${login.host}]` : login.host;
  return `${scheme}://${login.user}@${host}:${login.port}/${login.database}`;
}
