import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import mysql from 'mysql2/promise';
import { startMariadb } from '../../servers/databases/mariadb.ts';
import { startMoto } from '../../servers/s3/moto.ts';
import type { DatabaseServer, S3Server } from '../../servers/server.ts';
import { nightjar } from '../../support/cli/command.ts';

let moto: S3Server;
let server: DatabaseServer;
let folder = '';
let admin: mysql.Connection;

beforeAll(async () => {
  [moto, server] = await Promise.all([startMoto(), startMariadb({ series: '11.8', tls: true })]);
  folder = await mkdtemp(join(tmpdir(), 'nightjar-elsewhere-'));
  await moto.createBucket('backups');
  const secrets = new SecretsManagerClient({ endpoint: moto.endpoint, region: moto.region, credentials: moto });
  await secrets.send(
    new CreateSecretCommand({
      Name: 'rds-blog',
      SecretString: JSON.stringify({ username: server.user, password: server.password }),
    }),
  );
  secrets.destroy();
  await writeFile(
    join(folder, 'nightjar.yaml'),
    `
vault: { s3: { bucket: backups, prefix: nightly, region: ${moto.region}, endpoint: "${moto.endpoint}", accessKeyId: { env: STORE_KEY }, secretAccessKey: { file: store-secret } } }
sources:
  blog:
    mariadb:
      host: ${server.host}
      port: ${server.port}
      database: blog
      user: { secret: rds-blog, field: username }
      password: { secret: rds-blog, field: password }
      tls: { ca: ${server.caFile} }
`,
  );
  await writeFile(join(folder, 'store-secret'), `${moto.secretAccessKey}\n`);
  const { host, port, user, password, caFile } = server;
  admin = await mysql.createConnection({
    host,
    port,
    user,
    password,
    multipleStatements: true,
    ssl: { ca: await readFile(caFile!, 'utf8') },
  });
  await admin.query(
    'create database blog; use blog; create table posts (id int primary key auto_increment, text text); insert ' +
      'into posts (text) select seq from seq_1_to_500; create event tidy on schedule every 1 hour do set @x = 1',
  );
}, 20 * 60_000);

afterAll(async () => {
  await admin.end();
  await Promise.all([moto.stop(), server.stop(), rm(folder, { recursive: true })]);
});

const run = (...args: string[]) =>
  nightjar([...args, '--json'], {
    cwd: folder,
    env: {
      STORE_KEY: moto.accessKeyId,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: moto.endpoint,
      AWS_REGION: moto.region,
      AWS_ACCESS_KEY_ID: 'any',
      AWS_SECRET_ACCESS_KEY: 'any',
    },
  });

test('MariaDB over TLS goes into a bucket and comes back equal, with every secret by reference', async () => {
  const backup = await run('backup');
  const verify = await run('verify');
  const restore = await run('restore', 'blog');

  expect(JSON.parse(backup.stdout)).toMatchObject({
    ok: true,
    results: [{ status: 'stored', source: 'blog', engine: 'mariadb', rows: 500 }],
  });
  expect(JSON.parse(verify.stdout)).toMatchObject({ ok: true, results: [{ status: 'intact' }] });
  expect(JSON.parse(restore.stdout)).toMatchObject({
    ok: true,
    result: { proven: true, proof: { rows: 500, differences: [] } },
  });
  expect([backup, verify, restore].map(({ code, stderr }) => ({ code, stderr }))).toEqual(
    [0, 0, 0].map((code) => ({ code, stderr: '' })),
  );
});

test('a secret that is not there fails that source, names the reference, and prints no secret', async () => {
  const text =
    `vault: ./b\nsources: { blog: { mariadb: { host: ${server.host}, port: ${server.port}, database: blog, user: ` +
    'root, password: { secret: rds-blgo, field: password } } } }';
  await writeFile(join(folder, 'wrong.yaml'), text);

  const { code, stdout } = await run('backup', '-c', 'wrong.yaml');

  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    ok: false,
    results: [
      {
        status: 'failed',
        error: {
          code: 'secret-missing',
          message: expect.stringContaining('the secret rds-blgo in AWS Secrets Manager'),
        },
      },
    ],
  });
  expect(stdout).not.toContain(server.password);
});

test('events run again in place, in a copy only when asked for, and the preview says which', async () => {
  await run('backup');
  const ways = {
    copy: ['--to', 'copy'],
    asked: ['--to', 'asked', '--events'],
    blog: ['--to', 'blog', '--replace', '--yes'],
  };
  const ended = [];
  for (const flags of Object.values(ways)) ended.push(await run('restore', 'blog', ...flags));
  const [events] = await admin.query('select event_schema as place, status from information_schema.events order by 1');
  const quiet = await run('restore', 'blog', ...ways.blog, '--no-events');
  const [after] = await admin.query("select status from information_schema.events where event_schema = 'blog'");

  expect([...ended, quiet].map(({ code }) => code)).toEqual([0, 0, 0, 0]);
  expect(events).toEqual(
    expect.arrayContaining([
      { place: 'asked', status: 'ENABLED' },
      { place: 'blog', status: 'ENABLED' },
      { place: 'copy', status: 'DISABLED' },
    ]),
  );
  expect(after).toEqual([{ status: 'DISABLED' }]);
  expect(JSON.parse(ended[0]!.stdout)).toMatchObject({
    result: {
      notes: [
        expect.stringMatching(
          /1 event of the backup is disabled here.*ALTER DEFINER=`root`@`127.0.0.1` EVENT `copy`.`tidy` ENABLE;/,
        ),
      ],
    },
  });
  expect(JSON.parse(ended[2]!.stdout)).toMatchObject({
    result: { notes: [expect.stringMatching(/^the old database is kept as blog_before_/)] },
  });
});
