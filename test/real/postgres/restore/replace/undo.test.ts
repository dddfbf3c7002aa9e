import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { backup } from '../../../../../core/commands/backup.ts';
import { restore } from '../../../../../core/commands/restore/restore.ts';
import { planRestore } from '../../../../../core/commands/restore/plan.ts';
import { dropKept, dropOverdue, planUndo, undo } from '../../../../../core/commands/restore/undo.ts';
import type { Manifest } from '../../../../../core/contract/manifest/manifest.ts';
import { limit, postgresScene } from '../../../../support/postgres.ts';
import type { PostgresScene } from '../../../../support/postgres.ts';

const comment = `the shop's own\nand more`;
let scene: PostgresScene;
let manifest: Manifest;

beforeAll(async () => {
  scene = await postgresScene(15);
  await scene.sql('postgres', 'create database shop');
  await scene.sql('shop', 'create table goods as select g as id from generate_series(1, 100) g');
  manifest = await backup(scene.source('shop'), scene.deps(), limit());
  await scene.sql('shop', 'create table newer as select 42 as answer');
  await scene.sql('postgres', `comment on database shop is '${comment.replaceAll("'", "''")}'`);
}, 1_200_000);

afterAll(() => scene?.stop());

const engine = () => scene.source('shop').engine;
const replacing = (more = {}) =>
  restore(
    manifest,
    engine(),
    { replace: true, owners: true, proof: true, ...more },
    { ...scene.deps(), parallel: 2 },
    limit(),
  );
const undoing = async () => undo(engine(), await planUndo(engine(), 'shop', limit()), limit());
/** What every database is, whatever it is called. */
const databases = () =>
  scene.sql(
    'postgres',
    `select oid::int, datname as name, shobj_description(oid, 'pg_database') as comment from pg_database where ` +
      `not datistemplate and datname <> 'postgres' order by 1`,
  );
const keptNames = async () => (await planUndo(engine(), 'shop', limit())).kept.map(({ name }) => name);
const isOld = async () =>
  (await scene.sql('shop', `select to_regclass('newer') is not null as old`))[0]!['old'] as boolean;
/** As if what is kept had been replaced the day before. */
async function aDayPasses(): Promise<void> {
  for (const { name, comment: mark } of await databases()) {
    const older = String(mark ?? '').replace(/ at 20\S+/, ' at 2026-01-01T02:00:00Z');
    if (older !== String(mark ?? ''))
      await scene.sql('postgres', `comment on database "${name}" is '${older.replaceAll("'", "''")}'`);
  }
}
const before = () => `shop_before_${manifest.id}`;

test('what is replaced is kept, said with its size, and comes back as it was: comment, rows, the very database', async () => {
  const [old] = await databases();

  const { notes } = await replacing();

  expect(notes).toEqual([
    expect.stringMatching(
      new RegExp(
        `^the old database is kept as ${before()} \\([\\d.]+ MB\\): --undo puts it back, --drop-old drops it$`,
      ),
    ),
  ]);
  expect(await isOld()).toBe(false);
  expect(await databases()).toEqual([
    {
      ...old,
      name: before(),
      comment: expect.stringMatching(
        /^nightjar replaced "shop" at 20\d\d-\d\d-\d\dT[\d:]+Z\nthe shop's own\nand more$/,
      ),
    },
    { oid: expect.any(Number), name: 'shop', comment: null },
  ]);

  const replaced = await undoing();

  expect(replaced).toBe(`shop_undone_${manifest.id}`);
  expect(await databases()).toEqual([
    old,
    { oid: expect.any(Number), name: replaced, comment: expect.stringMatching(/^nightjar replaced "shop" at \S+Z$/) },
  ]);
  expect(await scene.sql('shop', 'select answer from newer')).toEqual([{ answer: 42 }]);
  // another one that has looked before it
  const [there, late] = [await databases(), engine().replaced!];
  const kept = { name: before() };
  for (const again of [
    late.findings,
    late.drop,
    (one: typeof kept, end: AbortSignal) => late.swapBack(one, () => {}, end),
  ])
    await expect(again(kept, limit())).rejects.toThrow('is not what it was: somebody has used it meanwhile');
  expect(await databases()).toEqual(there);
});

test('an undo can be undone, and who is connected is told before anything is done', async () => {
  const { host, port, user, password } = scene.server;
  const app = new pg.Client({ host, port, user, password, database: 'shop', application_name: 'the app' });
  await app.connect();
  const there = await databases();
  const refused = undoing();

  await expect(refused).rejects.toMatchObject({
    message: expect.stringMatching(/in use by .*the app\); nothing was changed$/),
  });
  expect(await databases()).toEqual(there);
  await app.end();
  await undoing();

  expect(await isOld()).toBe(false);
  await undoing();
  expect(await isOld()).toBe(true);
});

