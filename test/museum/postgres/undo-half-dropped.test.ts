import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { backup } from '../../../core/commands/backup.ts';
import { restore } from '../../../core/commands/restore/restore.ts';
import { dropKept, planDrop, planUndo, undo } from '../../../core/commands/restore/undo.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { limit, postgresScene } from '../../support/postgres.ts';
import type { PostgresScene } from '../../support/postgres.ts';

// PostgreSQL leaves a database that nobody can open where a DROP DATABASE was interrupted. It kept its name and its
// mark, and --undo put it in the place of the live one.
let scene: PostgresScene;
let manifest: Manifest;

beforeAll(async () => {
  scene = await postgresScene(17);
  await scene.sql('postgres', 'create database shop');
  await scene.sql('shop', 'create table goods as select g as id from generate_series(1, 100) g');
  manifest = await backup(scene.source('shop'), scene.deps(), limit());
}, 1_200_000);

afterAll(() => scene?.stop());

const engine = () => scene.source('shop').engine;
const options = { replace: true, owners: true, proof: true };
const replacing = () => restore(manifest, engine(), options, { ...scene.deps(), parallel: 2 }, limit());
const goods = () => scene.sql('shop', 'select count(*)::int as rows from goods');

test('museum: --undo put a database that was half dropped in the place of the live one', async () => {
  await replacing();
  const [old] = (await planUndo(engine(), 'shop', limit())).kept;
  const shown = await planUndo(engine(), 'shop', limit());
  await dropHalf(old.name);

  const late = undo(engine(), shown, limit());
  await expect(late).rejects.toMatchObject({
    message: expect.stringContaining(`database ${old.name} is half dropped`),
  });
  await expect(planUndo(engine(), 'shop', limit())).rejects.toMatchObject({
    code: 'restore-failed',
    message: `nothing is kept of what database shop was before that could come back: ${old.name} is half dropped`,
    hint: expect.stringContaining('--drop-old'),
  });

  expect(await goods()).toEqual([{ rows: 100 }]);
});

test('museum: what is whole comes back, and what is half dropped is dropped', async () => {
  await replacing();
  const [whole, ...others] = (await planUndo(engine(), 'shop', limit())).kept;
  expect(others).toEqual([]);
  await undo(engine(), await planUndo(engine(), 'shop', limit()), limit());
  expect(await goods()).toEqual([{ rows: 100 }]);
  const [undone] = (await planUndo(engine(), 'shop', limit())).kept;
  expect(undone.name).toBe(whole.name.replace('_before_', '_undone_'));
  await dropHalf(undone.name);

  await dropKept(engine(), await planDrop(engine(), 'shop', limit()), limit());

  expect(
    await scene.sql('postgres', `select datname from pg_database where not datistemplate and datname <> 'postgres'`),
  ).toEqual([{ datname: 'shop' }]);
});

test('a live database that is half dropped is told as such, and what it was before comes back', async () => {
  await replacing();
  await dropHalf('shop');

  await expect(replacing()).rejects.toMatchObject({
    code: 'source-unreachable',
    hint: expect.stringMatching(/drop was interrupted.*DROP DATABASE.*--undo/),
  });
  await undo(engine(), await planUndo(engine(), 'shop', limit()), limit());

  expect(await goods()).toEqual([{ rows: 100 }]);
  await dropKept(engine(), await planDrop(engine(), 'shop', limit()), limit());
});

/** As PostgreSQL's own tests do it: the drop waits for a table of the catalog when it is interrupted. */
async function dropHalf(name: string): Promise<void> {
  const { host, port, user, password } = scene.server;
  const [holder, dropper] = [1, 2].map(() => new pg.Client({ host, port, user, password, database: 'postgres' }));
  dropper!.on('error', () => undefined);
  await Promise.all([holder!.connect(), dropper!.connect()]);
  const [{ pid }] = (await dropper!.query('select pg_backend_pid() as pid')).rows as [{ pid: number }];
  await holder!.query('begin; lock pg_tablespace');
  const dropping = dropper!.query(`drop database "${name}"`).catch((error: unknown) => error);
  for (;;) {
    const { rows } = await holder!.query(
      `select from pg_stat_activity where pid = ${pid} and wait_event_type = 'Lock'`,
    );
    if (rows.length > 0) break;
    await sleep(20);
  }
  await holder!.query(`select pg_cancel_backend(${pid})`);
  await dropping;
  await holder!.query('rollback');
  await Promise.all([holder!.end(), dropper!.end()]);
  expect(await scene.sql('postgres', `select datconnlimit from pg_database where datname = '${name}'`)).toEqual([
    { datconnlimit: -2 },
  ]);
}
