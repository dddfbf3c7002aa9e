import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { s3Client } from '../../../servers/s3/client.ts';
import { expectGolden } from '../../../support/golden.ts';
import { valueOf } from '../../lambda/sandbox/outcome.ts';
import { postgresSql } from '../../lambda/sql.ts';
import { deeds, onObjects, tried, type Attempt } from '../attempts.ts';
import { unused } from '../policy/statements.ts';
import { tableOf } from '../policy/table.ts';
import { further, openServersWorld, pushApp, type ServersWorld } from './world.ts';

// A whole server and an image as deployed, each function under its own role: .servers/, packs and links.
const columns = [
  ...['backup main', 'restore main', 'drill main', 'backup main-globals', 'backup app', 'restore app'],
  ...['rotate', 'copy', 'check'],
];
let world: ServersWorld;
const packsOf = (keys: readonly string[]): string[] => keys.filter((key) => key.startsWith('prod/app/packs/'));

async function keysIn(bucket: string): Promise<string[]> {
  const { aws, admin } = world.cloud;
  const s3 = s3Client({ ...aws, ...admin });
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket }));
  s3.destroy();
  return Contents.map(({ Key = '' }) => Key);
}

beforeAll(async () => {
  world = await openServersWorld();
}, 20 * 60_000);
afterAll(() => world?.close(), 60_000);

test('every database of a server and its roles are backed up, copied, drilled, restored and rotated, each under its own role', async () => {
  const { fn, server } = world;
  const source = 'main';

  const before = valueOf(await fn('check').invoke({}));
  const stored = valueOf(await fn('backup-main').invoke({ source }));
  const globals = valueOf(await fn('backup-main-globals').invoke({ source: 'main-globals' }));
  const copied = valueOf(await fn('copy').invoke({ source }));
  const drilled = valueOf(await fn('drill-main').invoke({ source }));
  const restored = valueOf(await fn('restore-main').invoke({ source: 'main.shop', to: 'shop_again' }));
  const rotated = valueOf(await fn('rotate').invoke({ source }));

  expect(before).toMatchObject({
    sources: expect.arrayContaining([expect.objectContaining({ source: 'main', state: 'never' })]) as unknown,
  });
  for (const { done, ...answer } of [stored, copied, drilled, rotated] as { done: string[] }[]) {
    expect(answer).toMatchObject({ status: 'in turn', failed: [], left: [] });
    // copies and drills begin with another one each time
    expect(done.toSorted()).toEqual(['main.blog', 'main.shop']);
  }
  expect(globals).toMatchObject({ status: 'stored', rows: 2 });
  expect(restored).toMatchObject({ status: 'restored', database: 'shop_again' });
  expect(await postgresSql(server, 'shop_again', 'select count(*)::int as n from orders')).toEqual([{ n: 500 }]);
}, 180_000);

test('what an image has in common with its last backup lies in packs, is copied as packs, and goes when nothing needs it', async () => {
  const { fn, registry } = world;
  const backUp = async () => valueOf(await fn('backup-app').invoke({ source: 'app' }));
  const rotate = async (hoursFromNow: number) =>
    valueOf(await fn('rotate').invoke({ source: 'app', hoursFromNow }, { handler: 'clock.handler' }));

  await pushApp(registry);
  const first = await backUp();
  const packs = packsOf(await keysIn('acme-backups'));
  await pushApp(registry);
  const second = await backUp();
  const both = await keysIn('acme-backups');
  const copied = valueOf(await fn('copy').invoke({ source: 'app' }));
  const restored = valueOf(await fn('restore-app').invoke({ source: 'app', to: '2' }));
  const again = valueOf(await fn('restore-app').invoke({ source: 'app', to: '3', vault: 'offsite' }));
  await rotate(100);
  const swept = await rotate(200);
  const checked = valueOf(await fn('check').invoke({}));

  expect([first, second]).toMatchObject([{ status: 'stored' }, { status: 'stored' }]);
  // the large layer once, whatever else is new
  expect(packs.length).toBeGreaterThan(1);
  expect(packsOf(both).length).toBeLessThan(2 * packs.length);
  expect(both.some((key) => /^prod\/app\/[^/]+\/data\/\d+\..*\.in-/.test(key))).toBe(true);
  expect(copied).toMatchObject({ status: 'copied' });
  // those of the newest alone
  expect(packsOf(await keysIn(further))).toHaveLength(packs.length);
  for (const answer of [restored, again])
    expect(answer).toMatchObject({ status: 'restored', proof: expect.stringContaining('proven equal') as unknown });
  expect(swept).toMatchObject({ status: 'rotated', swept: { packs: { count: expect.any(Number) as unknown } } });
  expect(packsOf(await keysIn('acme-backups')).length).toBeLessThan(packsOf(both).length);
  expect(checked).toMatchObject({ status: 'fresh' });
}, 180_000);

