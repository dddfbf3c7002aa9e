import { readdir } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { findManifest } from '../../support/vaults/listed.ts';
import { parseConfig } from '../../../core/config-file.ts';
import { BackupError } from '../../../core/domain/errors.ts';
import { objectKey } from '../../../core/domain/keys.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import type { Vault } from '../../../core/vault.ts';
import { folderVault } from '../../../core/vaults/folder/folder.ts';
import { openStore } from '../../../core/store/store.ts';
import { dailyIds, policyOf, putBackup, rotatingIn, rotationScene, signal } from '../../support/vaults/history.ts';

// What happened to others, by the numbers of docs/museum.md: each row must end well here.
let scene: Awaited<ReturnType<typeof rotationScene>>;
beforeEach(async () => {
  scene = await rotationScene();
});
afterEach(() => scene.remove());

test('6: pruning app counts app alone, and leaves app_archive, app.old and app/x to themselves', async () => {
  const neighbours = ['app_archive', 'app.old', 'ap', 'app%2Fx'];
  const ids = dailyIds(4);
  for (const id of ids.slice(0, 3)) await putBackup(scene.vault, 'app', id);
  for (const segment of neighbours) for (const id of ids) await putBackup(scene.vault, decodeURIComponent(segment), id);

  await scene.rotating('app', policyOf({ count: 2 }));

  expect(await scene.ids('app')).toEqual(ids.slice(1, 3));
  for (const segment of neighbours) expect(await scene.ids(segment)).toEqual(ids);
  expect((await findManifest('app' as SourceName, 'latest', scene.vault, signal)).id).toBe(ids[2]);
});

test('7: every source is rotated by its own policy, whatever the others’ are', async () => {
  const { sources } = parseConfig(
    `vault: v
defaults: { retention: { count: 1 }, rotation: { maxShare: 100 } }
sources:
  shop: { postgres: { host: h, database: d, user: u } }
  blog: { postgres: { host: h, database: d, user: u }, retention: { count: 30 } }
  wiki: { postgres: { host: h, database: d, user: u }, retention: { daily: 4, weekly: 0, monthly: 0, yearly: 0 } }`,
    'nightjar.yaml',
  );
  const ids = dailyIds(6);
  for (const source of sources.keys()) for (const id of ids) await putBackup(scene.vault, source, id);

  for (const [source, settings] of sources) await scene.rotating(source, settings);

  expect(await scene.ids('shop')).toEqual(ids.slice(-1));
  expect(await scene.ids('blog')).toEqual(ids);
  expect(await scene.ids('wiki')).toEqual(ids.slice(-4));
});

test('9: other people’s files in the vault, beside, between and below backups, stay', async () => {
  const ids = dailyIds(3);
  for (const id of ids) await putBackup(scene.vault, 'shop', id);
  const foreign = [
    'README.txt',
    'shop/notes.md',
    'shop/dump.sql',
    'shop/20200101/manifest.json',
    'shop/20200101T020000Z-zzzzzz/manifest.json',
    `shop/${ids[0]}/data.csv`,
    `shop/${ids[0]}/data/0001.sql.zst.bak/x`,
    `shop/${ids[0]}/deep/manifest.json`,
    'shop/20200101T020000Z-aaaaaa/photo.jpg',
    'other/20200101T020000Z-aaaaaa/data/0001.sql.zst',
  ];
  for (const key of foreign) await scene.vault.putIfAbsent(objectKey(key), Buffer.from('mine'), {}, signal);

  const rotation = await scene.rotating('shop', policyOf({ count: 1 }, { graceMs: 1 }));

  expect(rotation.failures).toEqual([]);
  expect(await scene.ids('shop')).toEqual(expect.arrayContaining([ids[2]]));
  expect(await scene.keys('')).toEqual(expect.arrayContaining(foreign));
  expect(rotation.removals.map(({ id, foreign: left }) => [id, left])).toEqual([
    [ids[0], 3],
    [ids[1], 0],
  ]);
});

test('15: a source named as the beginning, the end or the middle of another is another', async () => {
  const ids = dailyIds(3);
  for (const source of ['shop', 'shop2', 'myshop', 'myshop2', 'Shop', 'sh', 'shop 2', 'shop%'])
    for (const id of ids) await putBackup(scene.vault, source, id);

  await scene.rotating('shop', policyOf({ count: 1 }));

  expect(await openStore(scene.vault).backupIds('shop' as SourceName, signal)).toEqual(ids.slice(2));
  for (const source of ['shop2', 'myshop', 'myshop2', 'Shop', 'sh', 'shop 2', 'shop%'])
    expect(await openStore(scene.vault).backupIds(source as SourceName, signal)).toEqual(ids);
});

test('16: nothing but the vault is remembered: another machine decides the same', async () => {
  const ids = dailyIds(10);
  for (const id of ids) await putBackup(scene.vault, 'shop', id);
  await scene.rotating('shop', policyOf({ count: 8 }));
  const elsewhere = rotatingIn(folderVault(scene.folder), '2026-11-20T18:00:00Z');

  const here = await scene.rotating('shop', policyOf({ count: 3 }), { dryRun: true });
  const there = await elsewhere.rotating('shop', policyOf({ count: 3 }), { dryRun: true });

  expect(there.plan).toEqual(here.plan);
  expect(there.removals).toHaveLength(5);
  expect((await readdir(scene.folder)).sort()).toEqual(['.nightjar', 'shop']);
});

test('17: a delete that fails is a failure, told with its object; the other backups go all the same', async () => {
  const ids = dailyIds(4);
  for (const id of ids) await putBackup(scene.vault, 'shop', id);
  const denied = new BackupError('vault-denied', 'delete of an object: not allowed');
  const vault: Vault = {
    ...scene.vault,
    delete: (key, stop) =>
      key.includes(ids[0]!) && key.endsWith('/manifest.json')
        ? Promise.reject(denied)
        : key.includes(ids[1]!) && key.includes('/data/')
          ? Promise.reject(denied)
          : scene.vault.delete(key, stop),
  };

  const rotation = await scene.rotating('shop', policyOf({ count: 1 }), {}, vault);

  expect(rotation.failures).toEqual([denied, denied]);
  expect(rotation.removals.map(({ state }) => state)).toEqual(['failed', 'failed', 'gone']);
  // the first is whole, of the second a leftover that nobody sees
  expect(await scene.ids('shop')).toEqual([ids[0], ids[3]]);
  expect((await scene.keys('shop/')).filter((key) => key.includes(ids[0]!))).toHaveLength(3);
});
