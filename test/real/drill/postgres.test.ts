import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { backup } from '../../../core/commands/backup.ts';
import { drill } from '../../../core/commands/proof/drill.ts';
import type { DrillOptions } from '../../../core/commands/proof/drill.ts';
import { restore } from '../../../core/commands/restore/restore.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { drillDatabaseName } from '../../../core/domain/drill-name.ts';
import type { Engine } from '../../../core/ports.ts';
import { changedBeforeProof } from '../liar/court.ts';
import { start } from '../../support/cli/command.ts';
import { limit, postgresScene } from '../../support/postgres.ts';
import type { PostgresScene } from '../../support/postgres.ts';
import { recordsOf } from './records.ts';
import { toldOfDrills } from './told.ts';

let scene: PostgresScene;
let manifest: Manifest;
let folder: string;
/** A second backup, of which nobody tells lies: the newest good one. */
let honest: Manifest;
let untouched: unknown;

beforeAll(async () => {
  scene = await postgresScene(18);
  await scene.sql('postgres', 'create role app');
  await scene.sql('postgres', 'create database shop owner app');
  await scene.sql(
    'postgres',
    `alter database shop set search_path = stock, public; comment on database shop is 'ours'`,
  );
  await scene.sql(
    'shop',
    `set role app; create schema stock; create table stock.orders (id serial primary key, note text);
    insert into stock.orders (note) select md5(g::text) from generate_series(1, 500) g;
    create view stock.late as select * from stock.orders where id > 400;
    create function stock.stamp() returns trigger language plpgsql as 'begin new.note = upper(new.note); return new; end';
    create trigger stamp before update on stock.orders for each row execute function stock.stamp();
    create function stock.purge() returns bool language sql as 'delete from stock.orders; select true'`,
  );
  manifest = await backup(scene.source('shop'), scene.deps(), limit());
  honest = await backup(scene.source('shop'), scene.deps(), limit());
  folder = await mkdtemp(join(tmpdir(), 'nightjar-drill-'));
  untouched = await contents();
}, 20 * 60_000);

afterAll(async () => {
  await scene?.stop();
  if (folder !== undefined) await rm(folder, { recursive: true });
});

const engine = (): Engine => scene.source(drillDatabaseName('shop', Math.random())).engine;
/** A minute passes with each question, so that each drill has a record of its own. */
let minutes = 0;
const clock = { now: () => new Date(Date.parse('2040-01-01T00:00:00Z') + (minutes += 1) * 60_000) };
const drilling = (more: Partial<DrillOptions> = {}, at = engine(), signal = limit()) =>
  drill(
    manifest,
    at,
    { owners: true, tablespaces: true, assert: [], ...more },
    { ...scene.deps(), clock, parallel: 2 },
    signal,
  );
const databases = async () =>
  (await scene.sql('postgres', 'select datname from pg_database where not datistemplate order by 1')).map((row) =>
    String(row['datname']),
  );
const newestRecord = async () => (await recordsOf(manifest, scene.vault)).at(-1);

/** The source's rows, and how often anybody has written into it, as the server tells. */
async function contents(): Promise<unknown> {
  await scene.sql('shop', 'select pg_stat_force_next_flush()');
  return scene.sql(
    'shop',
    `select md5(string_agg(o::text, ',' order by id)) as rows, (select last_value from stock.orders_id_seq) as next,
      (select n_tup_ins + n_tup_upd + n_tup_del from pg_stat_user_tables where relname = 'orders') as written
    from stock.orders o`,
  );
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 60_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('it did not come to that');
    await sleep(30);
  }
}

/** The command line, on a configuration with these assertions. */
async function nightjar(assert: string[], ...args: string[]) {
  const { host, port, user, password } = scene.server;
  const cwd = await mkdtemp(join(folder, 'place-'));
  await writeFile(
    join(cwd, 'nightjar.yaml'),
    JSON.stringify({
      vault: scene.folder,
      sources: {
        shop: {
          postgres: { host, port, user, database: 'shop', password: { env: 'SHOP_PASSWORD' } },
          drill: { assert },
          drillEvery: '8d',
        },
      },
    }),
  );
  return start(args, { cwd, env: { SHOP_PASSWORD: password } });
}