test('nobody was refused anything; what is said of servers and packs is used, but for ending uploads that fail', () => {
  const { gate, roles } = world.cloud;
  const isOurs = (name: string): boolean => /Servers|Databases|Packs|AskForLocks/.test(name);

  const refused = gate.judged.filter(({ verdict }) => !verdict.allowed && verdict.denying.length === 0);
  expect(refused.map(({ role, call }) => `${role} ${call.action} ${call.resource}`)).toEqual([]);
  expect([gate.disputed, gate.strange]).toEqual([[], []]);
  const left = unused(
    [...roles.values()].map(({ role }) => role),
    gate.judged,
  );
  // who looks before anybody has looked is told that nothing is there: the check does; and no upload was given up
  const isSeldom = (name: string): boolean => /#ListServers |s3:AbortMultipartUpload$/.test(name);
  expect(left.filter(isOurs).filter((name) => !isSeldom(name))).toEqual([]);
  expect(left).not.toContain('check/Nightjar#ListServers Action s3:ListBucket');
});

test('each role may do to packs, links and what is known of a server what its work takes, and nothing else', async () => {
  const { gate, aws, roles } = world.cloud;
  const place = { ...aws, endpoint: gate.endpoint };
  const names = columns.map((name) => roles.get(name)!);

  const rows: [string, string[]][] = [];
  for (const { what, asking } of attempts)
    rows.push([what, await Promise.all(names.map(({ credentials }) => tried(asking, place, credentials)))]);

  await expectGolden('cloud/rights-servers.txt', tableOf(columns, rows));
  expect([gate.disputed, gate.strange]).toEqual([[], []]);
}, 120_000);

const id = '20260101T020000Z-aaaaaa';
const pack = `packs/${id}/0001.aaaa.layer`;
const objects: [string, string][] = [
  ['what is known of main', 'prod/.servers/main.json'],
  ['what is known of another server', 'prod/.servers/other.json'],
  ['a part of main.shop', `prod/main.shop/${id}/data/0001.sql.zst`],
  ['a part of main-globals', `prod/main-globals/${id}/schema.sql.zst`],
  ['a part of main2.shop', `prod/main2.shop/${id}/data/0001.sql.zst`],
  ['a pack of app', `prod/app/${pack}`],
  ['a link of app', `prod/app/${id}/data/0001.aaaa.layer.in-${id}-0001-5`],
  ['a pack of another source', `prod/app2/${pack}`],
];
const copies: [string, string][] = [
  ['a pack of the copy', `prod/app/${pack}`],
  ['a part of a copy of main.shop', `prod/main.shop/${id}/data/0001.sql.zst`],
];
const listed = ['.servers/', 'main.', 'main.shop/', 'main-globals/', 'app/', 'app2/'];
const attempts: Attempt[] = [
  ...listed.map((prefix) => ({
    what: `list ${prefix}`,
    asking: {
      service: 's3',
      method: 'GET',
      path: '/acme-backups',
      query: { 'list-type': '2', prefix: `prod/${prefix}` },
    },
  })),
  {
    what: 'ask whether the bucket locks',
    asking: { service: 's3', method: 'GET', path: '/acme-backups', query: { 'object-lock': '' } },
  },
  ...onObjects(
    deeds.filter(([deed]) => !['send a piece of', 'put together over', 'read tags of'].includes(deed)),
    '/acme-backups',
    objects,
  ),
  ...onObjects(
    deeds.filter(([deed]) => ['read', 'write new', 'write over', 'begin an upload of', 'delete'].includes(deed)),
    `/${further}`,
    copies,
  ),
];
