import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { DatabaseServer } from '../../servers/server.ts';
import { layerTools } from '../tools.ts';

/** Twenty roles with all that a role can have; `since`: the major version of the server. */
export function twentyRoles(since: number): string {
  const people = Array.from({ length: 12 }, (_, index) => `person_${index}`);
  return [
    ...['readers', 'writers', '"the owners"'].map((group) => `create role ${group} nologin`),
    `create role app login password 'app''s secret' connection limit 40`,
    `create role "we""ird; -- 'role' NOSUPERUSER PASSWORD 'p'" login password 'x' valid until '2031-05-06 07:08:09+00' noinherit`,
    `create role "Ünïcode" createdb createrole`,
    `set password_encryption = 'md5'`,
    `create role old_hash login password 'long ago'`,
    `set password_encryption = 'scram-sha-256'`,
    `create role replicator login replication bypassrls`,
    ...people.map((name) => `create role ${name} login password '${name}''s own' in role readers`),
    'grant readers to writers with admin option',
    'grant writers to app',
    'grant pg_monitor to "the owners"',
    ...(since >= 16 ? ['grant "the owners" to app with inherit false, set false'] : ['grant "the owners" to app']),
    `set role writers; grant readers to "Ünïcode"; reset role`,
    `alter role app set search_path = shop, "odd schema"`,
    `alter role app set application_name = 'it''s; -- \\ app'`,
    `alter role "we""ird; -- 'role' NOSUPERUSER PASSWORD 'p'" set work_mem = '7MB'`,
    `comment on role app is 'the shop; -- and its '' site\nin two lines'`,
    ...(since >= 15 ? ['grant set, alter system on parameter log_min_duration_statement to app'] : []),
    'alter role person_3 nologin',
    `alter role all set idle_in_transaction_session_timeout = '1h'`,
    'alter role all set search_path = "$user", public, "odd, name"',
    // by two, of whom the second may grant only behind others
    ...(since >= 16
      ? [
          'grant readers to person_9 with admin option',
          'set role person_9; grant readers to person_1 with inherit false, set false; reset role',
        ]
      : []),
  ].join(';\n');
}

/** What the stock pg_dumpall says of a server: of its globals, or of all of it. */
export async function dumpedAll(server: DatabaseServer, major: number, args: readonly string[] = []): Promise<string> {
  const { command, args: before } = (await layerTools()).program('pg_dumpall', major);
  const { stdout } = await promisify(execFile)(
    command,
    [...before, '--host', server.host, '--port', String(server.port), '--username', server.user, ...args],
    { env: { PGPASSWORD: server.password }, maxBuffer: 64 * 1024 * 1024 },
  );
  return stdout.replace(/^\\(?:un)?restrict .*$/gm, '');
}
