import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { startDirectory } from '../../support/iam/directory.ts';
import type { Directory } from '../../support/iam/directory.ts';
import { refusalOf } from '../../support/iam/token.ts';
import { startPostgres } from '../../servers/databases/postgres.ts';
import type { DatabaseServer } from '../../servers/server.ts';
import { errorOf, valueOf } from './sandbox/outcome.ts';
import { openScene, type Scene } from './scene.ts';

// as the imitated execution role has them (environment.ts)
const role = { accessKeyId: 'moto', secretAccessKey: 'moto-takes-any', sessionToken: 'of-the-execution-role' };
let scene: Scene;
let server: DatabaseServer;
let directory: Directory;
let certificate = '';

beforeAll(async () => {
  [scene, server] = await Promise.all([openScene(), startPostgres({ major: 18, tls: true })]);
  certificate = await readFile(server.caFile!, 'utf8');
  directory = await startDirectory(
    (name, token) =>
      name === 'user=backup' &&
      refusalOf(
        token,
        { host: server.host, port: server.port, user: 'backup', region: scene.aws.region, now: new Date() },
        role,
      ) === undefined,
  );
  await administer(
    'postgres',
    'create database shop',
    'create role backup login superuser',
    'create role stranger login superuser',
  );
  await administer('shop', 'create table orders as select generate_series(1, 100) as id');
  const rules = join(server.dataDir, 'pg_hba.conf');
  const asIam =
    `hostssl all backup,stranger 127.0.0.1/32 ldap ldapserver=127.0.0.1 ldapport=${directory.port} ` +
    `ldapprefix="user="\n`;
  await writeFile(rules, `${asIam}${await readFile(rules, 'utf8')}`);
  await administer('postgres', 'select pg_reload_conf()');
}, 20 * 60_000);

afterAll(async () => {
  await Promise.all([scene?.close(), server?.stop(), directory?.close()]);
});

async function administer(database: string, ...statements: string[]): Promise<void> {
  const { host, port, user, password } = server;
  const client = new pg.Client({ host, port, user, password, database, ssl: { ca: certificate } });
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
}

function settings(user: string) {
  const login = {
    host: server.host,
    port: server.port,
    database: 'shop',
    user,
    password: 'iam',
    tls: { ca: 'ca.pem' },
  };
  return {
    config: { sources: { shop: { postgres: login, cloud: { resourceId: 'db-ABC' } } } },
    files: { 'ca.pem': certificate },
  };
}

test('the bundled functions back up and restore with tokens of their role, and leave none in their logs', async () => {
  const [backup, restore] = await Promise.all([
    scene.deploy('backup', {}, settings('backup')),
    scene.deploy('restore', {}, settings('backup')),
  ]);

  const runs = [await backup.invoke({ source: 'shop' }), await restore.invoke({ source: 'shop', to: 'restored' })];

  expect(runs.map(valueOf)).toMatchObject([
    { status: 'stored', rows: 100 },
    { status: 'restored', database: 'restored', proof: expect.stringContaining('100 rows') },
  ]);
  expect(directory.binds.length).toBeGreaterThan(8);
  expect(directory.binds.filter(({ allowed }) => !allowed)).toEqual([]);
  for (const { logs } of runs) expect(logs.join('\n')).not.toMatch(/X-Amz|of-the-execution-role/);
});

test('a user that IAM does not let in is told what to allow', async () => {
  const backup = await scene.deploy('backup', {}, settings('stranger'));

  const failed = await backup.invoke({ source: 'shop' });

  expect(errorOf(failed)).toEqual({
    errorType: 'source-unreachable',
    errorMessage: expect.stringMatching(
      /authentication failed for user "stranger" \(hint: .*rds-db:connect on arn:aws:rds-db:<region>:<account>:dbuser:db-ABC\/stranger/,
    ),
  });
  expect(failed.logs.join('\n')).not.toMatch(/X-Amz|of-the-execution-role/);
});
