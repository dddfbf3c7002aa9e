import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import pg from 'pg';
import { backup } from '../../../../../core/commands/backup.ts';
import { restore } from '../../../../../core/commands/restore/restore.ts';
import type { Manifest } from '../../../../../core/contract/manifest/manifest.ts';
import type { Tools } from '../../../../../core/tools.ts';
import type { PostgresMajor } from '../../../../servers/databases/postgres-packages.ts';
import { makePart } from '../../../../support/parts.ts';
import { limit, postgresScene } from '../../../../support/postgres.ts';
import type { PostgresScene } from '../../../../support/postgres.ts';

// Whoever wants a table for itself waits for the backup's first session; the backup's other sessions came behind that,
// and ended with a timeout.
const scenes = new Map<PostgresMajor, PostgresScene>();
const open: pg.Client[] = [];

beforeAll(async () => {
  for (const major of [13, 17, 18] as const)
    scenes.set(major, await postgresScene(major, { deadlock_timeout: '200ms' }));
}, 1_200_000);

afterAll(async () => {
  for (const scene of scenes.values()) await scene.stop();
});

beforeEach(async () => {
  for (const client of open.splice(0)) await client.end();
  for (const { sql } of scenes.values()) {
    for (const database of ['shop', 'copy']) await sql('postgres', `drop database if exists ${database} with (force)`);
    await sql('postgres', 'create database shop');
    await sql(
      'shop',
      `create table one (id int, version int); create table two (id int, version int); create table hashed (id int) partition by hash (id);
      create table hashed_0 partition of hashed for values with (modulus 1, remainder 0); create sequence s; insert into hashed values (1);
      insert into one select g, 0 from generate_series(1, 3000) g; insert into two select g, 0 from generate_series(1, 3000) g`,
    );
  }
});

async function another({ server: { host, port, user, password } }: PostgresScene): Promise<pg.Client> {
  const client = new pg.Client({ host, port, user, password, database: 'shop' });
  client.on('error', () => {});
  await client.connect();
  open.push(client);
  return client;
}

const source = (scene: PostgresScene, tools?: Tools) =>
  scene.source('shop', { login: { lockTimeoutMs: 3000 }, sliceBytes: 100_000, ...(tools && { tools }) });

async function copied(scene: PostgresScene, manifest: Manifest, query: string): Promise<unknown[]> {
  await restore(
    manifest,
    scene.source('copy').engine,
    { replace: false, owners: true, proof: true },
    { ...scene.deps(), parallel: 2 },
    limit(),
  );
  return scene.sql('copy', query);
}

const versions = `select (select array_agg(distinct version) from one) as one, (select array_agg(distinct version) from two) as two,
  (select count(*)::int from pg_attribute where attrelid = 'one'::regclass and attname ~ '^c_' and not attisdropped) as columns`;

test.each([13, 17, 18] as const)(
  'under migrations that follow each other without a pause, a backup of PostgreSQL %i is made, of one moment',
  async (major) => {
    const scene = scenes.get(major)!;
    let over = false;
    let done = 0;
    const migrations = ['one', 'two'].map(async (table) => {
      const client = await another(scene);
      while (!over) await client.query(`alter table ${table} add column x int; alter table ${table} drop column x`);
    });
    const migration = (async () => {
      const client = await another(scene);
      for (; !over; done += 1)
        await client.query(
          `begin; lock table one, two in access exclusive mode; alter table one add column c_${done + 1} int; ` +
            `alter table two add column c_${done + 1} int; update one set version = ${done + 1}; update two set ` +
            `version = ${done + 1}; commit`,
        );
    })();

    const manifest = await backup(source(scene), scene.deps(), limit()).finally(() => (over = true));
    await Promise.all([...migrations, migration]);

    const [found] = (await copied(scene, manifest, versions)) as { one: number[]; two: number[]; columns: number }[];
    expect(found).toEqual({ one: [found!.columns], two: [found!.columns], columns: expect.any(Number) });
  },
  120_000,
);

test.each([13, 18] as const)(
  'a migration that waits for each table from the first moment on stops no backup of PostgreSQL %i, and is not stopped',
  async (major) => {
    const scene = scenes.get(major)!;
    const plan = await source(scene).engine.plan({}, limit());
    const waiting: Promise<string>[] = [];
    for (const table of ['one', 'two', 'hashed', 'hashed_0']) {
      const client = await another(scene);
      waiting.push(
        client.query(`alter table ${table} add column late int`).then(
          () => 'done',
          (error: Error) => error.message,
        ),
      );
    }
    await new Promise((wake) => setTimeout(wake, 500));
    try {
      for (const part of plan.parts) await makePart(source(scene).engine, part);
    } finally {
      await plan.close();
    }

    expect(await Promise.all(waiting)).toEqual(['done', 'done', 'done', expect.stringContaining('partition')]);
  },
  120_000,
);

test('a pg_dump whose libpq takes nothing but the name of an encoding makes backups all the same', async () => {
  const scene = scenes.get(17)!;
  const strict: Tools = {
    ...scene.tools,
    program(name, version) {
      const real = scene.tools.program(name, version);
      const refuse =
        `case "$*" in *advisory*) echo 'pg_dump: error: invalid client encoding "x" specified' >&2; exit 1;; *) ` +
        'exec "$@";; esac';
      return name === 'pg_dump'
        ? { ...real, command: '/bin/sh', args: ['-c', refuse, 'sh', real.command, ...real.args] }
        : real;
    },
  };

  const manifest = await backup(source(scene, strict), scene.deps(), limit());

  expect(await copied(scene, manifest, 'select count(*)::int as rows from one')).toEqual([{ rows: 3000 }]);
});
