import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { backup } from '../../../../core/commands/backup.ts';
import { restore, restorePlanned } from '../../../../core/commands/restore/restore.ts';
import { planRestore } from '../../../../core/commands/restore/plan.ts';
import type { Manifest } from '../../../../core/contract/manifest/manifest.ts';
import type { Login } from '../../../../core/engines/login.ts';
import { postgresEngine } from '../../../../core/engines/postgres/index.ts';
import type { RestoreFinding } from '../../../../core/ports.ts';
import { startPostgres } from '../../../servers/databases/postgres.ts';
import { startLimitMs } from '../../../servers/server.ts';
import type { DatabaseServer } from '../../../servers/server.ts';
import { limit, postgresScene, runSql } from '../../../support/postgres.ts';
import type { PostgresScene } from '../../../support/postgres.ts';

// What the definitions of a backup ask of a server and of a role is found by trying them; what has a name of its own
// (roles, extensions, tablespaces, locales) in plan.test.ts.
const helper = { user: 'helper', password: 'helper' };
const asked = { owners: true, proof: true };
let scene: PostgresScene;
let older: DatabaseServer;

beforeAll(async () => {
  [scene, older] = await Promise.all([postgresScene(18), startPostgres({ major: 15 })]);
  await scene.sql('postgres', 'create role app; create role other; create role unable; create role gone');
  for (const server of [scene.server, older]) {
    await runSql(server, 'postgres', `create role helper login createdb password 'helper'`);
    await runSql(server, 'postgres', 'create database live owner helper');
    await runSql(
      server,
      'live',
      `create table precious as select g as id, md5(g::text) as t from generate_series(1, 99) g`,
    );
  }
  await scene.sql('postgres', 'grant app to helper; grant unable to helper');
  await runSql(older, 'postgres', 'create role app; grant app to helper');
}, startLimitMs);

afterAll(async () => {
  await Promise.all([scene?.stop(), older?.stop()]);
});

let made = 0;
/** A database of `app` with these things in it, backed up and dropped. `%` is its name. */
async function backedUp(asApp: string, asSuperuser = ''): Promise<Manifest> {
  made += 1;
  const name = `source_${made}`;
  await scene.sql('postgres', `create database ${name} owner app`);
  await scene.sql(name, `set role app; ${asApp}; reset role; ${asSuperuser.replaceAll('%', name)}`);
  const manifest = await backup(scene.source(name), scene.deps(), limit());
  if (!asSuperuser.includes('subscription')) await scene.sql('postgres', `drop database ${name}`);
  return manifest;
}

const engineOn = (server: DatabaseServer, database: string, as: Partial<Login>) =>
  postgresEngine(
    scene.login(database, {
      host: server.host,
      port: server.port,
      user: server.user,
      password: server.password,
      ...as,
    }),
    scene.tools,
  );

async function standing(server: DatabaseServer) {
  return [
    await runSql(
      server,
      'postgres',
      `select datname, oid, shobj_description(oid, 'pg_database') from pg_database order by 1`,
    ),
    await runSql(
      server,
      'live',
      `select md5(string_agg(p::text, ',' order by id)) as rows, min(xmin::text) from precious p`,
    ),
  ];
}

async function plannedOn(server: DatabaseServer, manifest: Manifest, as: Partial<Login>, more: object = {}) {
  const options = { replace: true, ...asked, foresee: true, ...more };
  const plan = await planRestore(manifest, engineOn(server, 'live', as), options, scene.deps(), limit());
  await plan.target.close();
  return plan.findings;
}
const fatal = (findings: readonly RestoreFinding[]) => findings.filter(({ weight }) => weight === 'fails');
const deps = () => ({ ...scene.deps(), parallel: 1 });

