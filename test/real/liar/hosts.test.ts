import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { messageSchema } from '../../../core/contract/events/message.ts';
import { nightjarInProcess } from '../../support/cli/in-process.ts';
import { cliScene } from '../../support/cli/scene.ts';
import type { CliScene } from '../../support/cli/scene.ts';
import { errorOf, valueOf } from '../lambda/sandbox/outcome.ts';
import { openScene } from '../lambda/scene.ts';
import { mariadbSql } from '../lambda/sql.ts';
import { startEndpoint } from '../../support/endpoints/endpoint.ts';
import type { Endpoint } from '../../support/endpoints/endpoint.ts';
import { startMariadb } from '../../servers/databases/mariadb.ts';

let scene: CliScene;
let pager: Endpoint;

/** Restored, this database is another one: its materialized view counts how often it was filled. */
const counting = `create table fills (n int); insert into fills values (0);
  create function fill() returns int language sql as 'update public.fills set n = n + 1 returning n';
  create materialized view filled as select public.fill() as n`;

beforeAll(async () => {
  [scene, pager] = await Promise.all([cliScene(), startEndpoint(() => ({ status: 200 }))]);
  await scene.sql('big', counting);
}, 20 * 60_000);

afterAll(async () => {
  await Promise.all([scene?.stop(), pager?.stop()]);
});

const alerts = () => pager.accepted.map(({ body }) => messageSchema.parse(JSON.parse(body)));
const notify = [{ webhook: { url: { env: 'PAGER_URL' }, key: { env: 'PAGER_KEY' } } }];
const pagerEnv = () => ({ PAGER_URL: pager.url, PAGER_KEY: 'key' });

test('from the command line, a restore that is not what was backed up ends with 3, is told, and is on record', async () => {
  await appendFile(join(scene.folder, 'nightjar.yaml'), `notify: ${JSON.stringify(notify)}\n`);
  const run = (args: string[]) => nightjarInProcess(args, { cwd: scene.folder, env: { ...scene.env, ...pagerEnv() } });
  pager.accepted.length = 0;

  const stored = await run(['backup', 'big']);
  const restored = await run(['restore', 'big', '--to', 'big_again']);
  const listed = await run(['list', 'big']);

  expect(stored.code).toBe(0);
  expect(restored).toMatchObject({
    code: 3,
    stderr: expect.stringMatching(
      /error: .*big_again.* is not what was backed up: table public\.fills has the right number of rows, and other content/,
    ),
  });
  expect(restored.stdout).not.toContain('proven');
  expect(listed.stdout).toMatch(/damaged|failed/);
  expect((await scene.objects()).filter((path) => /proofs\/.*-restore-failed\.json$/.test(path))).toHaveLength(1);
  expect((await scene.objects()).filter((path) => /proofs\/.*-passed\.json$/.test(path))).toEqual([]);
  expect(alerts()).toMatchObject([
    {
      kind: 'restore-failed',
      severity: 'problem',
      source: 'big',
      facts: expect.arrayContaining([{ label: 'Error', value: expect.stringContaining('public.fills') }]),
    },
  ]);
}, 120_000);

test('in Lambda, a restore that is not what was backed up fails by that name, is told, and is on record', async () => {
  const lambda = await openScene();
  try {
    const sources = { big: { server: scene.server, engine: 'postgres', database: 'big' } as const };
    const settings = { environment: pagerEnv(), config: { notify } };
    const [backup, restore] = await Promise.all([
      lambda.deploy('backup', sources, settings),
      lambda.deploy('restore', sources, settings),
    ]);
    pager.accepted.length = 0;

    valueOf(await backup.invoke({ source: 'big' }));
    const failed = errorOf(await restore.invoke({ source: 'big', to: 'big_in_lambda' }));

    expect(failed).toMatchObject({
      errorType: 'proof-failed',
      errorMessage: expect.stringMatching(
        /big_in_lambda.* is not what was backed up: table public\.fills has the right number of rows, and other content/,
      ),
    });
    expect((await lambda.keys()).filter((key) => /proofs\//.test(key))).toEqual([
      expect.stringMatching(/-restore-failed\.json$/),
    ]);
    expect(alerts()).toMatchObject([
      {
        kind: 'restore-failed',
        severity: 'problem',
        source: 'big',
        facts: expect.arrayContaining([{ label: 'Error', value: expect.stringContaining('public.fills') }]),
      },
    ]);
  } finally {
    await lambda.close();
  }
}, 120_000);

/**
 * Whoever logs in without being an administrator changes one row, where it is there: so does the restore itself,
 * between its steps.
 */
const meddling = [
  'create database meddle',
  'create procedure meddle.meddle() begin declare continue handler for sqlexception begin end; update ' +
    `again.orders set note = 'x' where id = 7; end`,
  `create user app@'%' identified by 'secret'`,
  `grant all on *.* to app@'%'`,
  `revoke super, connection admin on *.* from app@'%'`,
  `set global init_connect = 'call meddle.meddle()'`,
];

test('a MariaDB database in which one value was changed is not proven from the command line either', async () => {
  const server = await startMariadb({ series: '11.8' });
  const { folder } = scene;
  try {
    await mariadbSql(
      server,
      'create database shop',
      'create table shop.orders (id int primary key, note text)',
      `insert into shop.orders select seq, md5(seq) from shop.seq_1_to_100`,
      ...meddling,
    );
    const shop = {
      mariadb: {
        host: server.host,
        port: server.port,
        user: 'app',
        password: { env: 'APP_PASSWORD' },
        database: 'shop',
      },
    };
    await writeFile(join(folder, 'nightjar.yaml'), JSON.stringify({ vault: './maria', sources: { shop }, notify }));
    const run = (args: string[]) =>
      nightjarInProcess(args, { cwd: folder, env: { APP_PASSWORD: 'secret', ...pagerEnv() } });
    pager.accepted.length = 0;

    const stored = await run(['backup', 'shop']);
    const restored = await run(['restore', 'shop', '--to', 'again']);

    expect(stored).toMatchObject({ code: 0 });
    expect(restored).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(
        /again.* is not what was backed up: table `orders` has the right number of rows, and other content/,
      ),
    });
    expect(alerts()).toMatchObject([{ kind: 'restore-failed', source: 'shop' }]);
  } finally {
    await server.stop();
  }
}, 120_000);
