import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { backup } from '../../../../../core/commands/backup.ts';
import { proofSentence, prove } from '../../../../../core/commands/proof/prove.ts';
import type { Proof } from '../../../../../core/commands/proof/prove.ts';
import { restore, restoreRecorded } from '../../../../../core/commands/restore/restore.ts';
import type { Restored } from '../../../../../core/commands/restore/restore.ts';
import type { Catalog } from '../../../../../core/contract/manifest/catalog.ts';
import type { Manifest } from '../../../../../core/contract/manifest/manifest.ts';
import type { Login } from '../../../../../core/engines/login.ts';
import { readCatalog } from '../../../../../core/engines/postgres/catalog/catalog.ts';
import { withSession } from '../../../../../core/engines/postgres/session.ts';
import type { Plan } from '../../../../../core/ports.ts';
import { openStore } from '../../../../../core/store/store.ts';
import { limit, postgresScene } from '../../../../support/postgres.ts';
import type { PostgresScene } from '../../../../support/postgres.ts';

let scene: PostgresScene;
let manifest: Manifest;

beforeAll(async () => {
  scene = await postgresScene(17);
  await scene.sql('postgres', `create role plain login password 'plain'`);
  await scene.sql('postgres', 'create database shop');
  await scene.sql(
    'shop',
    `create table orders (id int primary key, status varchar(10) check (status in ('new', 'paid'))); create ` +
      `index open on orders (id) where status in ('new', 'paid')`,
  );
  manifest = await backup(scene.source('shop'), scene.deps(), limit());
}, 1_200_000);

afterAll(() => scene?.stop());

const restoring = (taken: Manifest, database: string, login: Partial<Login> = {}): Promise<Restored> =>
  restore(
    taken,
    scene.source(database, { login }).engine,
    { replace: false, owners: login.user === undefined, proof: true },
    { ...scene.deps(), parallel: 2 },
    limit(),
  );
const databases = async () =>
  (await scene.sql('postgres', `select datname from pg_database where datname like 'nightjar%' order by 1`)).map(
    ({ datname }) => datname,
  );

/** A backup of today as one before format 2 of the catalog would be proven. */
async function firstFormat(): Promise<Catalog> {
  return withSession(scene.login('shop'), limit(), (session) => readCatalog(session, {}));
}

async function closed(plan: Plan): Promise<Plan> {
  await plan.close();
  return plan;
}

function provingBy(catalog: Catalog, database: string, login: Partial<Login> = {}, of = manifest): Promise<Proof> {
  return prove(
    scene.source(database, { login }).engine,
    { manifest: of, catalog, owners: true },
    { ...scene.deps(), parallel: 2 },
    limit(),
  );
}

test('the sentence says how definitions were compared that PostgreSQL prints differently', async () => {
  const { proof } = await restoring(manifest, 'again');

  expect(proofSentence(proof!)).toMatch(/^proven equal: 1 table, 0 rows, \d+ definitions \(2 by meaning\)$/);
});

test('a role that may make no database proves what it restores into an empty one', async () => {
  await scene.sql('postgres', 'create database given owner plain');

  const { proof } = await restoring(manifest, 'given', { user: 'plain', password: 'plain' });

  expect(proof).toMatchObject({ differences: [], ways: { 'by meaning': 2 } });
});

test('an empty database that was there before keeps what is its own: that is excepted, and not held against the backup', async () => {
  await scene.sql('postgres', 'create database told owner plain');
  await scene.sql('postgres', `comment on database told is 'the shop'; alter database told set work_mem to '5MB'`);
  await scene.sql('told', 'create table t as select 1 as a');
  const taken = await backup(scene.source('told'), scene.deps(), limit());
  await scene.sql('postgres', `create database waiting template template0 encoding 'LATIN1' locale 'C'`);
  await scene.sql(
    'postgres',
    `comment on database waiting is 'made by hand'; grant connect on database waiting to plain`,
  );

  const { proof } = await restoring(taken, 'waiting');

  expect(proof!.differences).toEqual([]);
  expect(proof!.exceptions).toEqual([
    expect.stringMatching(
      /^what the database, which was there before the restore, keeps of its own: database encoding, .*database setting work_mem, database comment comment, /,
    ),
  ]);
});

test('what an application makes in an empty database meanwhile is named, and not held against the backup', async () => {
  await scene.sql('postgres', 'drop database if exists busy');
  await scene.sql('postgres', 'create database busy');
  const { store, ...deps } = scene.deps();
  const openPart: typeof store.openPart = async function* (of, part, stop) {
    if (part.role === 'data') await scene.sql('busy', 'create table if not exists mine as select 42 as a');
    yield* store.openPart(of, part, stop);
  };
  const restored = restoreRecorded(
    manifest,
    scene.source('busy').engine,
    { replace: false, owners: true, proof: true },
    { ...deps, store: { ...store, openPart }, parallel: 2 },
    limit(),
  );

  await expect(restored).rejects.toMatchObject({
    code: 'target-not-empty',
    message: expect.stringMatching(
      /is not what was backed up: all that was backed up is there, and equal, and more: table public\.mine is not in the backup; owner table public\.mine .*what was restored is kept in database busy/,
    ),
  });
  expect(await scene.sql('busy', 'select a, (select count(*)::int from orders) as orders from mine')).toEqual([
    { a: 42, orders: 0 },
  ]);
  expect(await databases()).toEqual([]);
});