test('a backup that comes back as it was passes, with its assertions, and leaves a record and nothing else', async () => {
  const looked = async (...args: string[]) => (await (await nightjar([], ...args)).ended).stdout;
  expect(await looked('check', '--no-tell')).toContain('overdue-drill: no backup has ever been proven');

  const done = await drilling({
    assert: [
      'select count(*) = 500 from orders',
      'select max(id) > 400 from late -- late',
      "select current_setting('statement_timeout') = '1min' and current_setting('transaction_read_only') = 'on'",
    ],
  });

  expect(done).toMatchObject({ proof: { differences: [], tables: 1, rows: 500 }, assertions: 3 });
  expect(await newestRecord()).toMatchObject({
    kind: 'drill',
    outcome: 'passed',
    body: { compared: expect.stringMatching(/^proven equal: 1 table, 500 rows.*; 3 assertions true; restored in /) },
  });
  const [list, check] = await Promise.all([looked('list', 'shop'), looked('check', '--no-tell')]);
  expect(list).toContain(`shop: 2 backups, times in UTC, proven up to ${manifest.id}\n`);
  expect(check).not.toContain('overdue-drill');
  expect(await databases()).toEqual(['postgres', 'shop']);
});

test.each([
  ['a missing row', 'delete from stock.orders where id = 7', /table stock\.orders has 499 rows instead of 500/],
  [
    'a changed byte',
    `alter table stock.orders disable trigger stamp; update stock.orders set note = overlay(note placing 'X' from 3) where id = 9;
      alter table stock.orders enable trigger stamp`,
    /table stock\.orders has the right number of rows, and other content/,
  ],
  ['a missing trigger', 'drop trigger stamp on stock.orders', /trigger stamp on stock\.orders is missing/],
  ['a sequence set back', `select setval('stock.orders_id_seq', 5)`, /sequence \S*orders_id_seq\S* stands at/],
  ['a lost view', 'drop view stock.late', /view stock\.late is missing/],
])('%s fails it, is on record, and the scratch database is dropped', async (_, sql, said) => {
  const failed = drilling(
    {},
    changedBeforeProof(engine(), (database) => scene.sql(database!, sql)),
  );

  await expect(failed).rejects.toMatchObject({ code: 'proof-failed', message: expect.stringMatching(said) });
  expect(await newestRecord()).toMatchObject({ kind: 'drill', outcome: 'failed' });
  expect(await databases()).toEqual(['postgres', 'shop']);
});

test('assertions that are not true fail it, and are named without a value of any row', async () => {
  const untrue = [
    'select count(*) > 500 from orders',
    'select null::bool',
    'select max(id) > 400 from orders where id = 0',
  ];

  const error = (await drilling({ assert: ['select true', ...untrue] }).catch((thrown: unknown) => thrown)) as Error;

  expect(error).toMatchObject({ code: 'proof-failed' });
  for (const each of untrue) expect(error.message).toContain(`the assertion is not true: ${each};`);
  expect(error.message).not.toMatch(/[0-9a-f]{32}|is not true: select true;/);
  expect(await newestRecord()).toMatchObject({ kind: 'drill', outcome: 'failed' });
  expect(await databases()).toEqual(['postgres', 'shop']);
});

