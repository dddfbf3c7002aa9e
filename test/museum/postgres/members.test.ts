import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { backup } from '../../../core/commands/backup.ts';
import { proofSentence } from '../../../core/commands/proof/prove.ts';
import { restore } from '../../../core/commands/restore/restore.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { membersKind, readMembers } from '../../../core/engines/postgres/catalog/members.ts';
import { setFunctionProperties } from '../../../core/engines/postgres/database/function-properties.ts';
import { withSession } from '../../../core/engines/postgres/session.ts';
import { limit, postgresScene } from '../../support/postgres.ts';
import type { PostgresScene } from '../../support/postgres.ts';

/** An extension whose tables have what tables have, as PostGIS's do: servers from 18 look for extensions in a folder of ours. */
const spatial = `create table places (id int primary key, name text not null check (name <> '')); create index on places (name);
  create function seen() returns trigger language plpgsql as 'begin return new; end'; create trigger seen before insert on places for each row execute function seen();
  create rule kept as on delete to places do instead nothing; select pg_catalog.pg_extension_config_dump('places', '');`;
let extensions: string;

beforeAll(async () => {
  extensions = await mkdtemp(join(tmpdir(), 'nightjar-extensions-'));
  await mkdir(join(extensions, 'extension'));
  await writeFile(join(extensions, 'extension', 'geo.control'), `default_version = '1'\n`);
  await writeFile(join(extensions, 'extension', 'geo--1.sql'), spatial);
  await chmod(extensions, 0o755);
});
afterAll(() => rm(extensions, { recursive: true }));

