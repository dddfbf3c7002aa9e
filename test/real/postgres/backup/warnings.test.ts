import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { backup } from '../../../../core/commands/backup.ts';
import { restore } from '../../../../core/commands/restore/restore.ts';
import type { RunEvent } from '../../../../core/ports.ts';
import { limit, postgresScene } from '../../../support/postgres.ts';
import type { PostgresScene } from '../../../support/postgres.ts';

let scene: PostgresScene;

beforeAll(async () => {
  scene = await postgresScene(17);
  await scene.sql('postgres', 'create database shop');
  await scene.sql('postgres', `create role reader login password 'pw'; grant pg_read_all_data to reader`);
  await scene.sql('shop', `create table orders (id int primary key); insert into orders values (1)`);
  await scene.sql('shop', `create subscription feed connection 'dbname=nowhere' publication p with (connect = false)`);
}, 1_200_000);

afterAll(() => scene?.stop());

function heard() {
  const warnings: string[] = [];
  return { warnings, report: (event: RunEvent) => void (event.type === 'warning' && warnings.push(event.message)) };
}

test('what pg_dump leaves out and says only on stderr is told, and kept in the manifest', async () => {
  const { warnings, report } = heard();

  const manifest = await backup(
    scene.source('shop', { login: { user: 'reader', password: 'pw' } }),
    { ...scene.deps(), report },
    limit(),
  );

  expect(manifest.warnings).toEqual([expect.stringMatching(/^pg_dump said: warning: subscriptions not dumped/)]);
  expect(warnings).toEqual([...manifest.warnings, ...(manifest.exceptions ?? [])]);
});

test('what the server warns psql of is told once, by a backup and by a restore', async () => {
  for (const name of ['worn', 'worn too']) {
    await scene.sql(
      'postgres',
      `create database "${name}" template template0 locale_provider icu icu_locale 'en' locale 'C.UTF-8'`,
    );
    await scene.sql('postgres', `update pg_database set datcollversion = '1' where datname = '${name}'`);
  }
  await scene.sql(
    'worn',
    'create table a as select 1 as i; create table b as select g as i from generate_series(1, 50000) g',
  );
  const { warnings, report } = heard();

  const manifest = await backup(scene.source('worn', { sliceBytes: 500_000 }), scene.deps(), limit());
  await restore(
    manifest,
    scene.source('worn too').engine,
    { replace: false, owners: true, proof: false },
    { ...scene.deps(), report, parallel: 2 },
    limit(),
  );

  expect(manifest.parts.length).toBeGreaterThan(4);
  expect(manifest.warnings).toEqual([
    expect.stringMatching(/^the server said: WARNING: database "worn" has a collation version mismatch; HINT: Rebuild/),
  ]);
  expect(warnings).toEqual([
    `told when it was backed up: ${manifest.warnings[0]}`,
    expect.stringMatching(
      /^the server said: WARNING: database "worn too" has a collation version mismatch; HINT: Rebuild/,
    ),
  ]);
});
