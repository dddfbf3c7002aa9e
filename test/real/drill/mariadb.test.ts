import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type mysql from 'mysql2/promise';
import { backup } from '../../../core/commands/backup.ts';
import { drill } from '../../../core/commands/proof/drill.ts';
import type { DrillOptions } from '../../../core/commands/proof/drill.ts';
import { restore } from '../../../core/commands/restore/restore.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { drillDatabaseName } from '../../../core/domain/drill-name.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import { mariadbEngine } from '../../../core/engines/mariadb/index.ts';
import type { Engine, Source } from '../../../core/ports.ts';
import type { Tools } from '../../../core/tools.ts';
import { changedBeforeProof } from '../liar/court.ts';
import { startMariadb } from '../../servers/databases/mariadb.ts';
import { startLimitMs } from '../../servers/server.ts';
import type { DatabaseServer } from '../../servers/server.ts';
import { start } from '../../support/cli/command.ts';
import { connect, loginTo } from '../../support/mariadb/mariadb.ts';
import { layerTools } from '../../support/tools.ts';
import { folderScene, limit } from '../../support/vaults/vault.ts';
import type { FolderScene } from '../../support/vaults/vault.ts';
import { recordsOf } from './records.ts';
import { toldOfDrills } from './told.ts';

let tools: Tools;
let server: DatabaseServer;
let admin: mysql.Connection;
let scene: FolderScene;
let manifest: Manifest;
/** A second backup, of which nobody tells lies: the newest good one. */
let honest: Manifest;
let folder: string;
let untouched: unknown;

beforeAll(async () => {
  [tools, server, scene] = await Promise.all([layerTools(), startMariadb({ series: '11.8' }), folderScene()]);
  folder = await mkdtemp(join(tmpdir(), 'nightjar-drill-'));
  admin = await connect(server);
  await admin.query(`SET GLOBAL event_scheduler = OFF; CREATE USER app@localhost; CREATE DATABASE shop; USE shop;
    CREATE TABLE orders (id int AUTO_INCREMENT PRIMARY KEY, note varchar(40));
    INSERT INTO orders (note) SELECT md5(seq) FROM seq_1_to_500; CREATE TABLE log (line varchar(80)); CREATE SEQUENCE numbers START WITH 100;
    GRANT ALL ON shop.* TO app@localhost;
    CREATE DEFINER = app@localhost VIEW late AS SELECT * FROM shop.orders WHERE id > 400;
    CREATE DEFINER = app@localhost TRIGGER stamp BEFORE INSERT ON orders FOR EACH ROW INSERT INTO shop.log VALUES ('trigger');
    CREATE DEFINER = app@localhost FUNCTION emptied() RETURNS int BEGIN DELETE FROM shop.orders; RETURN 1; END;
    CREATE DEFINER = app@localhost PROCEDURE tidy() DELETE FROM shop.orders;
    CREATE DEFINER = app@localhost EVENT tick ON SCHEDULE EVERY 1 SECOND DO INSERT INTO shop.log VALUES (concat('event of ', database()));`);
  const retention = { count: 1 };
  const source: Source = {
    name: 'shop' as SourceName,
    engine: mariadbEngine(loginTo(server, 'shop'), tools),
    timeZone: 'UTC',
    retention,
    compressionLevel: 1,
    parallel: 2,
  };
  manifest = await backup(source, scene.deps(), limit());
  honest = await backup(source, scene.deps(), limit());
  // from here on, whatever an event or anything else writes into the source is a drill's doing
  await admin.query('DROP EVENT shop.tick; SET GLOBAL event_scheduler = ON');
  untouched = await contents();
}, startLimitMs);

afterAll(async () => {
  await admin?.end();
  await server?.stop();
  await scene?.remove();
  if (folder !== undefined) await rm(folder, { recursive: true });
});

const scratch = () => drillDatabaseName('shop', Math.random());
const engine = (database = scratch()): Engine => mariadbEngine(loginTo(server, database), tools);
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
const newestRecord = async () => (await recordsOf(manifest, scene.vault)).at(-1);

