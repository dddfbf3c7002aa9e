import { messageOf } from '../domain/errors.ts';
import { rdsRegion } from '../domain/tools/rds-endpoint.ts';
import type { Login } from './login.ts';

/**
 * How long a connection may take, in milliseconds. A database of Amazon RDS that nobody uses may be paused and must
 * resume first: Aurora Serverless v2 takes about 15 seconds, and 30 or more after a day's pause (Amazon Aurora User
 * Guide, scaling to zero).
 */
export function connectLimitMs({ host }: Pick<Login, 'host'>): number {
  return rdsRegion(host) === undefined ? 15_000 : 60_000;
}

type KnownRefusal = { pattern: RegExp; remedy(login: Login, cause: unknown): string };

/** Node's errors while connecting, by code or message; drivers replace the code and keep the message. */
const known: KnownRefusal[] = [
  {
    pattern: /ECONNREFUSED/,
    remedy: ({ host, port }) =>
      `nothing listens on port ${port} of ${host}: is the server up, and are host and port right?`,
  },
  {
    pattern: /ENOTFOUND|EAI_AGAIN/,
    remedy: ({ host }) => `no name server knows ${host}: correct the host, or wait for the network`,
  },
  { pattern: /ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|timeout expired/, remedy: silent },
  {
    pattern:
      /does not support (?:SSL connections|secure connection)|SSL is required, but the server does not support it/,
    remedy: withoutTls,
  },
  {
    pattern: /self-signed certificate in|unable to (?:get|verify)/,
    remedy: () =>
      `${unknownAuthority}: save the authority's certificate as a PEM file, and name it: tls: { ca: ` +
      './authority.pem } (on Amazon RDS: tls: { ca: rds })',
  },
  {
    pattern: /self-signed certificate|DEPTH_ZERO_SELF_SIGNED/,
    remedy: ({ host }) =>
      `no authority has signed the certificate of ${host}: copy it from the server as a PEM file, and name it: ` +
      'tls: { ca: ./server.pem }',
  },
  {
    pattern: /certificate has expired/,
    remedy: ({ host }) => `renew the certificate of ${host}; or is the clock of this machine wrong?`,
  },
  { pattern: /certificate is not yet valid/, remedy: () => 'is the clock of this machine wrong?' },
  {
    pattern: /does not match certificate's altnames/,
    remedy: ({ host }, cause) =>
      `write as host a name that the certificate has (${namesOf(cause)}), or give the server a certificate for ${host}`,
  },
  {
    pattern:
      /wrong version number|EPROTO|ssl3_get_record|unexpected eof|unexpected \S+ message from backend|[Pp]ackets out of order/i,
    remedy: otherProduct,
  },
  {
    pattern: /client password must be/,
    remedy: () => 'the server asks for a password: say where it is kept, as password: { env: NAME } or { file: path }',
  },
  {
    pattern: /certificate|SSL|TLS/i,
    remedy: () => `${unknownAuthority}: tls: { ca: … } names the authority (docs/configuration.md)`,
  },
];

const unknownAuthority = "the server's certificate is checked, and nothing known here vouches for it";

/** What to do if no connection came about; undefined if unknown. */
export function connectionRemedy(cause: unknown, login: Login): string | undefined {
  const words = `${messageOf(cause)} ${String((cause as { code?: unknown } | null)?.code ?? '')}`;
  return known.find(({ pattern }) => pattern.test(words))?.remedy(login, cause);
}

/** What happened, in terms of the configuration, and without an empty list. */
export function connectionWords(cause: unknown): string {
  const words = messageOf(cause).replace(/: $/, '');
  return /client password must be/.test(words) ? 'no password was given' : words;
}

/**
 * Another product may answer on that port: PostgreSQL waits for the client to speak first, MariaDB and MySQL speak
 * first.
 */
export function otherProduct({ host, port }: Login): string {
  return `what answers on port ${port} of ${host} is no server of this kind: are engine (postgres, mariadb) and port right?`;
}

function silent({ host, port }: Login): string {
  return `port ${port} of ${host} gives no answer: is a firewall or security group between, and are engine (postgres, mariadb) and port right?`;
}

function withoutTls({ host }: Login): string {
  return `this server offers no TLS: switch it on there, or, where nobody listens on the way to ${host}, write tls: off`;
}

function namesOf(cause: unknown): string {
  return (
    (cause as { cert?: { subjectaltname?: string } } | null)?.cert?.subjectaltname ??
    'openssl s_client -connect shows them'
  );
}
