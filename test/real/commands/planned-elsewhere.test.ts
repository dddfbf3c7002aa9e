import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type mysql from 'mysql2/promise';
import { backup } from '../../../core/commands/backup.ts';
import { restore } from '../../../core/commands/restore/restore.ts';
import { mariadbEngine } from '../../../core/engines/mariadb/index.ts';
import { postgresEngine } from '../../../core/engines/postgres/index.ts';
import type { Engine, Source } from '../../../core/ports.ts';
import type { Tools } from '../../../core/tools.ts';
import { startMariadb } from '../../servers/databases/mariadb.ts';
import { startLimitMs } from '../../servers/server.ts';
import type { DatabaseServer } from '../../servers/server.ts';
import { elsewhere } from '../../support/elsewhere/elsewhere.ts';
import type { Handed } from '../../support/elsewhere/elsewhere.ts';
import { connect, loginTo } from '../../support/mariadb/mariadb.ts';
import { limit, postgresScene } from '../../support/postgres.ts';
import type { PostgresScene } from '../../support/postgres.ts';
import { layerTools } from '../../support/tools.ts';
import { toySource } from '../../support/worlds/toy-engine.ts';
import { folderScene } from '../../support/vaults/vault.ts';
import type { FolderScene } from '../../support/vaults/vault.ts';

/** What no plan may hold. */
const password = 'Rosebud-4711';
const restoring = { replace: false, owners: true, proof: true };

/** An engine that does something once, between the plan and the first of its parts. */
function behindPlan(engine: Engine, act: () => Promise<unknown>): Engine {
  return {
    ...engine,
    async plan(options, signal) {
      const plan = await engine.plan(options, signal);
      if (options.like === undefined) await act();
      return plan;
    },
  };
}

type Recipe = { print: string; pieces?: { name: string }[] };
const recipesOf = (handed: Handed): Recipe[] => handed.map(({ text }) => JSON.parse(text).recipe);
/** What was handed to other processes, of which kinds. */
const kindsOf = (handed: Handed) => new Set(recipesOf(handed).map(({ print }) => print));

/** Each part went to a process of its own, and no secret with it. */
function expectHanded(handed: Handed, atLeast: number): void {
  expect(handed.length).toBeGreaterThanOrEqual(atLeast);
  expect(new Set([process.pid, ...handed.map(({ pid }) => pid)]).size).toBe(handed.length + 1);
  expect(handed.map(({ text }) => text).join()).not.toContain(password);
}