test('those that can’t be answered, or would write, are the configuration’s fault: no record speaks against the backup', async () => {
  const before = (await recordsOf(manifest, scene.vault)).length;
  const wrong = {
    'select note from orders where id = 1': 'it gives several columns, or a value that is no boolean',
    'select 1': 'it gives several columns, or a value that is no boolean',
    'select true, true': 'it gives several columns, or a value that is no boolean',
    'select true from orders': 'it gives several rows',
    'select true from orders where id = 0': 'it gives no row',
    'selekt true': 'syntax error at or near "true"',
    'select count(*) > 0 from ordres': 'relation "ordres" does not exist',
    'select note::regclass is null from orders where id = 1':
      "the server's error 42P01: there is no such table or view",
    'select note::regoper is null from orders where id = 1':
      "the server's error 42883: there is no such function or operator",
    'select purge()': 'cannot execute DELETE in a read-only transaction',
    'select note::int > 0 from orders where id = 1': "the server's error 22P02",
    'select true) x; select (true': 'cannot insert multiple commands into a prepared statement',
    'delete from orders returning true': 'syntax error at or near "from"',
  };

  const error = (await drilling({ assert: Object.keys(wrong) }).catch((thrown: unknown) => thrown)) as Error;

  expect(error).toMatchObject({ code: 'config-invalid', hint: expect.stringContaining('drill.assert') });
  for (const [each, why] of Object.entries(wrong))
    expect(error.message).toContain(`the assertion could not be answered (${why}): ${each}`);
  expect(error.message).not.toMatch(/[0-9a-f]{32}/);
  expect((await recordsOf(manifest, scene.vault)).length).toBe(before);
  expect(await databases()).toEqual(['postgres', 'shop']);
});

test('a database that is there is never used, whoever’s it is', async () => {
  await scene.sql('postgres', 'create database taken');
  for (const there of ['shop', 'taken'])
    await expect(drilling({}, scene.source(there).engine)).rejects.toMatchObject({ code: 'target-not-empty' });

  expect(await databases()).toEqual(['postgres', 'shop', 'taken']);
  await scene.sql('postgres', 'drop database taken');
});

test('a server that lacks the roles says what to do, and without owners the drill passes there', async () => {
  await scene.sql('postgres', 'alter role app rename to moved');
  const missing = await drilling().catch((thrown: unknown) => thrown);
  const without = await drilling({ owners: false });
  await scene.sql('postgres', 'alter role moved rename to app');

  expect(missing).toMatchObject({
    code: 'restore-failed',
    message: expect.stringContaining('role "app" does not exist'),
    hint: expect.stringContaining('--no-owner (always: drill: { owners: false })'),
  });
  expect(without.proof.differences).toEqual([]);
  expect(await databases()).toEqual(['postgres', 'shop']);
});

test('a deadline in the middle drops it', async () => {
  const stop = new AbortController();
  const at = changedBeforeProof(engine(), async () => stop.abort());

  await expect(drilling({}, at, stop.signal)).rejects.toMatchObject({
    code: 'aborted',
    message: expect.stringContaining('what was restored is dropped again'),
  });
  expect(await databases()).toEqual(['postgres', 'shop']);
});

test('Ctrl-C drops it, and the exit code says so', async () => {
  const running = await nightjar(['select pg_sleep(60) is null'], 'drill', 'shop');
  await until(async () => (await sleepers()).length === 1);
  running.kill('SIGINT');

  expect(await running.ended).toMatchObject({ code: 130, stderr: expect.stringContaining('is dropped again') });
  expect(await databases()).toEqual(['postgres', 'shop']);
});

test('what a killed drill has left is dropped by the next run, and nothing else', async () => {
  const unmarked = drillDatabaseName('shop', 0.5);
  await scene.sql('postgres', `create database ${unmarked}`);
  const atWork = await nightjar(['select pg_sleep(60) is null'], 'drill', 'shop');
  await until(async () => (await sleepers()).length === 1);
  const [alive] = (await sleepers()) as [string];

  for (const next of [() => drilling(), () => restoring('elsewhere')]) {
    const killed = await nightjar(['select pg_sleep(60) is null'], 'drill', 'shop');
    await until(async () => (await sleepers()).length === 2);
    killed.kill('SIGKILL');
    await killed.ended;
    expect((await databases()).filter((name) => name.includes('_drill_'))).toHaveLength(3);
    await scene.sql(
      'postgres',
      `select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep' and datname <> '${alive}'`,
    );
    // the server has noticed that one of the two runs is gone
    await until(async () => (await claims()) === 1);
    const died = (await databases()).filter((name) => name.includes('_drill_') && name !== alive && name !== unmarked);
    expect((await next()).notes).toContain(`database ${died[0]}, which a drill that died had left, was dropped now`);
    expect((await databases()).filter((name) => name.includes('_drill_'))).toEqual([alive, unmarked].sort());
  }

  atWork.kill('SIGTERM');
  expect(await atWork.ended).toMatchObject({ code: 143 });
  await scene.sql('postgres', `drop database ${unmarked}`);
  await scene.sql('postgres', 'drop database elsewhere');
  expect(await databases()).toEqual(['postgres', 'shop']);
});