async function ask(sql: string): Promise<string[]> {
  const [rows] = await admin.query<mysql.RowDataPacket[]>({ sql, rowsAsArray: true });
  return rows.map((row) => String((row as unknown as unknown[])[0]));
}

const databases = () =>
  ask(
    "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME NOT IN ('mysql', 'sys', 'test', " +
      "'performance_schema', 'information_schema') ORDER BY 1",
  );
const drilled = async () => (await databases()).filter((name) => name.includes('_drill_'));

/** The source as the server adds it up. */
async function contents(): Promise<unknown> {
  const [rows] = await admin.query('CHECKSUM TABLE shop.orders, shop.log EXTENDED');
  return { rows, next: await ask('SELECT next_not_cached_value FROM shop.numbers') };
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
  const { host, port, user, password } = server;
  const mariadb = { host, port, user, database: 'shop', password: { env: 'SHOP_PASSWORD' } };
  const cwd = await mkdtemp(join(folder, 'place-'));
  await writeFile(
    join(cwd, 'nightjar.yaml'),
    JSON.stringify({ vault: scene.folder, sources: { shop: { mariadb, drill: { assert } } } }),
  );
  return start(args, { cwd, env: { SHOP_PASSWORD: password } });
}

const sleepers = async (): Promise<number> =>
  (await ask("SELECT ID FROM information_schema.PROCESSLIST WHERE STATE = 'User sleep'")).length;

/** Sessions that do nothing, in no database: of each run, the one that holds its right to work on one. */
const idle = async (): Promise<number> =>
  (await ask("SELECT ID FROM information_schema.PROCESSLIST WHERE COMMAND = 'Sleep' AND DB IS NULL")).length;

test('a backup that comes back as it was passes, with its assertions, and leaves a record and nothing else', async () => {
  const done = await drilling({
    assert: [
      'select count(*) = 500 from orders',
      'select max(id) > 400 from orders # late',
      'select @@max_statement_time = 60',
    ],
  });

  expect(done).toMatchObject({ proof: { differences: [], rows: 500 }, assertions: 3 });
  expect(await newestRecord()).toMatchObject({
    kind: 'drill',
    outcome: 'passed',
    body: { compared: expect.stringMatching(/^proven equal.*; 3 assertions true; restored in /) },
  });
  expect(await databases()).toEqual(['shop']);
});

test.each([
  ['a missing row', 'DELETE FROM orders WHERE id = 7', /orders`? has 499 rows instead of 500/],
  [
    'a changed byte',
    "UPDATE orders SET note = INSERT(note, 3, 1, 'X') WHERE id = 9",
    /orders`? has the right number of/,
  ],
  ['a missing trigger', 'DROP TRIGGER stamp', /trigger stamp is missing/],
  ['a sequence set back', 'ALTER SEQUENCE numbers RESTART 5', /sequence `numbers` stands at/],
  ['a lost view', 'DROP VIEW late', /view late is missing/],
])('%s fails it, is on record, and the scratch database is dropped', async (_, sql, said) => {
  const database = scratch();
  const failed = drilling(
    {},
    changedBeforeProof(engine(database), () => admin.query(`USE ${database}; ${sql}; USE mysql`)),
  );

  await expect(failed).rejects.toMatchObject({ code: 'proof-failed', message: expect.stringMatching(said) });
  expect(await newestRecord()).toMatchObject({ kind: 'drill', outcome: 'failed' });
  expect(await databases()).toEqual(['shop']);
});

test('assertions that are not true fail it, and are named without a value of any row', async () => {
  const untrue = ['select count(*) > 500 from orders', 'select null', 'select max(id) > 400 from orders where id = 0'];

  const error = (await drilling({ assert: ['select true', ...untrue] }).catch((thrown: unknown) => thrown)) as Error;

  expect(error).toMatchObject({ code: 'proof-failed' });
  for (const each of untrue) expect(error.message).toContain(`the assertion is not true: ${each};`);
  expect(error.message).not.toMatch(/[0-9a-f]{32}|is not true: select true;/);
  expect(await databases()).toEqual(['shop']);
});