describe.each([18, 13] as const)('PostgreSQL %i', (major) => {
  let scene: PostgresScene;

  beforeAll(async () => {
    scene = await postgresScene(major, major === 18 ? { extension_control_path: `${extensions}:$system` } : {});
    await scene.sql('postgres', 'create role other');
  }, 1_200_000);

  afterAll(() => scene?.stop());

  /** One transaction for each statement, as a person's migrations are. */
  async function taken(database: string, statements: string[]): Promise<Manifest> {
    await scene.sql('postgres', `create database ${database}`);
    for (const sql of statements) await scene.sql(database, sql);
    return backup(scene.source(database), scene.deps(), limit());
  }

  async function proven(manifest: Manifest, database: string): Promise<string> {
    const options = { replace: false, owners: true, proof: true };
    const deps = { ...scene.deps(), parallel: 2 };
    const { proof } = await restore(manifest, scene.source(database).engine, options, deps, limit());
    return proofSentence(proof!);
  }

  const properties = (database: string) =>
    scene.sql(
      database,
      `select oid::regprocedure::text as name, provolatile, proisstrict, prosecdef, proleakproof, proparallel, procost, prorows, proconfig
        from pg_proc where oid >= 16384 order by 1`,
    );

  test('what somebody had changed of an extension was in no dump, named nowhere, and "proven equal"', async () => {
    const manifest = await taken('changed', [
      'create extension unaccent',
      'create extension pg_trgm',
      'alter function unaccent(text) immutable',
      'alter function show_limit() security definer',
      `alter function show_trgm(text) set search_path to '', "A b", public`,
      `alter function set_limit(float4) set work_mem to '7MB'`,
      'alter function strict_word_similarity(text, text) cost 77 parallel unsafe called on null input leakproof',
      `create or replace function similarity(text, text) returns float4 language sql immutable as 'select 0.5::float4'`,
      'alter function word_similarity(text, text) owner to other',
      `comment on function show_trgm(text) is 'mine'`,
      `create function added() returns int language sql as 'select 1'`,
      'alter extension pg_trgm add function added()',
    ]);

    const warned = manifest.warnings.filter((warning) => warning.startsWith('changed after the extension '));
    const functionsOf = (warning = '') => [...warning.matchAll(/function public\.(\w+)/g)].map(([, name]) => name);
    expect(warned.map(functionsOf)).toEqual([
      ['added', 'set_limit', 'show_limit', 'show_trgm', 'similarity', 'strict_word_similarity', 'word_similarity'],
      ['unaccent'],
    ]);
    const args = '(pg_catalog.text,pg_catalog.text)';
    expect(await proven(manifest, 'changed_again')).toContain(
      ', except members of the extension pg_trgm, of which pg_dump carries no change: function public.added() ' +
        '(missing), ' +
        `function public.show_trgm(pg_catalog.text) (other comment), function public.similarity${args} (other ` +
        'definition, other treatment of nulls, other parallel safety, other cost), ' +
        `function public.word_similarity${args} (other owner): `,
    );
    const same = (rows: Record<string, unknown>[]) =>
      rows.filter(({ name }) => !['similarity(text,text)', 'added()'].includes(String(name)));
    expect(same(await properties('changed_again'))).toEqual(same(await properties('changed')));
  });

  if (major === 18)
    test('an extension without a comment, or with an index, a key, a check or a trigger on a table of its own, as PostGIS has, made every restore fail its proof, or excepted what was equal', async () => {
      const good = await taken('placed', ['create extension geo', `insert into places values (1, 'here')`]);
      const changed = await taken('placed_more', [
        'create extension geo',
        'create index mine on places (id, name)',
        'alter table places disable trigger seen',
      ]);

      expect([good.warnings, good.exceptions]).toEqual([[], undefined]);
      expect(await proven(good, 'placed_again')).toMatch(/^proven equal: 1 table, 1 row, /);
      expect(changed.warnings).toEqual([
        expect.stringContaining('made, which no dump carries: index public.mine, trigger seen on public.places;'),
      ]);
      expect(await proven(changed, 'placed_more_again')).toContain(
        'carries no change: index public.mine (missing), trigger seen on public.places (other definition): ',
      );
    });

  test('an index on unaccent, which was declared immutable for it, made every restore fail', async () => {
    const manifest = await taken('searched', [
      'create schema tools',
      'create extension unaccent schema tools',
      'alter function tools.unaccent(text) immutable',
      'create table t (n text, plain text generated always as (tools.unaccent(n)) stored)',
      'create index on t (tools.unaccent(n))',
      `insert into t values ('é')`,
    ]);

    expect(await proven(manifest, 'searched_again')).toMatch(/^proven equal: 1 table, 1 row, /);
    const options = { replace: false, owners: true, proof: true, keepGoing: true };
    const deps = { ...scene.deps(), parallel: 2 };
    const gone = await restore(manifest, scene.source('searched_on').engine, options, deps, limit());
    expect(gone).toMatchObject({ failures: [], proof: { differences: [], exceptions: [] } });
  });

  test('extensions that were updated through their versions, moved and granted differ in nothing', async () => {
    await scene.sql('postgres', 'create database updated');
    const versions = await scene.sql(
      'updated',
      `select a.name, min(p.source) as source from pg_available_extensions a, lateral pg_extension_update_paths(a.name) p
        join pg_available_extension_versions v on v.version = p.source
        where v.name = a.name and p.target = a.default_version and p.path is not null and p.source <> p.target
          and a.name = any('{btree_gist,citext,cube,hstore,intarray,isn,ltree,pg_stat_statements,pg_trgm,pageinspect,seg}') group by 1`,
    );
    for (const { name, source } of versions) {
      await scene.sql('updated', `create extension "${String(name)}" version '${String(source)}'`);
      await scene.sql('updated', `alter extension "${String(name)}" update`);
    }
    for (const sql of [
      'create schema moved',
      'alter extension hstore set schema moved',
      'revoke execute on function public.similarity(text, text) from public',
      'grant execute on function public.show_limit() to other',
      'grant usage on type public.citext to other',
    ])
      await scene.sql('updated', sql);
    const manifest = await backup(scene.source('updated'), scene.deps(), limit());

    expect(versions.length).toBeGreaterThan(8);
    expect(manifest.warnings).toEqual([]);
    expect(await proven(manifest, 'updated_again')).toMatch(/^proven equal: /);
  }, 120_000);

  test('values of a catalog are values: no statement in them runs', async () => {
    await scene.sql('postgres', 'create database hostile');
    await scene.sql('hostile', 'create extension unaccent');
    const mean = 'immutable; create role thief superuser; --';
    const hostile = {
      volatility: mean,
      strict: true,
      definer: false,
      leakproof: false,
      parallel: mean,
      cost: 1,
      rows: 0,
      config: [`my.x=${mean}`, `x" to 1; create role thief superuser; --=1`],
    };
    const name = 'function public.unaccent(pg_catalog.text)';
    const { definition } = (await withSession(scene.login('hostile'), limit(), readMembers))['unaccent']![name]!;
    const members = { [name]: { definition, properties: hostile } };
    const catalog = { [membersKind]: { unaccent: JSON.stringify(members) } };

    await withSession(scene.login('hostile'), limit(), (session) => setFunctionProperties(session, catalog));

    const [made] = await scene.sql(
      'hostile',
      `select proconfig from pg_proc where oid = 'unaccent(text)'::regprocedure`,
    );
    expect(made).toEqual({ proconfig: [`my.x=${mean}`] });
    expect(await scene.sql('postgres', `select rolname from pg_roles where rolname = 'thief'`)).toEqual([]);
  });
});
