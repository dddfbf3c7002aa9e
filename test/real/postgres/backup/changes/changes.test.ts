import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { backup } from '../../../../../core/commands/backup.ts';
import { restore } from '../../../../../core/commands/restore/restore.ts';
import type { ByteStream } from '../../../../../core/ports.ts';
import type { Vault } from '../../../../../core/vault.ts';
import { acting } from '../../../../support/faults/kills.ts';
import { makePart } from '../../../../support/parts.ts';
import { limit, postgresScene } from '../../../../support/postgres.ts';
import type { PostgresScene } from '../../../../support/postgres.ts';

let scene: PostgresScene;

beforeAll(async () => {
  scene = await postgresScene(17);
}, 1_200_000);

afterAll(() => scene?.stop());

beforeEach(async () => {
  await scene.sql('postgres', 'drop database if exists shop');
  await scene.sql('postgres', 'create database shop');
  await scene.sql(
    'shop',
    `create table orders (id int primary key, item text); insert into orders select g, md5(g::text) from generate_series(1, 60000) g;
    create table notes (id int, text text); insert into notes select g, 'note' from generate_series(1, 100) g;
    create view late as select id from orders where id > 50000; create sequence counter; create function half(i int) returns int language sql as 'select i / 2'`,
  );
});

const source = (lockTimeoutMs = 3000) => scene.source('shop', { login: { lockTimeoutMs } });

/**
 * The vault; once rows are on their way, another session does something, which is given a moment. `done` is how that
 * ended.
 */
function during(sql: string): { vault: Vault; done(): Promise<unknown> } {
  let running: Promise<unknown> | undefined;
  async function act(): Promise<void> {
    running = scene.sql('shop', sql).then(
      () => 'done',
      (error: unknown) => error,
    );
    await Promise.race([running, new Promise((wake) => setTimeout(wake, 200))]);
  }
  const put: Vault['put'] = (key, body, tags, signal) =>
    scene.vault.put(key, key.endsWith('data/0002.sql.zst') ? acting(body, act) : body, tags, signal);
  return { vault: { ...scene.vault, put }, done: async () => running };
}

test('what another session makes, or changes without a lock, during a backup is not in it, and harms nothing', async () => {
  const { vault, done } =
    during(`create index on orders (item); create table new (i int); create function f() returns int language sql as 'select 1'; comment on table orders is 'x';
    update notes set text = 'other'; delete from orders where id % 2 = 0; grant select on notes to public; insert into orders values (0, 'new')`);

  const manifest = await backup(source(), scene.deps(vault), limit());
  const { proof } = await restore(
    manifest,
    scene.source('copy').engine,
    { replace: false, owners: true, proof: true },
    { ...scene.deps(), parallel: 2 },
    limit(),
  );

  expect(await done()).toBe('done');
  expect(proof?.differences).toEqual([]);
  expect(manifest.tables).toContainEqual(expect.objectContaining({ table: 'public.orders', rows: 60_000 }));
});

test.each([
  'alter table orders add column more int',
  'drop table notes',
  'truncate notes',
  'cluster orders using orders_pkey',
  'alter table notes rename to remarks',
])('%s waits for a backup, which is made all the same, and is as things were before', async (statement) => {
  const { vault, done } = during(statement);

  const manifest = await backup(source(), scene.deps(vault), limit());

  expect(await done()).toBe('done');
  expect(manifest.tables.map(({ table, rows }) => [table, rows])).toEqual([
    ['public.orders', 60_000],
    ['public.notes', 100],
  ]);
  await expect(
    restore(
      manifest,
      scene.source('copy').engine,
      { replace: true, owners: true, proof: true },
      { ...scene.deps(), parallel: 2 },
      limit(),
    ),
  ).resolves.toMatchObject({ proof: { differences: [] } });
});

test('a backup gives way to who has waited for it ten times as long as it waits for others: nothing is stored, and why is told', async () => {
  const before = await scene.files();
  let waiting: Promise<unknown> | undefined;
  async function* slowly(body: ByteStream): ByteStream {
    waiting ??= scene.sql('shop', 'truncate orders').then(
      () => 'done',
      (error: unknown) => error,
    );
    for await (const chunk of body) {
      yield chunk;
      await new Promise((wake) => setTimeout(wake, 1000));
    }
  }
  const put: Vault['put'] = (key, body, tags, signal) =>
    scene.vault.put(key, key.endsWith('data/0002.sql.zst') ? slowly(body) : body, tags, signal);

  await expect(backup(source(100), scene.deps({ ...scene.vault, put }), limit())).rejects.toMatchObject({
    code: 'lock-timeout',
    message: expect.stringMatching(/^session \d+ has waited for public\.orders for [\d.]+ s, .* the backup gave way/),
    hint: expect.stringContaining('pg_stat_activity'),
  });

  expect(await waiting).toBe('done');
  expect((await scene.files()).filter((file) => !before.includes(file) && file !== 'shop/lease.json')).toEqual([]);
});

test.each(['drop view late', 'drop sequence counter'])(
  '%s, for which no lock makes anybody wait, is an error that says so, or harms nothing',
  async (statement) => {
    const { vault, done } = during(statement);

    const ended = await backup(source(), scene.deps(vault), limit()).then(
      () => 'complete',
      (error: { code: string }) => error.code,
    );

    expect(await done()).toBe('done');
    expect(ended).toMatch(/^(complete|source-changed)$/);
  },
);

test.each([
  ['view public.late', 'create or replace view late as select id from orders where id > 10'],
  [
    'function public.half(integer)',
    `create or replace function half(i int) returns int language sql as 'select i / 2 + 0'`,
  ],
])(
  'a %s that is redefined before pg_dump prints it is an error: the definitions would not be those of one moment',
  async (object, statement) => {
    const plan = await source().engine.plan({}, limit());
    try {
      await scene.sql('shop', statement);

      const printed = makePart(source().engine, plan.parts[0]!);

      await expect(printed).rejects.toMatchObject({
        code: 'source-changed',
        message: expect.stringContaining(`during the backup: ${object}`),
      });
    } finally {
      await plan.close();
    }
  },
);