test('those that can’t be answered, would write, or name the source, are the configuration’s fault: no record', async () => {
  const before = (await recordsOf(manifest, scene.vault)).length;
  const wrong = {
    'select note from orders where id = 1': 'it gives neither 1 nor 0',
    'select count(*) from orders': 'it gives neither 1 nor 0',
    'select 1, 2': 'it gives several columns',
    'select true from orders': 'it gives several rows',
    'select true from orders where id = 0': 'it gives no row',
    'selekt true': 'You have an error in your SQL syntax',
    'select count(*) > 0 from ordres': "Table 'shop_drill_[0-9a-f]{12}.ordres' doesn't exist",
    'select emptied() = 1': 'Cannot execute statement in a READ ONLY transaction',
    "select 1 from orders where id = 1 and extractvalue(note, '<')": "the server's error 1105",
    'select true) x; delete from orders where (true': 'You have an error in your SQL syntax',
    'delete from orders': 'You have an error in your SQL syntax',
    'call tidy()': 'You have an error in your SQL syntax',
    'select count(*) > 0 from shop.orders': 'it names the database shop',
  };

  const error = (await drilling({ assert: Object.keys(wrong) }).catch((thrown: unknown) => thrown)) as Error;

  expect(error).toMatchObject({ code: 'config-invalid', hint: expect.stringContaining('drill.assert') });
  expect(error.message).not.toMatch(/[0-9a-f]{32}/);
  const told = error.message.split('the assertion could not be answered ').slice(1);
  expect(told).toHaveLength(Object.keys(wrong).length);
  for (const [at, [each, why]] of Object.entries(wrong).entries()) {
    expect(told[at]).toMatch(new RegExp(`^\\(${why}`));
    expect(told[at]).toContain(`: ${each}; `);
  }
  expect((await recordsOf(manifest, scene.vault)).length).toBe(before);
  expect(await databases()).toEqual(['shop']);
});

test('a database that is there is never used, nor one whose keys reach into another', async () => {
  await admin.query('CREATE DATABASE taken; CREATE DATABASE other; CREATE TABLE other.parents (id int PRIMARY KEY)');
  for (const there of ['shop', 'taken'])
    await expect(drilling({}, engine(there))).rejects.toMatchObject({ code: 'target-not-empty' });
  await admin.query(
    'CREATE DATABASE keyed; CREATE TABLE keyed.t (p int, FOREIGN KEY (p) REFERENCES other.parents (id)); INSERT ' +
      'INTO other.parents VALUES (1); INSERT INTO keyed.t VALUES (1)',
  );
  const source = { timeZone: 'UTC', retention: { count: 1 }, compressionLevel: 1, parallel: 1 };
  const keyed = await backup(
    { name: 'keyed' as SourceName, engine: engine('keyed'), ...source },
    scene.deps(),
    limit(),
  );

  const refused = drill(
    keyed,
    engine(),
    { owners: true, tablespaces: true, assert: [] },
    { ...scene.deps(), parallel: 1 },
    limit(),
  );

  await expect(refused).rejects.toMatchObject({
    code: 'source-unsupported',
    message: expect.stringContaining('`t` into `other`'),
    hint: expect.stringContaining('drill: { server: … }'),
  });
  expect(await databases()).toEqual(['keyed', 'other', 'shop', 'taken']);
  await admin.query('DROP DATABASE keyed; DROP DATABASE other; DROP DATABASE taken');
});

test('Ctrl-C drops it, and the exit code says so', async () => {
  const running = await nightjar(['select sleep(60) = 0'], 'drill', 'shop');
  await until(async () => (await sleepers()) === 1);
  running.kill('SIGINT');

  expect(await running.ended).toMatchObject({
    code: 130,
    stderr: expect.stringContaining('what was restored is dropped again, and there is no database'),
  });
  expect(await databases()).toEqual(['shop']);
});

