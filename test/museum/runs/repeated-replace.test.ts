import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startPostgres } from '../../servers/databases/postgres.ts';
import type { DatabaseServer } from '../../servers/server.ts';
import type { LambdaFunction } from '../../real/lambda/sandbox/function.ts';
import { errorOf, valueOf } from '../../real/lambda/sandbox/outcome.ts';
import { openScene, type Scene } from '../../real/lambda/scene.ts';
import { postgresSql } from '../../real/lambda/sql.ts';

const inPlace = { source: 'shop', to: 'shop', replace: true, confirm: 'shop' };
let scene: Scene;
let server: DatabaseServer;
let restores: LambdaFunction[];

beforeAll(async () => {
  [scene, server] = await Promise.all([openScene(), startPostgres({ major: 18 })]);
  await postgresSql(server, 'postgres', 'create database shop');
  await postgresSql(server, 'shop', 'create table orders (id int)', 'insert into orders select generate_series(1, 9)');
  const sources = { shop: { server, engine: 'postgres', database: 'shop' } } as const;
  const backup = await scene.deploy('backup', sources);
  restores = await Promise.all([scene.deploy('restore', sources), scene.deploy('restore', sources)]);
  valueOf(await backup.invoke({ source: 'shop' }));
}, 20 * 60_000);

afterAll(async () => {
  await Promise.all([scene?.close(), server?.stop()]);
});

async function orders(): Promise<unknown> {
  return (await postgresSql(server, 'shop', 'select count(*)::int as n from orders'))[0]!['n'];
}

test('a client that sends its invoke again does not drop what the application has written since the restore', async () => {
  const [restore] = restores;
  const first = valueOf(await restore!.invoke(inPlace));
  await postgresSql(server, 'shop', 'insert into orders values (10)');

  // each time that AWS's clients send an invoke, it is another request to Lambda
  const again = valueOf(await restore!.invoke(inPlace));

  expect(await orders()).toBe(10);
  expect(first).toMatchObject({ status: 'restored', database: 'shop' });
  expect(again).toMatchObject({
    status: 'repeated',
    database: 'shop',
    notes: [expect.stringMatching(/is kept as shop_before_/), expect.stringMatching(/nothing was done now.*"request"/)],
  });
});

test('whoever wants the same restore once more says so by a word of his own', async () => {
  const [restore] = restores;

  const wanted = valueOf(await restore!.invoke({ ...inPlace, request: 'second' }));
  const sent = valueOf(await restore!.invoke({ ...inPlace, request: 'second' }));

  expect(wanted).toMatchObject({ status: 'restored' });
  expect(sent).toMatchObject({ status: 'repeated' });
  expect(await orders()).toBe(9);
});

test('of the same invoke twice at once, one replaces and the other does nothing', async () => {
  const event = { ...inPlace, request: 'both' };

  const ends = await Promise.all(restores.map((restore) => restore.invoke(event)));

  const isDone = ({ status, value }: { status: string; value?: unknown }): boolean =>
    status === 'returned' && (value as { status: string }).status === 'restored';
  const others = ends.filter((end) => !isDone(end));
  expect(others).toHaveLength(1);
  // the other one comes while the first is at work, or when it is done
  if (others[0]!.status === 'returned') expect(others[0]).toMatchObject({ value: { status: 'repeated' } });
  else expect(errorOf(others[0]!)).toMatchObject({ errorType: 'lease-held' });
});

test('a restore that was refused may be asked for again by the same event', async () => {
  const [restore] = restores;
  const event = { ...inPlace, request: 'third', backup: '20200101T000000Z-000000' };

  const refusals = [await restore!.invoke(event), await restore!.invoke(event)];

  expect(refusals.map((end) => errorOf(end).errorType)).toEqual(['backup-missing', 'backup-missing']);
});
