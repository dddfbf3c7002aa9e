import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startPostgres } from '../../servers/databases/postgres.ts';
import type { DatabaseServer } from '../../servers/server.ts';
import { valueOf } from './sandbox/outcome.ts';
import { openScene, type Scene } from './scene.ts';
import { postgresSql } from './sql.ts';

const mebibyte = 1024 * 1024;
let scene: Scene;
let server: DatabaseServer;

beforeAll(async () => {
  [scene, server] = await Promise.all([
    openScene(),
    startPostgres({ major: 18, settings: { autovacuum: 'off', wal_level: 'minimal', max_wal_senders: '0' } }),
  ]);
  await postgresSql(server, 'postgres', 'create database large');
  const words = Array.from({ length: 4 }, (_, index) => `repeat(md5((g + ${index}e7)::text), 8)`).join(' || ');
  await postgresSql(
    server,
    'large',
    `create unlogged table events as select g as id, ${words} as body from generate_series(1, 1000000) g`,
  );
}, 20 * 60_000);

afterAll(async () => {
  await Promise.all([scene?.close(), server?.stop()]);
});

test('a dump of a gigabyte, in slices and uploaded in parts, goes through 256 MB of Node and a function of 512 MB', async () => {
  const backup = await scene.deploy(
    'backup',
    { large: { server, engine: 'postgres', database: 'large' } },
    { memoryMb: 512, timeoutMs: 300_000 },
  );

  const ended = await backup.invoke({ source: 'large' });

  expect(valueOf(ended)).toMatchObject({ status: 'stored', rows: 1_000_000 });
  expect((ended as { value: { bytes: number } }).value.bytes).toBeGreaterThan(1e9);
  expect(ended.peakNodeMemory).toBeLessThan(256 * mebibyte);
}, 400_000);
