import * as z from 'zod';
import { always, expected, expectedUnseen, group, text, wholeNumber } from '../fields.ts';
import { rdsRegion } from '../../../domain/tools/rds-endpoint.ts';
import { isDrillDatabase, ofDrills } from '../../../domain/drill-name.ts';
import { passwordSource, secretReference } from '../secret.ts';

const hostName = 'a host name or address, without scheme, user and port';
const asTls = 'verify, off, or { ca: rds, public or a path }';

/** How a connection is secured. */
export const tls = z
  .union(
    [
      z.enum(['verify', 'off']),
      group('tls', {
        ca: text('rds, public or the path of a PEM file').describe(
          'Authority that signed the server’s certificate: `rds`, `public` or the path of a PEM file.',
        ),
      }),
    ],
    { error: expected(asTls) },
  )
  .describe(
    '`verify`: TLS, certificate and host name checked; `off`: plain text. Default: `off` for this machine, ' +
      '`verify` for every other, against `rds` for hosts of Amazon RDS, else `public`.',
  );

const host = z
  .string({ error: expectedUnseen(hostName) })
  .regex(/^[^\s/@:?#]+$|^(?=.*:.*:)[0-9a-fA-F:.]+$/, { error: expectedUnseen(hostName) })
  .describe('Host name or address of the server.');

const login = {
  user: z
    .union([text('a user'), secretReference], {
      error: expectedUnseen('a user, or where its name is kept as a secret'),
    })
    .describe('User to log in as, or where its name is kept as a secret.'),
  password: passwordSource
    .optional()
    .describe(
      'Where its password is kept; or `iam`: a token of IAM database authentication, made for each connection, ' +
        'over TLS alone.',
    ),
  tls: tls.optional(),
};

/** A token is as good as a password while it lasts, so it must not be sent in plain text. */
function tokenOverTls(
  { host: name, tls: wanted, password }: { host?: unknown; tls?: z.infer<typeof tls> | undefined; password?: unknown },
  context: z.RefinementCtx,
): void {
  const plain = typeof name === 'string' && tlsChoice({ host: name, tls: wanted }).mode === 'off';
  if (password === 'iam' && plain)
    context.addIssue({
      code: 'custom',
      path: ['tls'],
      message: 'with password: iam the token goes over TLS alone: write verify, or { ca: … }',
    });
}

const allDatabases = {
  databases: z
    .literal('all', { error: expected('all, or leave it out and name one database') })
    .optional()
    .describe(
      '`all`, in place of `database`: every database of the server, found anew at each backup, and a source for what ' +
        'belongs to no database (docs/whole-servers.md).',
    ),
  exclude: z
    // any database can be excluded, whatever its name
    .array(z.string({ error: expected('the name of a database') }).min(1), {
      error: expected('a list of names of databases'),
    })
    .optional()
    .describe('With `databases: all`: databases that are left out, by their exact names.'),
};

function oneOrAll(
  { database, databases, exclude }: { database?: unknown; databases?: unknown; exclude?: unknown },
  context: z.RefinementCtx,
): void {
  const wrong = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
  if (database === undefined && databases === undefined) wrong('database', 'is missing: the name of a database');
  if (database !== undefined && databases !== undefined) wrong('databases', 'is too much: database names one');
  if (exclude !== undefined && databases === undefined) wrong('exclude', 'goes with databases: all');
}

/**
 * How to reach a database on a server. `entry`: the database to log in to if the configuration names none, for a source
 * that is no database; `whole`: all databases can be selected.
 */
export function serverSchema(
  what: string,
  port: number,
  { entry, whole = false }: { entry?: string; whole?: boolean } = {},
) {
  const database = text('the name of a database').refine((name) => !isDrillDatabase(name), {
    error: `${ofDrills}; rename the database`,
  });
  return group(what, {
    host: host.describe('Host name or address of the server; a replica does.'),
    port: wholeNumber(1, 65_535).default(port).describe('TCP port.'),
    database:
      entry === undefined
        ? database.optional().describe('Database to back up.')
        : database.default(entry).describe('Database to log in to.'),
    ...(whole && allDatabases),
    ...login,
  })
    .superRefine(tokenOverTls, always)
    .superRefine(oneOrAll, always);
}

/** The same for a server without a database to back up: drills and adoptions make one there. */
export const drillServerSchema = group('a server for drills', {
  host,
  port: wholeNumber(1, 65_535).optional().describe('TCP port; without it, the usual one of the engine.'),
  ...login,
}).superRefine(tokenOverTls, always);

export type ServerConfig = z.infer<ReturnType<typeof serverSchema>>;

/** Whether TLS is verified, and against which authorities; `ca` is `rds`, `public` or a path. */
export type TlsChoice = { mode: 'off' } | { mode: 'verify'; ca: string };

/** The meaning of a server's TLS settings: nothing leaves this machine in plain text unless that was configured. */
export function tlsChoice({ host, tls: wanted }: Pick<ServerConfig, 'host' | 'tls'>): TlsChoice {
  const ofRds = /\.rds\.amazonaws\.com$/i.test(host) || rdsRegion(host) !== undefined;
  if (typeof wanted === 'object') return { mode: 'verify', ca: wanted.ca };
  if (wanted === 'off' || (wanted === undefined && isThisMachine(host))) return { mode: 'off' };
  return { mode: 'verify', ca: ofRds ? 'rds' : 'public' };
}

function isThisMachine(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|::1)$/i.test(host);
}