test('what is there beside the backup hides nothing of it that is gone or different', async () => {
  await scene.sql('postgres', 'create database worn');
  await scene.sql('worn', 'create table t as select 1 as a; create view v as select a from t');
  const { catalog } = await scene.source('worn').engine.plan({}, limit()).then(closed);
  const taken = await backup(scene.source('worn'), scene.deps(), limit());
  const onlyMore = async () => (await provingBy(catalog, 'worn', {}, taken)).onlyMore;

  expect(await onlyMore()).toBeUndefined();
  await scene.sql('worn', 'create table mine as select 42 as a');
  expect(await onlyMore()).toBe(true);
  await scene.sql('worn', 'create or replace view v as select a + 0 as a from t');
  expect(await onlyMore()).toBeUndefined();
  await scene.sql('worn', 'create or replace view v as select a from t; update t set a = 2');
  expect(await onlyMore()).toBeUndefined();
});

test('a right on a column makes no owner of it, and what a type brings along has no rights of its own', async () => {
  await scene.sql('postgres', 'create database rights');
  await scene.sql(
    'rights',
    'alter default privileges grant execute on functions to plain; create type span as range (subtype = int4); ' +
      'create table t (a int, b int); grant select (a) on t to plain',
  );
  const { catalog } = await scene.source('rights').engine.plan({}, limit()).then(closed);

  expect(Object.keys(catalog['owner']!).filter((name) => /column|function/.test(name))).toEqual([]);
  expect(Object.keys(catalog['grant']!)).toContain('table column public.t.a');
  expect(Object.keys(catalog['grant']!).filter((name) => name.includes('function'))).toEqual([]);
});

test('a backup that has only digests is proven by what its archive makes here, and by nothing that differs from that', async () => {
  const old = await firstFormat();

  expect(old['database catalog']).toBeUndefined();
  expect(await provingBy(old, 'again')).toMatchObject({
    differences: [],
    exceptions: [],
    ways: { 'by what the archive makes here': 2 },
  });

  await scene.sql('again', `drop index open; create index open on orders (id) where status in ('new', 'old')`);
  expect(await provingBy(old, 'again')).toMatchObject({ differences: ['index public.open is defined differently'] });
  expect(await databases()).toEqual([]);
});

test('what such a role can’t settle of such a backup is a difference, and it is said what would settle it', async () => {
  const failed = provingBy(await firstFormat(), 'given', { user: 'plain', password: 'plain' });

  await expect(failed).resolves.toMatchObject({
    differences: expect.arrayContaining(['index public.open is defined differently']),
    hint: expect.stringContaining('CREATEDB'),
  });
});

test('a database that a proof left when it was killed is dropped by the next one, and no other is', async () => {
  const alive = new pg.Client({ ...scene.server, database: 'postgres' });
  await alive.connect();
  const { rows } = await alive.query<{ pid: number }>('select pg_backend_pid() as pid');
  const names = {
    dead: 'nightjar_proof_999999_20260101T000000Z-abcdef',
    alive: `nightjar_proof_${rows[0]!.pid}_20260101T000000Z-abcdef`,
    another: 'nightjar_proof_mine',
  };
  for (const name of Object.values(names)) await scene.sql('postgres', `create database "${name}"`);

  await provingBy(await firstFormat(), 'again');

  expect(await databases()).toEqual([names.alive, names.another].sort());
  await alive.end();
  for (const name of [names.alive, names.another]) await scene.sql('postgres', `drop database "${name}"`);
});

test('what the archive could not carry is excepted by name: it is neither equal nor an error', async () => {
  await scene.sql('postgres', 'create database bare');
  await scene.sql('bare', 'create table t (a int)');
  const taken = await backup(scene.source('bare'), scene.deps(), limit());
  const catalog = await openStore(scene.vault).readCatalog(taken, limit());
  await restoring(taken, 'bare again');
  const other = { ...catalog, table: { 'public.t': '0123456789abcdef' } };

  const { exceptions, differences, ways } = await prove(
    scene.source('bare again').engine,
    { manifest: taken, catalog: other, owners: true },
    { ...scene.deps(), parallel: 2 },
    limit(),
  );

  expect({ differences, ways }).toEqual({ differences: [], ways: {} });
  expect(exceptions).toEqual([expect.stringMatching(/^table public\.t: it is what the backup's archive makes of it/)]);
});

test('a version of an extension that a restore leaves to the server is told, and no error; the limit of connections comes back', async () => {
  await scene.sql('postgres', 'create database limited connection limit 7');
  await scene.sql('limited', `create extension hstore version '1.4'`);
  const taken = await backup(scene.source('limited'), scene.deps(), limit());

  const { proof } = await restoring(taken, 'limited again');

  expect(proof!.differences).toEqual([]);
  expect(proof!.exceptions).toEqual(['extension hstore is of version 1.8 and was of 1.4']);
});
