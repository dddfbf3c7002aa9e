import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { backup } from '../../../../core/commands/backup.ts';
import { proofSentence } from '../../../../core/commands/proof/prove.ts';
import { restore } from '../../../../core/commands/restore/restore.ts';
import type { RestoreOptions, Restored } from '../../../../core/commands/restore/restore.ts';
import type { Manifest } from '../../../../core/contract/manifest/manifest.ts';
import type { Login } from '../../../../core/engines/login.ts';
import type { Report } from '../../../../core/ports.ts';
import { limit, postgresScene } from '../../../support/postgres.ts';
import type { PostgresScene } from '../../../support/postgres.ts';

let scene: PostgresScene;

beforeAll(async () => {
  scene = await postgresScene(18);
}, 1_200_000);

afterAll(() => scene?.stop());

beforeEach(async () => {
  for (const database of ['shop', 'copy'])
    await scene.sql('postgres', `drop database if exists ${database} with (force)`);
  await scene.sql('postgres', 'create database shop');
});

const made = async (world: string): Promise<Manifest> => {
  await scene.sql('shop', world);
  return backup(scene.source('shop'), scene.deps(), limit());
};

function restored(
  manifest: Manifest,
  options: Partial<RestoreOptions> = {},
  login: Partial<Login> = {},
  report: Report = () => {},
): Promise<Restored> {
  return restore(
    manifest,
    scene.source('copy', { login }).engine,
    { replace: false, owners: true, proof: true, ...options },
    { ...scene.deps(), report, parallel: 2 },
    limit(),
  );
}

test.each(['errors', 'warning'])(
  'a password that is among the words of a program (%s) changes nothing of what is read from them',
  async (password) => {
    const manifest =
      await made(`create table orders (id int primary key, customer int); insert into orders values (1, 7); create table customers (id int primary key);
    alter table orders add constraint orphans foreign key (customer) references customers not valid; update pg_constraint set convalidated = true where conname = 'orphans';
    drop role if exists clerk; create role clerk; create policy clerks on orders to clerk using (true)`);
    await scene.sql('shop', 'drop policy clerks on orders; drop role clerk');
    await scene.sql(
      'postgres',
      `drop role if exists keeper; create role keeper superuser login password '${password}'`,
    );
    const login = { user: 'keeper', password };

    const going = await restored(manifest, { keepGoing: true }, login);
    await scene.sql('postgres', 'drop database copy');

    expect(
      going.failures.map(({ object, error }) => [
        object.replaceAll('***', password),
        error.replaceAll('***', password),
      ]),
    ).toEqual(
      [
        [expect.stringContaining('orphans'), expect.stringContaining('violates foreign key constraint "orphans"')],
        [expect.stringContaining('clerks'), expect.stringContaining('role "clerk" does not exist')],
      ].toSorted((a, b) => Number(String(a[0]).includes('orphans')) - Number(String(b[0]).includes('orphans'))),
    );
    expect(JSON.stringify(going)).not.toContain(password);
  },
);

test('two restores at once into one empty database: one is made, the other one is told that it came second', async () => {
  const manifest = await made(
    `create table orders as select g as id, md5(g::text) as note from generate_series(1, 50000) g`,
  );
  await scene.sql('postgres', 'create database copy');

  const ended = await Promise.allSettled([restored(manifest), restored(manifest)]);

  const [first, ...others] = ended.toSorted((a, b) => a.status.localeCompare(b.status));
  expect(first).toMatchObject({ status: 'fulfilled', value: { proof: { differences: [] } } });
  expect(others).toMatchObject([
    {
      status: 'rejected',
      reason: {
        code: expect.stringMatching(/^(lease-held|target-not-empty)$/),
        message: expect.stringContaining('copy is as somebody else has made it'),
      },
    },
  ]);
});

test('an empty database that another restore has filled meanwhile is refused by whoever waited for it', async () => {
  const manifest = await made('create table orders (id int)');
  await scene.sql('postgres', 'create database copy');
  const { engine } = scene.source('copy');
  const late = await engine.target({ manifest, catalog: {}, owners: true }, limit());
  try {
    await restored(manifest);

    await expect(late.prepare(false, limit())).rejects.toMatchObject({ code: 'target-not-empty' });
    expect(late.standing()).not.toContain('part of the backup');
  } finally {
    await late.close();
  }
});

/** Names as a database may hold them: what stands in them must not look like another line of a program, or of ours. */
const odd = `"a\nERROR: b\nname"`;
const forging = `"x\npg_restore: warning: errors ignored on restore: 1\nis fine"`;

test('names that hold newlines make no warnings of their own, and none of their lines is taken for a program’s', async () => {
  const manifest = await made(
    `create table ${odd} (id int primary key); create view ${forging} as select 1 as one; create function ` +
      `${odd}() returns int language sql as 'select 1'`,
  );
  const warnings: string[] = [];

  const { proof } = await restored(
    manifest,
    {},
    {},
    (event) => event.type === 'warning' && warnings.push(event.message),
  );

  expect(warnings).toEqual([]);
  expect(proof?.differences).toEqual([]);
});

test('a failure of an object whose name holds newlines is listed whole, on one line', async () => {
  const manifest =
    await made(`create table ${odd} (id int primary key, customer int); insert into ${odd} values (1, 7); create table "customers\nPAID" (id int primary key);
    alter table ${odd} add constraint "orphans\nDETAIL" foreign key (customer) references "customers\nPAID" not valid; update pg_constraint set convalidated = true where conname ~ 'orphans'`);

  const { failures } = await restored(manifest, { keepGoing: true });

  expect(failures).toMatchObject([
    {
      object: expect.stringContaining('orphans\\nDETAIL'),
      error: expect.stringContaining('violates foreign key constraint "orphans\\nDETAIL"'),
    },
  ]);
  expect(JSON.stringify(failures)).not.toMatch(/[^\\]\\n|\\u00/);
});

test('what a backup excepts, its warnings and every error are one line each, whatever the names in them hold', async () => {
  await scene.sql(
    'shop',
    `create table ${odd} (id int); insert into ${odd} values (1), (1); create sequence "s\x1b[2J"`,
  );
  await scene
    .sql('shop', `create unique index concurrently "i\n; proven equal: 0 tables" on ${odd} (id)`)
    .catch(() => {});

  const manifest = await backup(scene.source('shop'), scene.deps(), limit());
  const { proof } = await restored(manifest);
  await scene.sql('postgres', `drop role if exists nobody; create role nobody login password 'nobody'`);
  const refused = await backup(
    scene.source('shop', { login: { user: 'nobody', password: 'nobody' } }),
    scene.deps(),
    limit(),
  ).catch((error: Error) => error.message);

  expect(manifest.exceptions).toEqual([
    'index public."i\\n; proven equal: 0 tables": it is invalid, and pg_dump leaves it out',
  ]);
  expect(proofSentence(proof!)).not.toMatch(/\p{Cc}/u);
  expect(refused).toContain('"a\\nERROR: b\\nname"');
  expect(refused).not.toMatch(/\p{Cc}/u);
});
