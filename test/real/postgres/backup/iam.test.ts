import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import pg from 'pg';
import { backup } from '../../../../core/commands/backup.ts';
import { restore } from '../../../../core/commands/restore/restore.ts';
import { compose } from '../../../../core/compose.ts';
import type { Nightjar } from '../../../../core/compose.ts';
import { parseConfig } from '../../../../core/config-file.ts';
import { newRunId } from '../../../../core/holder.ts';
import { findLayer } from '../../../../bin/cli/setup/machine-layer.ts';
import { startPostgres } from '../../../servers/databases/postgres.ts';
import type { DatabaseServer } from '../../../servers/server.ts';
import { startDirectory } from '../../../support/iam/directory.ts';
import type { Directory } from '../../../support/iam/directory.ts';
import { refusalOf } from '../../../support/iam/token.ts';

const limit = () => AbortSignal.timeout(180_000);
const before = { ...process.env };
const role = {
  accessKeyId: 'ASIAEXAMPLE',
  secretAccessKey: 'secret/of+the=role',
  sessionToken: 'of-the-session+/='.repeat(80),
};
const region = 'eu-central-1';
const betweenMs = 16 * 60_000;
const otherTimers = [
  'hrtime',
  'nextTick',
  'performance',
  'queueMicrotask',
  'requestAnimationFrame',
  'cancelAnimationFrame',
  'requestIdleCallback',
  'cancelIdleCallback',
  'setImmediate',
  'clearImmediate',
  'setInterval',
  'clearInterval',
  'setTimeout',
  'clearTimeout',
] as const;

let server: DatabaseServer;
let directory: Directory;
let folder = '';
let nightjar: Nightjar;
/** How many connections are let in before IAM changes its mind. */
let letIn = Infinity;

beforeAll(async () => {
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: role.accessKeyId,
    AWS_SECRET_ACCESS_KEY: role.secretAccessKey,
    AWS_SESSION_TOKEN: role.sessionToken,
    AWS_REGION: region,
  });
  // the clock stands still but for what a test lets pass
  jest.useFakeTimers({ now: Date.now(), doNotFake: [...otherTimers] });
  folder = await mkdtemp(join(tmpdir(), 'nightjar-iam-'));
  server = await startPostgres({ major: 18, tls: true });
  directory = await startDirectory(asRds);
  await administer('postgres', 'create role "backup@shop" login superuser', 'create database shop');
  await administer(
    'shop',
    'create table orders (id int primary key, what text)',
    `insert into orders select n, 'order ' || n from generate_series(1, 1000) n`,
  );
  const rules = join(server.dataDir, 'pg_hba.conf');
  const asIam =
    `hostssl all "backup@shop" 127.0.0.1/32 ldap ldapserver=127.0.0.1 ldapport=${directory.port} ` +
    `ldapprefix="user="\n`;
  await writeFile(rules, `${asIam}${await readFile(rules, 'utf8')}`);
  await administer('postgres', 'select pg_reload_conf()');
  nightjar = await compose(parseConfig(configuration(), 'nightjar.yaml'), host(), limit());
}, 20 * 60_000);

afterAll(async () => {
  jest.useRealTimers();
  process.env = before;
  await Promise.all([server?.stop(), directory?.close()]);
  await rm(folder, { recursive: true, force: true });
});

beforeEach(() => {
  letIn = Infinity;
  directory.binds.length = 0;
});

/** Judges a token as RDS does; the next connection comes when this token has expired. */
function asRds(name: string, password: string): boolean {
  const refusal = refusalOf(
    password,
    { host: server.host, port: server.port, user: 'backup@shop', region, now: new Date() },
    role,
  );
  jest.setSystemTime(Date.now() + betweenMs);
  expect(commandLines().filter((line) => line.includes('X-Amz-Signature'))).toEqual([]);
  return name === 'user=backup@shop' && refusal === undefined && directory.binds.length < letIn;
}

/** Of every process of this machine: while a connection waits for its answer, its program is among them. */
function commandLines(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      } catch {
        return '';
      }
    });
}

async function administer(database: string, ...statements: string[]): Promise<void> {
  const { port, user, password, caFile } = server;
  const client = new pg.Client({
    host: server.host,
    port,
    user,
    password,
    database,
    ssl: { ca: await readFile(caFile!, 'utf8') },
  });
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
}

function configuration(): string {
  const login = {
    host: server.host,
    port: server.port,
    database: 'shop',
    user: 'backup@shop',
    password: 'iam',
    tls: { ca: server.caFile },
  };
  return JSON.stringify({
    vault: join(folder, 'vault'),
    sources: { shop: { postgres: login, parallel: 2, cloud: { resourceId: 'db-ABCDEFGHIJKL01234' } } },
  });
}

function host() {
  const identity = { run: newRunId(), holder: 'test', isGone: () => true };
  return { env: {}, folder, identity, layer: (signal: AbortSignal) => findLayer(before, undefined, () => {}, signal) };
}

test('a backup and a restore log in with a token of each connection, and never with one that has expired', async () => {
  const source = { ...(await nightjar.source('shop', {}, limit())), parallel: 1 };
  const manifest = await backup(source, { ...nightjar, report: () => {} }, limit());
  const ofBackup = directory.binds.length;
  const target = await nightjar.source('shop', { database: 'restored' }, limit());
  const { proof } = await restore(
    manifest,
    target.engine,
    { replace: false, owners: true, proof: true },
    { ...nightjar, parallel: 1, report: () => {} },
    limit(),
  );

  expect(manifest.tables).toMatchObject([{ table: 'public.orders', rows: 1000 }]);
  expect(proof).toMatchObject({ rows: 1000, differences: [] });
  expect(directory.binds.map(({ allowed }) => allowed)).not.toContain(false);
  // the snapshot, pg_dump twice, psql for the rows; the restore takes some more
  expect([ofBackup >= 4, directory.binds.length - ofBackup >= 6]).toEqual([true, true]);
  expect(new Set(directory.binds.map(({ password }) => password)).size).toBe(directory.binds.length);
  expect(directory.binds[0]!.password.length).toBeGreaterThan(1500);
});

test.each([
  ['the first connection', 0],
  ['a program', 1],
])('when %s is refused, the error names what to allow, and holds no token', async (_, allowed) => {
  letIn = allowed;
  const source = { ...(await nightjar.source('shop', {}, limit())), parallel: 1 };

  const error: unknown = await backup(source, { ...nightjar, report: () => {} }, limit()).catch(
    (reason: unknown) => reason,
  );

  expect(error).toMatchObject({
    code: 'source-unreachable',
    message: expect.stringMatching(
      /^postgres:\/\/backup@shop@127\.0\.0\.1:\d+\/shop: .*authentication failed for user "backup@shop"/s,
    ),
    hint: expect.stringContaining(
      'rds-db:connect on arn:aws:rds-db:<region>:<account>:dbuser:db-ABCDEFGHIJKL01234/backup@shop',
    ),
  });
  const { cause, message } = error as Error;
  expect(`${message}${JSON.stringify(error)}${String(cause)}${JSON.stringify(cause)}`).not.toMatch(
    /X-Amz|of-the-session/,
  );
});

test('no token is in the vault', async () => {
  const files = (await readdir(join(folder, 'vault'), { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  );

  for (const file of files) expect((await readFile(join(file.parentPath, file.name))).includes('X-Amz-')).toBe(false);
});