/** Told by the plan, refused with it, and nothing touched. Returns all that keeps it from being done. */
async function toldAlone(
  server: DatabaseServer,
  manifest: Manifest,
  { said, remedy }: { said: RegExp; remedy: RegExp },
): Promise<RestoreFinding[]> {
  const before = await standing(server);
  const options = { replace: true, ...asked };

  const plan = await planRestore(manifest, engineOn(server, 'live', helper), options, scene.deps(), limit());
  const refused = restorePlanned(plan, deps(), limit());

  await expect(refused).rejects.toMatchObject({ message: expect.stringMatching(/; database live is as it was$/) });
  expect(await standing(server)).toEqual(before);
  const findings = fatal(plan.findings);
  const told = { what: expect.stringMatching(said), remedy: expect.stringMatching(remedy) };
  expect(findings).toContainEqual(expect.objectContaining(told));
  return findings;
}

/** `mends`: that SQL is all that it takes. */
type Thing = { thing: string; asApp?: string; asSuperuser?: string; said: RegExp; remedy: RegExp; mends?: boolean };
const things: Thing[] = [
  {
    thing: 'a setting of the database',
    asSuperuser: `alter database % set log_statement = 'all'`,
    said: /setting log_statement: .*denied to set parameter/,
    remedy: /^GRANT SET ON PARAMETER "log_statement" TO "helper";/,
    mends: true,
  },
  {
    thing: 'a setting of a function',
    asApp: 'create function f() returns int language sql return 1',
    asSuperuser: 'alter function f() set log_duration = on',
    said: /refuses FUNCTION f\(\): .*"log_duration"/,
    remedy: /^GRANT SET ON PARAMETER "log_duration" TO "helper";/,
    mends: true,
  },
  {
    thing: 'a setting of a role',
    asSuperuser: `alter role other in database % set work_mem = '5MB'`,
    said: /setting work_mem of other: .*denied/,
    remedy: /^ALTER ROLE "helper" CREATEROLE; GRANT "other" TO "helper" WITH ADMIN OPTION;/,
    mends: true,
  },
  {
    thing: 'rights for what somebody will make',
    asSuperuser: 'alter default privileges for role other grant select on tables to app',
    said: /DEFAULT ACL .*change default privileges/,
    remedy: /^GRANT other TO "helper";/,
    mends: true,
  },
  {
    thing: 'the schema public of somebody else',
    asSuperuser: 'alter schema public owner to other',
    said: /SCHEMA public: .*SET ROLE "other"/,
    remedy: /^GRANT "other" TO "helper";/,
    mends: true,
  },
  {
    thing: 'an owner who may make nothing where it is',
    asApp: 'create table t ()',
    asSuperuser: 'alter table t owner to unable',
    said: /TABLE t: .*permission denied for schema public/,
    remedy: /^its owner unable may make nothing in that schema, .*--no-owner$/,
  },
  {
    thing: 'a right that a third one has given',
    asApp: 'create table t (); grant select on t to other with grant option',
    asSuperuser: 'set role other; grant select on t to unable; reset role',
    said: /ACL TABLE t: .*session authorization/,
    remedy: /only a superuser can repeat.*--no-owner$/,
  },
  {
    thing: 'rows of one’s own that row-level security would hide from the proof',
    asApp:
      'create table t as select 1 as id; alter table t enable row level security; alter table t force row level security',
    said: /^the proof would not see every row, .* holds for helper, too: public\.t$/,
    remedy: /^ALTER ROLE "helper" BYPASSRLS; or restore without the comparison: --no-proof$/,
    mends: true,
  },
  {
    thing: 'a large object of a role that is not there, whose name only the rows have',
    asSuperuser: `create role gone; do $$begin execute 'alter large object ' || lo_create(0) || ' owner to gone'; end$$`,
    said: /^a role that owns large object \d+ does not exist on this server/,
    remedy: /--no-owner$/,
  },
];