test('every night a restore in place: the newest of what was replaced is kept, whoever is connected to it', async () => {
  await dropKept(engine(), await planUndo(engine(), 'shop', limit()), limit());
  await replacing();
  const [first] = await keptNames();
  await aDayPasses();

  const plan = await planRestore(
    manifest,
    engine(),
    { replace: true, owners: true, proof: true },
    scene.deps(),
    limit(),
  );
  await plan.target.close();
  const { notes } = await replacing();

  expect(first).toBe(before());
  expect(plan.steps).toContainEqual(
    expect.stringMatching(new RegExp(`^drop database ${before()} \\(.+\\), which an earlier replacement has kept$`)),
  );
  expect(plan.target.keptAs).toBe(`${before()}_1`);
  expect(notes).toEqual([
    expect.stringContaining(`kept as ${before()}_1 (`),
    expect.stringMatching(new RegExp(`^dropped, as an earlier replacement had kept it: ${before()} \\(.+\\)$`)),
  ]);
  expect(await keptNames()).toEqual([`${before()}_1`]);

  const { host, port, user, password } = scene.server;
  const reader = new pg.Client({ host, port, user, password, database: `${before()}_1` });
  await reader.connect();
  await aDayPasses();
  const { notes: busy } = await replacing();
  await reader.end();
  expect(busy).toEqual([
    expect.stringContaining(`kept as ${before()} (`),
    expect.stringMatching(/^the old database shop_before_\S+_1 could not be dropped \(.*accessed by other users.*DROP/),
  ]);
  expect(await keptNames()).toHaveLength(2);
  await aDayPasses();
  await replacing();
  expect(await keptNames()).toHaveLength(1);
});

test('who restores twice on one day keeps what was there before the first time', async () => {
  await dropKept(engine(), await planUndo(engine(), 'shop', limit()), limit());
  await scene.sql('shop', 'create table precious as select 42 as answer');
  await replacing();
  const plan = await planRestore(
    manifest,
    engine(),
    { replace: true, owners: true, proof: true },
    scene.deps(),
    limit(),
  );
  await plan.target.close();

  const { notes } = await replacing();

  expect(plan.steps).toContainEqual(expect.stringMatching(/^kept from before: shop_before_.*--drop-old drops/));
  expect(plan.steps).not.toContainEqual(expect.stringMatching(/^drop database/));
  expect(notes).toContainEqual(expect.stringMatching(new RegExp(`^kept from before: ${before()} \\(`)));
  expect(await keptNames()).toHaveLength(2);
  expect(await scene.sql(before(), 'select answer from precious')).toEqual([{ answer: 42 }]);
  await aDayPasses();
});

test('what is not proven drops nothing, a restore with dropOld all; strangers of such a name stay', async () => {
  await scene.sql('postgres', 'create database shop_before_mine');
  const { notes } = await replacing({ proof: false });

  expect(notes).toEqual([
    expect.stringContaining('the old database is kept as '),
    expect.stringMatching(/^kept from before: shop_before_.*--drop-old drops what is kept$/),
  ]);
  expect(await keptNames()).toHaveLength(3);
  await expect(replacing({ dropOld: true })).resolves.toMatchObject({ notes: [] });
  expect((await databases()).map(({ name }) => name)).toEqual(expect.arrayContaining(['shop', 'shop_before_mine']));
  expect(await databases()).toHaveLength(2);
  await expect(planUndo(engine(), 'shop', limit())).rejects.toMatchObject({
    message: 'nothing is kept of what database shop was before',
  });
});

test('what is kept is dropped when that is asked for, and comes back also where nothing stands in its place', async () => {
  await replacing();
  await scene.sql('postgres', 'drop database shop');

  expect(await undoing()).toBeUndefined();

  expect(await scene.sql('shop', 'select count(*)::int as rows from goods')).toEqual([{ rows: 100 }]);
  await replacing();
  await dropKept(engine(), await planUndo(engine(), 'shop', limit()), limit());
  expect((await databases()).map(({ name }) => name).sort()).toEqual(['shop', 'shop_before_mine']);
});

test('with keepReplaced, what is kept is dropped behind its time: not before, not of unknown age, not while somebody is connected', async () => {
  const limited = scene.source('shop', { login: { keepReplacedMs: 7 * 86_400_000 } }).engine;
  const overdue = () => dropOverdue(limited, limit());
  const replacingLimited = () =>
    restore(manifest, limited, { replace: true, owners: true, proof: true }, { ...scene.deps(), parallel: 2 }, limit());
  const names = async () =>
    (await databases())
      .map(({ name }) => String(name))
      .filter((name) => name !== 'shop_before_mine')
      .sort();
  await replacing({ dropOld: true });
  const { notes } = await replacingLimited();
  const [, kept] = await names();

  expect(notes).toEqual([
    expect.stringMatching(/--drop-old drops it, and so does the first restore or drill after 7 d/),
  ]);
  expect(await overdue()).toEqual([]);
  const mark = (at: string) =>
    scene.sql('postgres', `comment on database "${kept}" is 'nightjar replaced "shop"${at}'`);
  await mark('');
  expect(await overdue()).toEqual([]);
  const [{ at }] = (await scene.sql(
    'postgres',
    `select to_char(now() at time zone 'utc' - interval '2 days', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as at`,
  )) as [{ at: string }];
  await mark(` at ${at}`);
  await replacingLimited();
  expect(await names()).toHaveLength(3);

  await mark(' at 2026-01-01T02:00:00Z');
  expect(await dropOverdue(engine(), limit())).toEqual([]);
  // whoever has given it a name of their own wants to keep it
  await scene.sql('postgres', `alter database "${kept}" rename to rescued`);
  expect(await overdue()).toEqual([]);
  await scene.sql('postgres', `alter database rescued rename to "${kept}"`);
  const { host, port, user, password } = scene.server;
  const app = new pg.Client({ host, port, user, password, database: kept! });
  app.on('error', () => undefined);
  await app.connect();
  expect(await overdue()).toEqual([expect.stringMatching(/was not dropped: .*accessed by other users/)]);
  await app.end();
  expect(await overdue()).toEqual([expect.stringMatching(`^dropped, as keepReplaced says: ${kept}`)]);
  expect(await names()).toHaveLength(2);
  expect(await names()).not.toContain(kept);
}, 120_000);