describe('PostgreSQL 18', () => {
  let scene: PostgresScene;
  const sourceOf = (engine: Engine): Source => ({ ...scene.source('shop'), engine });
  const login = (database: string) => scene.login(database, { user: 'keeper', password });
  const engineOf = (database: string) => postgresEngine(login(database), scene.tools, 600_000);
  const slicesOf = (handed: Handed, table: string) =>
    recipesOf(handed).filter(({ pieces = [] }) => pieces.some(({ name }) => name === table)).length;
  const digest = `select md5(string_agg(t::text, '|' order by id)) as sum, count(*)::int as rows from goods t`;

  beforeAll(async () => {
    scene = await postgresScene(18);
    await scene.sql('postgres', `create role keeper superuser login password '${password}'`);
    await scene.sql('postgres', 'create database shop');
    await scene.sql(
      'shop',
      `create table goods as select g as id, repeat(md5(g::text), 10) as text from generate_series(1, 3000) g;
      alter table goods add primary key (id);
      create table "Größe ü" (id int, "Spalte, eins" text); insert into "Größe ü" values (1, E'a\\tb'), (2, null);
      create table empty (); insert into empty default values; create sequence counter; select setval('counter', 41);
      select lo_from_bytea(7, 'large'); select lo_from_bytea(8, '\\x00ff');
      create table parted (id int) partition by hash (id);
      create table parted_0 partition of parted for values with (modulus 1, remainder 0);
      insert into parted values (5);
      create view late as select id from goods where id > 10`,
    );
  }, startLimitMs);
  afterAll(() => scene?.stop());

  test('parts that are made by other processes, from JSON, are the one moment of the plan', async () => {
    const [before] = await scene.sql('shop', digest);
    const made: Handed = [];
    const writing = behindPlan(elsewhere(engineOf('shop'), login('shop'), made), () =>
      scene.sql(
        'shop',
        `insert into goods values (100000, 'behind the plan'); update goods set text = 'x' where id < 500`,
      ),
    );

    const manifest = await backup(sourceOf(writing), scene.deps(), limit());
    const read: Handed = [];
    const reading = elsewhere(engineOf('copy'), login('copy'), read);
    const { proof } = await restore(manifest, reading, restoring, { ...scene.deps(), parallel: 2 }, limit());

    expect(proof?.differences).toEqual([]);
    expect(await scene.sql('copy', digest)).toEqual([before]);
    expect(await scene.sql('copy', 'select * from "Größe ü" order by id')).toEqual([
      { id: 1, 'Spalte, eins': 'a\tb' },
      { id: 2, 'Spalte, eins': null },
    ]);
    expect(
      await scene.sql(
        'copy',
        `select last_value::int as at, convert_from(lo_get(7), 'UTF8') as lo, lo_get(8)::text as raw,
          (select count(*)::int from empty) as empty, (select sum(id)::int from parted) as parted from counter`,
      ),
    ).toEqual([{ at: 41, lo: 'large', raw: '\\x00ff', empty: 1, parted: 5 }]);
    expectHanded(made, 4);
    expect(kindsOf(made)).toEqual(new Set(['definitions', 'rows', 'rest']));
    expect(slicesOf(made, 'public.goods')).toBeGreaterThan(1);
    expectHanded(read, 3);
    expect(kindsOf(read)).toEqual(new Set(['rows', 'rest']));
  });

  test('what was redefined before another process printed it is an error there, and no backup', async () => {
    const changing = behindPlan(elsewhere(engineOf('shop'), login('shop'), []), () =>
      scene.sql('shop', 'create or replace view late as select id from goods where id > 99'),
    );

    await expect(backup(sourceOf(changing), scene.deps(), limit())).rejects.toMatchObject({
      code: 'source-changed',
      message: expect.stringContaining('view public.late'),
    });
  });

  test('when the session of the snapshot is ended, that is told, and not what other processes then met', async () => {
    const ending = behindPlan(elsewhere(engineOf('shop'), login('shop'), []), () =>
      scene.sql('shop', `select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'keeper'`),
    );

    await expect(backup(sourceOf(ending), scene.deps(), limit())).rejects.toMatchObject({
      message: expect.stringContaining('terminating connection due to administrator command'),
    });
  });
});