test('the command line tells in two lines what was shown, exits with 3 for a failed proof, and prints one document', async () => {
  const ended = async (assert: string[], ...args: string[]) => (await nightjar(assert, 'drill', 'shop', ...args)).ended;
  const [seen, untrue, json] = await Promise.all([
    ended(['select count(*) > 0 from orders']),
    ended(['select count(*) > 1000 from orders'], '--backup', manifest.id),
    ended([], '--backup', honest.id, '--json'),
  ]);
  const every = await (await nightjar(['select false'], 'drill', '--json')).ended;

  expect(seen).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(
      new RegExp(
        `^drilled shop ${honest.id} in [\\d.]+ s; its scratch database is dropped again\nproven equal: 1 table, ` +
          `500 rows, \\d+ definitions; 1 assertion true; restored in [\\d.]+ s\n$`,
      ),
    ),
  });
  expect(untrue).toMatchObject({ code: 3, stderr: expect.stringContaining('the assertion is not true') });
  expect(every.code).toBe(3);
  expect(JSON.parse(every.stdout)).toMatchObject({
    ok: false,
    results: [{ status: 'failed', source: 'shop', error: { code: 'proof-failed' } }],
  });
  expect(JSON.parse(json.stdout)).toMatchObject({
    ok: true,
    results: [{ status: 'drilled', source: 'shop', id: honest.id, proven: true, assertions: 0, proof: { rows: 500 } }],
  });
});

test('one that can’t be held says so once, with its remedy; a month of those that can makes no noise', async () => {
  await scene.sql('postgres', `create role small login password 'small'; grant app to small`);
  const small = () =>
    scene.source(drillDatabaseName('shop', Math.random()), { login: { user: 'small', password: 'small' } });
  const refused = Array.from({ length: 4 }, (_, day) => ({ day, work: () => drilling({}, small().engine) }));
  const held = [4, 11, 18, 25].map((day) => ({ day, work: () => drilling() }));

  const told = await toldOfDrills(scene.vault, [...refused, ...held]);

  expect(told.map(({ day, message: { severity, kind } }) => [day, severity, kind])).toEqual([
    [0, 'problem', 'drill-failed'],
    [4, 'recovered', 'recovered'],
  ]);
  const hint = told[0]!.message.facts.find(({ label }) => label === 'Hint')?.value;
  expect(hint).toMatch(/ALTER ROLE "?small"? CREATEDB.*nightjar restore --to; or.*drill: \{ server: … \}/);
  expect(await databases()).toEqual(['postgres', 'shop']);
});

test('nothing of all this has touched the source', async () => {
  expect(await contents()).toEqual(untouched);
  expect(await databases()).toEqual(['postgres', 'shop']);
});

/** Runs that hold the right to work on a database. */
async function claims(): Promise<number> {
  return (await scene.sql('postgres', `select 1 from pg_locks where locktype = 'advisory'`)).length;
}

/** Scratch databases in which an assertion sleeps. */
async function sleepers(): Promise<string[]> {
  const rows = await scene.sql(
    'postgres',
    `select distinct datname from pg_stat_activity where wait_event = 'PgSleep' and datname like '%\\_drill\\_%'`,
  );
  return rows.map((row) => String(row['datname']));
}

function restoring(database: string) {
  const options = { replace: false, owners: true, proof: false };
  return restore(manifest, scene.source(database).engine, options, { ...scene.deps(), parallel: 2 }, limit());
}