test('what a killed drill has left is dropped by the next run, and nothing else', async () => {
  await admin.query('CREATE DATABASE shop_drill_000000000000; CREATE TABLE shop_drill_000000000000.mine (i int)');
  const atWork = await nightjar(['select sleep(60) = 0'], 'drill', 'shop');
  await until(async () => (await sleepers()) === 1);
  const kept = await drilled();
  expect(kept).toHaveLength(2);

  const begun = async () => (await drilled()).length === 3;
  const asking = async () => (await sleepers()) === 2;
  for (const [moment, next] of [
    [begun, () => drilling()],
    [asking, () => restoring('elsewhere')],
  ] as const) {
    const killed = await nightjar(['select sleep(60) = 0'], 'drill', 'shop');
    await until(moment);
    killed.kill('SIGKILL');
    await killed.ended;
    expect(await drilled()).toHaveLength(3);
    // the server has noticed that one of the two runs is gone
    await until(async () => (await idle()) === 1);
    const [left] = (await drilled()).filter((name) => !kept.includes(name));
    expect((await next()).notes).toContain(`database ${left}, which a drill that died had left, was dropped now`);
    expect(await drilled()).toEqual(kept);
  }

  atWork.kill('SIGTERM');
  expect(await atWork.ended).toMatchObject({ code: 143 });
  await admin.query('DROP DATABASE shop_drill_000000000000; DROP DATABASE elsewhere');
  expect(await databases()).toEqual(['shop']);
});

test('the command line tells in two lines what was shown, and warns of what it has swept', async () => {
  const [left, fails] = [scratch(), scratch()];
  await admin.query(`CREATE DATABASE ${fails}`);
  const failed = await (await nightjar(['selekt'], 'drill', 'shop')).ended;
  expect(failed).toMatchObject({ code: 2, stderr: expect.stringContaining(`warning: shop: database ${fails}, which`) });
  await admin.query(`CREATE DATABASE ${left}`);
  const kept = await (await nightjar([], 'restore', 'shop', 'latest', '--to', left)).ended;
  expect(kept).toMatchObject({ code: 2, stderr: expect.stringContaining('belongs to the scratch databases') });
  const seen = await (await nightjar(['select count(*) > 0 from orders'], 'drill', 'shop')).ended;

  expect(seen).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(
      new RegExp(
        `^drilled shop ${honest.id} in [\\d.]+ s; its scratch database is dropped again\nproven equal.*; 1 ` +
          `assertion true; restored in [\\d.]+ s\n$`,
      ),
    ),
    stderr: expect.stringContaining(`warning: shop: database ${left}, which a drill that died had left, was dropped`),
  });
});

test('one that can’t be held says so once, with its remedy; a month of those that can makes no noise', async () => {
  await admin.query(`CREATE USER small@'%' IDENTIFIED BY 'small'`);
  const small = () => mariadbEngine(loginTo(server, scratch(), { user: 'small', password: 'small' }), tools);
  const refused = Array.from({ length: 4 }, (_, day) => ({ day, work: () => drilling({}, small()) }));
  const held = [4, 11, 18, 25].map((day) => ({ day, work: () => drilling() }));

  const told = await toldOfDrills(scene.vault, [...refused, ...held]);

  expect(told.map(({ day, message: { severity, kind } }) => [day, severity, kind])).toEqual([
    [0, 'problem', 'drill-failed'],
    [4, 'recovered', 'recovered'],
  ]);
  const hint = told[0]!.message.facts.find(({ label }) => label === 'Hint')?.value;
  expect(hint).toMatch(/GRANT .* TO .*small.*drill: \{ server: … \}/);
  expect(await databases()).toEqual(['shop']);
});

test('nothing of all this has touched the source: neither events, nor definers, nor names that lead there', async () => {
  expect(await contents()).toEqual(untouched);
  expect(await databases()).toEqual(['shop']);
});

function restoring(database: string) {
  const options = { replace: false, owners: true, proof: false };
  return restore(manifest, engine(database), options, { ...scene.deps(), parallel: 2 }, limit());
}