describe('MariaDB 11.8', () => {
  let server: DatabaseServer;
  let admin: mysql.Connection;
  let tools: Tools;
  let scene: FolderScene;
  const login = (database: string) => loginTo(server, database, { user: 'keeper', password });
  const engineOf = (database: string) => mariadbEngine(login(database), tools);
  const checksum = async (database: string) => {
    const [rows] = await admin.query<mysql.RowDataPacket[]>(
      `CHECKSUM TABLE ${['goods', 'old', 'köpfe', 'pictures'].map((table) => `${database}.\`${table}\``).join(', ')}`,
    );
    return rows.map((row) => row['Checksum'] as string);
  };
  const position = async (database: string) => {
    const [rows] = await admin.query<mysql.RowDataPacket[]>(
      `SELECT next_not_cached_value AS next, cycle_count AS round FROM ${database}.counter`,
    );
    return rows;
  };

  beforeAll(async () => {
    [tools, server, scene] = [await layerTools(), await startMariadb({ series: '11.8' }), await folderScene()];
    admin = await connect(server);
    await admin.query(
      `CREATE USER keeper@'%' IDENTIFIED BY '${password}'; GRANT ALL ON *.* TO keeper@'%' WITH GRANT OPTION;
      CREATE DATABASE shop; USE shop;
      CREATE TABLE goods (id INT PRIMARY KEY, f FLOAT, t VARCHAR(99) CHARACTER SET latin1, b BLOB, KEY (t));
      INSERT INTO goods SELECT seq, seq, CONCAT('é', seq), UNHEX(MD5(seq)) FROM seq_1_to_3000;
      INSERT INTO goods VALUES (5000, 1234567.75, 'float', '');
      CREATE TABLE pictures (id INT PRIMARY KEY, p LONGBLOB);
      INSERT INTO pictures 
        SELECT seq, UNHEX(REPEAT(CONCAT(HEX(seq), '00FF0A5C27'), 999)) FROM seq_16_to_99;
      CREATE TABLE old (id INT) ENGINE=MyISAM; INSERT INTO old VALUES (1), (2);
      CREATE TABLE \`köpfe\` (id INT, o INT AS (id * 2) STORED) WITH SYSTEM VERSIONING;
      INSERT INTO \`köpfe\` (id) VALUES (1); UPDATE \`köpfe\` SET id = 2;
      CREATE SEQUENCE counter; SELECT NEXTVAL(counter);
      CREATE VIEW dear AS SELECT * FROM goods WHERE f > 10; CREATE VIEW cheap AS SELECT * FROM dear WHERE f < 100;
      CREATE FUNCTION half(i INT) RETURNS INT DETERMINISTIC RETURN i / 2;
      CREATE TRIGGER second BEFORE INSERT ON old FOR EACH ROW SET NEW.id = NEW.id;
      CREATE TRIGGER first BEFORE INSERT ON old FOR EACH ROW PRECEDES second SET NEW.id = NEW.id;
      CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY DO DELETE FROM old`,
    );
  }, startLimitMs);
  afterAll(async () => {
    await admin?.end();
    await server?.stop();
    await scene?.remove();
  });

  test('parts that are made by other processes, from JSON, are a backup like any other, with its losses', async () => {
    const before = await checksum('shop');
    const made: Handed = [];

    const here = await backup(toySource(engineOf('shop')), scene.deps(), limit());
    const manifest = await backup(toySource(elsewhere(engineOf('shop'), login('shop'), made)), scene.deps(), limit());
    const read: Handed = [];
    const reading = elsewhere(engineOf('copy'), login('copy'), read);
    const { proof } = await restore(manifest, reading, restoring, { ...scene.deps(), parallel: 2 }, limit());

    expect(proof?.differences).toEqual([]);
    expect(manifest.exceptions).toEqual(['column `goods`.`f`: 1 value loses digits']);
    expect([manifest.exceptions, manifest.warnings]).toEqual([here.exceptions, here.warnings]);
    const sums = ({ parts }: typeof here) => parts.map(({ file, sha256 }) => `${file} ${sha256}`);
    expect(sums(manifest)).toEqual(sums(here));
    expect((await checksum('copy')).slice(1)).toEqual(before.slice(1));
    expect(await position('copy')).toEqual(await position('shop'));
    expectHanded(made, 4);
    expect(kindsOf(made)).toEqual(new Set(['definitions', 'rows', 'code']));
    expectHanded(read, 2);
    expect(kindsOf(read)).toEqual(new Set(['rows']));
  });

  test('what was changed before another process printed it is an error that names it, and no backup', async () => {
    const changing = behindPlan(elsewhere(engineOf('shop'), login('shop'), []), () =>
      admin.query('DROP VIEW shop.cheap'),
    );

    await expect(backup(toySource(changing), scene.deps(), limit())).rejects.toMatchObject({
      code: 'source-changed',
      message: expect.stringContaining('view cheap'),
    });
  });
});