test.each(things)('$thing is told beforehand', async ({ asApp = '', asSuperuser, said, remedy, mends = false }) => {
  const manifest = await backedUp(asApp, asSuperuser);
  await scene.sql('postgres', 'drop role if exists gone');

  const findings = await toldAlone(scene.server, manifest, { said, remedy });

  expect(findings).toHaveLength(1);
  if (!mends) return;
  for (const statement of findings[0]!.remedy!.match(/(?:GRANT|ALTER ROLE) [^;]*;/g) ?? [])
    await scene.sql('postgres', statement);
  const after = await plannedOn(scene.server, manifest, helper);
  await scene.sql('postgres', 'revoke other from helper; alter role helper nocreaterole nobypassrls');
  expect(fatal(after)).toEqual([]);
});

test('who has rights on a large object and is not there, as far as a digest tells', async () => {
  const large = (rights: string) => `do $$declare o oid := lo_create(0); begin execute 'grant ${rights}'; end$$`;
  const manifests = [];
  for (const [rights, role] of [
    [`select on large object ' || o || ' to absent_one`, 'create role absent_one'],
    [`select on large object ' || o || ' to other with grant option`, ''],
    [`all on large object ' || o || ' to public`, ''],
  ] as const)
    manifests.push(await backedUp('', `${role}; ${large(rights)}`));
  await scene.sql('postgres', 'drop role absent_one');

  const told = [];
  for (const manifest of manifests) told.push((await plannedOn(scene.server, manifest, {})).map(({ what }) => what));
  const unowned = await plannedOn(scene.server, manifests[0]!, {}, { owners: false });

  const said =
    /^who has rights on large object \d+ stands among the rows alone: a role that is not on this server makes/;
  expect(told).toEqual([[expect.stringMatching(said)], [], []]);
  expect(unowned.filter(({ what }) => said.test(what))).toEqual([]);
});

test('rows that name roles may fail, where there are some', async () => {
  const manifest = await backedUp(
    `create table who (r regrole, i int); insert into who values ('app'); create table "No One" (r regrole[])`,
  );

  const findings = await plannedOn(scene.server, manifest, {});

  expect(findings.filter(({ weight }) => weight === 'may-fail').map(({ what }) => what)).toEqual([
    'rows name roles (public.who.r): one that is not on this server makes the restore fail',
  ]);
});

test('what a superuser alone may make is told, every kind at once, and no more than once', async () => {
  const manifest = await backedUp(
    'create table t (id int primary key)',
    `create function e() returns event_trigger language plpgsql as 'begin end'; create event trigger et on ddl_command_end execute function e();
     create foreign data wrapper w; create publication everything for all tables; create access method am type index handler bthandler;
     create subscription su connection 'host=nowhere' publication p with (connect = false);
     create operator class oc for type int4 using btree as operator 1 <, operator 3 =, function 1 btint4cmp(int4, int4);
     create extension postgres_fdw; create server s foreign data wrapper postgres_fdw; create foreign table far (id int) server s`,
  );
  const before = await standing(scene.server);

  const findings = fatal(await plannedOn(scene.server, manifest, helper)).filter(({ what }) => what.startsWith('this'));

  expect(findings.map(({ what }) => /refuses (.*?): ERROR/.exec(what)?.[1]).sort()).toEqual([
    'ACCESS METHOD am',
    'EVENT TRIGGER et',
    'EXTENSION postgres_fdw',
    'FOREIGN DATA WRAPPER w',
    'OPERATOR CLASS oc',
    'OPERATOR FAMILY oc',
    'PUBLICATION everything',
    'SUBSCRIPTION su',
  ]);
  const superuser = /^only a superuser may make it here: .*--keep-going$/;
  expect(findings.filter(({ remedy }) => superuser.test(remedy ?? ''))).toHaveLength(7);
  expect(findings.find(({ what }) => what.includes('SUBSCRIPTION'))!.remedy).toMatch(
    /^GRANT pg_create_subscription TO/,
  );
  expect(await standing(scene.server)).toEqual(before);
  expect(fatal(await plannedOn(scene.server, manifest, {}))).toEqual([]);
});

