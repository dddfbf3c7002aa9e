import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { backup } from '../../../core/commands/backup.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { limit, postgresScene } from '../../support/postgres.ts';
import type { PostgresScene } from '../../support/postgres.ts';
import { changedBeforeProof, openCourt, restoredAlready } from './court.ts';
import type { Court, Verdict } from './court.ts';
import { definitionLies, lies } from './postgres-lies.ts';
import { wavesOf } from './waves.ts';

/** What belongs to a database and is not copied with it. */
const ownOf = (database: string) =>
  `alter database ${database} owner to clerk; alter database ${database} set work_mem = '8MB'; comment on ` +
  `database ${database} is 'the shop'; revoke connect on database ${database} from public`;

/**
 * What a lie is of: the world's things by their names, in part with what is told apart by it. Of `goods` and `orders`,
 * what has a line of its own in a proof is a thing of its own: rows, comments, triggers, policies, constraints.
 */
const thing = new RegExp(
  [
    /:db\b|\blarge object\b|\blo_\w+|\bschema (?:stock|public)\b|===|\bstock\.\w+/,
    /\b(?:update|insert into|truncate) (?:goods|orders)\b|\bcomment on (?:table|column) goods\b/,
    /(?<!\b(?:touched|seen|code_sane)\b[^;]* on )\bgoods\b(?! (?:disable trigger|drop constraint))/,
    /\borders\b(?! drop constraint)|\b(?:touched|seen|code_sane|code_once|of_good|orders_pkey|orders_number|orders_id_seq)\b/,
    /\b(?:logs|base|derived|empty|cache|cheap|totals|twice|tidy|watched|news|remote|far|distant|wide_b|more|hstore|citext)\b/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'g',
);
/** What changes with another thing. */
const same = {
  'insert into orders': 'update orders',
  'truncate orders': 'update orders',
  'comment on column goods': 'comment on table goods',
  derived: 'base',
  citext: 'goods',
  'large object': 'large objects',
  lo_put: 'large objects',
  lo_unlink: 'large objects',
  lo_from_bytea: 'large objects',
};

/** A wave costs most of a second: the servers share the definitions. */
const half = (which: number) => definitionLies.filter((_, index) => index % 2 === which);

describe.each([
  { major: 18, told: [...lies, ...half(0)] },
  { major: 13, told: half(1) },
] as const)('PostgreSQL $major', ({ major, told }) => {
  let scene: PostgresScene;
  let court: Court;
  let manifest: Manifest;
  let untouched: Verdict;

  beforeAll(async () => {
    scene = await postgresScene(major);
    court = await openCourt(scene.vault);
    await scene.sql('postgres', 'create role clerk; create role auditor');
    await scene.sql('postgres', 'create database shop');
    await scene.sql('shop', await readFile(join(import.meta.dirname, 'postgres-world.sql'), 'utf8'));
    await scene.sql('postgres', ownOf('shop'));
    manifest = await backup(scene.source('shop'), scene.deps(), limit());
    untouched = await court.restoring(manifest, scene.source('restored').engine);
  }, 1_200_000);

  afterAll(async () => {
    await court?.stop();
    await scene?.stop();
  });

  test('what was restored and left alone is proven, that is on record, and nobody is alarmed', () => {
    expect(untouched).toMatchObject({
      said: '',
      exit: 0,
      record: { kind: 'restore', outcome: 'passed' },
      written: expect.stringContaining(
        'proven equal, except rows of materialized views, which a restore computes anew: public.totals: 10 ' +
          'tables, 507 rows',
      ),
      alert: undefined,
    });
  });

  test.each(wavesOf(told, thing, same))('%s', async (_, wave) => {
    await scene.sql('postgres', 'drop database if exists liar');
    await scene.sql('postgres', 'create database liar template restored');
    await scene.sql('postgres', ownOf('liar'));
    for (const [, sql] of wave) await scene.sql('liar', sql.replaceAll(':db', 'liar'));

    const verdict = await court.restoring(manifest, restoredAlready(scene.source('liar').engine, 'liar'));

    for (const [what, , said] of wave)
      expect({ what, said: verdict.said }).toEqual({ what, said: expect.stringMatching(said) });
    expect(verdict).toMatchObject({ code: 'proof-failed', exit: 3, record: { kind: 'restore', outcome: 'failed' } });
    expect(verdict.written).toContain(JSON.stringify(verdict.said));
    expect(verdict.alert).toMatchObject({
      kind: 'restore-failed',
      severity: 'problem',
      source: 'shop',
      facts: expect.arrayContaining([{ label: 'Error', value: `${verdict.said} (proof-failed)` }]),
    });
  });

  test('with nothing done to it, such a copy is proven', async () => {
    await scene.sql('postgres', 'drop database if exists liar');
    await scene.sql('postgres', 'create database liar template restored');
    await scene.sql('postgres', ownOf('liar'));

    expect(await court.restoring(manifest, restoredAlready(scene.source('liar').engine, 'liar'))).toMatchObject({
      said: '',
      record: { outcome: 'passed' },
    });
  });

  test('a row that changes between the load and the proof of a new database is found', async () => {
    const { engine } = scene.source('hurried');

    const verdict = await court.restoring(
      manifest,
      changedBeforeProof(engine, (database) => scene.sql(database!, `update goods set price = 9 where id = 1`)),
    );

    expect(verdict).toMatchObject({
      code: 'proof-failed',
      said: expect.stringMatching(
        /hurried is not what was backed up: table public\.goods has the right number of rows, and other content(?!; (table|view|index))/,
      ),
      exit: 3,
      record: { outcome: 'failed' },
    });
  });

  test('a database keeps its place, and its newer rows, while what was to replace it is not proven', async () => {
    await scene.sql('postgres', 'create database kept');
    await scene.sql('kept', 'create table precious (i int); insert into precious values (42)');
    const { engine } = scene.source('kept');

    const verdict = await court.restoring(
      manifest,
      changedBeforeProof(engine, (database) => scene.sql(database!, `drop view cheap`)),
      { replace: true },
    );

    expect(verdict).toMatchObject({
      code: 'proof-failed',
      said: expect.stringContaining('view public.cheap is missing'),
      exit: 3,
      record: { outcome: 'failed' },
    });
    expect(await scene.sql('kept', 'select i from precious')).toEqual([{ i: 42 }]);
    expect(await scene.sql('kept', `select to_regclass('goods') as goods`)).toEqual([{ goods: null }]);
  });

  test('without owners, who owns what is not compared, and everything else is', async () => {
    const { engine } = scene.source('nobodys');
    const owner = await court.restoring(
      manifest,
      changedBeforeProof(engine, (database) => scene.sql(database!, 'alter table goods owner to clerk')),
      { owners: false },
    );
    const index = await court.restoring(
      manifest,
      restoredAlready(
        changedBeforeProof(engine, (database) => scene.sql(database!, 'drop index orders_number')),
        'nobodys',
      ),
      { owners: false },
    );

    expect(owner).toMatchObject({ said: '', record: { outcome: 'passed' } });
    expect(index).toMatchObject({
      code: 'proof-failed',
      said: expect.stringMatching(/: index public\.orders_number is missing(?!; (table|owner|grant))/),
    });
  });

  test('without a proof nothing is found, and nothing is on record', async () => {
    const { engine } = scene.source('unproven');

    const verdict = await court.restoring(
      manifest,
      changedBeforeProof(engine, () => Promise.reject(new Error('nobody asked'))),
      { proof: false },
    );

    expect(verdict).toMatchObject({ said: '', exit: 0, record: undefined, alert: undefined });
  });
});
