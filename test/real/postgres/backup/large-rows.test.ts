import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { backup } from '../../../../core/commands/backup.ts';
import { restore } from '../../../../core/commands/restore/restore.ts';
import { limit, postgresScene } from '../../../support/postgres.ts';
import type { PostgresScene } from '../../../support/postgres.ts';

let scene: PostgresScene;

beforeAll(async () => {
  scene = await postgresScene(17);
  await scene.sql('postgres', 'create database large');
}, 1_200_000);

afterAll(() => scene?.stop());

test('a row of 144 MB as text goes through in pieces, and comes back', async () => {
  await scene.sql(
    'large',
    `create table files (id int, body bytea); insert into files values (1, convert_to(repeat('nightjar', ` +
      `9000000), 'UTF8')), (2, 'small')`,
  );
  let peak = 0;
  const before = process.memoryUsage().rss;
  const timer = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 20);

  const manifest = await backup(scene.source('large'), scene.deps(), limit());
  await restore(
    manifest,
    scene.source('copy').engine,
    { replace: false, owners: true, proof: false },
    { ...scene.deps(), parallel: 2 },
    limit(),
  );
  clearInterval(timer);

  expect(manifest.tables).toMatchObject([{ table: 'public.files', rows: 2 }]);
  expect(manifest.parts.reduce((sum, { bytes }) => sum + bytes, 0)).toBeGreaterThan(144e6);
  expect(
    await scene.sql(
      'copy',
      `select id, md5(body) = md5(convert_to(repeat('nightjar', 9000000), 'UTF8')) as same from files order by id`,
    ),
  ).toEqual([
    { id: 1, same: true },
    { id: 2, same: false },
  ]);
  expect(peak - before).toBeLessThan(130e6);
}, 120_000);

test('a row that PostgreSQL itself can’t print is named as that, with what to do', async () => {
  await scene.sql('large', `truncate files; insert into files values (1, convert_to(repeat('x', 540000000), 'UTF8'))`);

  await expect(backup(scene.source('large'), scene.deps(), limit())).rejects.toMatchObject({
    code: 'source-unsupported',
    message: expect.stringContaining('invalid memory alloc request size'),
    hint: expect.stringContaining('1 GB'),
  });
}, 120_000);