test('a function in SQL that a constraint calls, and that finds its table by the search path alone', async () => {
  const manifest = await backedUp(
    `create schema priv; create table priv.k (id int); insert into priv.k values (1); set search_path = priv;
     create function priv.look(i int) returns bool language sql stable as 'select i in (select id from k)';
     create table priv.t (id int check (priv.look(id))); insert into priv.t values (1)`,
  );
  const unplanned = { replace: false, ...asked };

  await toldAlone(scene.server, manifest, {
    said: /^function priv\.look\(integer\), which constraint .* calls, does not find .*: relation "k" does not exist/,
    remedy: /^in the source: ALTER FUNCTION priv\.look\(integer\) SET search_path = priv, pg_temp; and back up again;/,
  });

  const anyway = restore(manifest, engineOn(scene.server, 'beside', {}), unplanned, deps(), limit());
  await expect(anyway).rejects.toMatchObject({ message: expect.stringMatching(/"k" does not exist.*COPY priv\.t/) });
});

test('what an older server does not know is told beforehand, and nothing that only follows from it', async () => {
  const manifest = await backedUp(
    `create table g (id int, twice int generated always as (id * 2) virtual); create view of_g as select id from g; create index on g (id);
     create view v as select * from json_table('[1]', '$[*]' columns (a int path '$')) j;
     create table n (id int, constraint c check (id > 0) not enforced); alter table n add constraint nn not null id not valid;
     create collation c (provider = builtin, locale = 'C.UTF-8'); create table t (x text collate c)`,
    `alter database % set icu_validation_level = 'error'`,
  );
  const unplanned = { replace: false, ...asked };

  const findings = await toldAlone(older, manifest, {
    said: /database setting icu_validation_level: .*unrecognized configuration parameter/,
    remedy: /^the backup is of PostgreSQL 18\..*: restore into 18 or newer;/,
  });

  expect(findings.map(({ what }) => what.replace(/^this server refuses /, '')).sort()).toEqual([
    expect.stringMatching(/^CHECK CONSTRAINT n c: ERROR: +syntax error/),
    expect.stringMatching(/^COLLATION c: ERROR: +unrecognized collation provider/),
    expect.stringMatching(/^CONSTRAINT n nn: ERROR: +syntax error/),
    expect.stringMatching(/^TABLE g: ERROR: +syntax error/),
    expect.stringMatching(/^VIEW v: ERROR: +syntax error/),
    expect.stringMatching(/^database setting icu_validation_level: /),
  ]);
  const anyway = restore(manifest, engineOn(older, 'beside', helper), unplanned, deps(), limit());
  await expect(anyway).rejects.toMatchObject({ message: expect.stringContaining('icu_validation_level') });
});

test('an older server that makes all of it is no finding; who may make no database is told that nothing was tried', async () => {
  const manifest = await backedUp('create table t as select 1 as id');
  await scene.sql('postgres', 'create database roomy owner helper');
  const options = { replace: false, ...asked, foresee: true };

  const old = await plannedOn(older, manifest, helper);
  const reading = await plannedOn(older, manifest, helper, { foresee: 'reading', replace: false });
  await scene.sql('postgres', 'alter role helper nocreatedb');
  const plan = await planRestore(manifest, engineOn(scene.server, 'roomy', helper), options, scene.deps(), limit());
  await plan.target.close();

  expect(old).toEqual([]);
  expect(reading.map(({ what }) => what)).toContainEqual(expect.stringContaining('it may not know all that is in it'));
  expect(plan.findings).toEqual([
    {
      weight: 'note',
      what: expect.stringMatching(/^the definitions could not be tried .* helper may make no database$/),
    },
  ]);
  for (const server of [scene.server, older])
    expect(await runSql(server, 'postgres', `select from pg_database where datname like 'nightjar%'`)).toEqual([]);
});
