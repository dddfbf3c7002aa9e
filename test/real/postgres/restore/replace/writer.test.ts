import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { backup } from '../../../../../core/commands/backup.ts';
import { restore } from '../../../../../core/commands/restore/restore.ts';
import { planUndo, undo } from '../../../../../core/commands/restore/undo.ts';
import { limit, postgresScene } from '../../../../support/postgres.ts';
import type { PostgresScene } from '../../../../support/postgres.ts';

let scene: PostgresScene;
/** No number is written twice, by whichever application. */
let numbers = 0;

beforeAll(async () => {
  scene = await postgresScene(17);
  await scene.sql('postgres', 'create database shop');
  // the restore of `slow` takes a second, in which the application writes
  await scene.sql(
    'shop',
    `create table writes (n int primary key);
    create table slow (i int check (pg_sleep(1) is not null)); insert into slow values (1)`,
  );
}, 1_200_000);

afterAll(() => scene?.stop());

/**
 * An application that connects, writes and leaves ten times a second, each time with the next number. `written`: what
 * it was told is done; of others it does not know.
 */
function application() {
  const { host, port, user, password } = scene.server;
  const written: number[] = [];
  const moments: number[] = [];
  let isOver = false;
  const write = async (value: number): Promise<void> => {
    const client = new pg.Client({ host, port, user, password, database: 'shop' });
    client.on('error', () => undefined);
    await client.connect();
    await client.query(`insert into writes values (${value})`).finally(() => client.end());
  };
  const running = (async () => {
    while (!isOver) {
      const n = (numbers += 1);
      await write(n).then(
        () => {
          written.push(n);
          moments.push(performance.now());
        },
        () => undefined,
      );
      await sleep(100);
    }
  })();
  return {
    written,
    /** The longest time between two writes that it was told of, in ms. */
    longestPause: () => Math.max(...moments.slice(1).map((moment, index) => moment - moments[index]!)),
    async atLeast(count: number): Promise<void> {
      const wanted = written.length + count;
      while (written.length < wanted) await sleep(20);
    },
    async stop(): Promise<void> {
      isOver = true;
      await running;
    },
  };
}

const writes = async (database: string) =>
  (await scene.sql(database, 'select n from writes order by n')).map(({ n }) => n as number);
const keptName = async () => (await planUndo(scene.source('shop').engine, 'shop', limit())).kept[0].name;

/** Waits until a new database is being filled: who is connected was asked before that. */
async function filling(): Promise<void> {
  while (
    (await scene.sql('postgres', `select from pg_database where datname like 'nightjar_new%' and datallowconn`))
      .length === 0
  )
    await sleep(20);
}

test('an application that writes through a swap and an undo: every write it was told of is in the database of its time', async () => {
  const { engine } = scene.source('shop');
  const manifest = await backup(scene.source('shop'), scene.deps(), limit());
  const options = { replace: true, owners: true, proof: true };

  const restoring = restore(manifest, engine, options, { ...scene.deps(), parallel: 2 }, limit());
  await Promise.race([filling(), restoring]);
  const app = application();
  await restoring;
  await app.atLeast(3);
  await app.stop();

  const [old, restored] = [await writes(await keptName()), await writes('shop')];
  // a write that was refused may have been done all the same
  const told = (all: readonly number[], seen: typeof app) => all.filter((n) => seen.written.includes(n));
  expect([...told(old, app), ...told(restored, app)]).toEqual(app.written);

  // a fraction of a second (docs/replace.md has it measured), and no more than a machine at its end makes of that
  expect(app.longestPause()).toBeLessThan(30_000);

  const plan = await planUndo(engine, 'shop', limit());
  const back = application();
  const undone = await undo(engine, plan, limit());
  await back.atLeast(3);
  await back.stop();

  expect(back.longestPause()).toBeLessThan(30_000);
  const [left, live] = [await writes(undone!), await writes('shop')];
  expect([...told(left, back), ...told(live, back)]).toEqual(back.written);
  expect(live).toEqual(expect.arrayContaining(old));
  expect(left).toEqual(expect.arrayContaining(restored));
}, 120_000);
