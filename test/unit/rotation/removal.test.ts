import { beforeEach, expect, test } from '@jest/globals';
import { BackupError } from '../../../core/domain/errors.ts';
import { manifestKey, partKey } from '../../../core/domain/layout/places.ts';
import { openStore } from '../../../core/store/store.ts';
import type { Vault } from '../../../core/vault.ts';
import { dailyIds, putBackup, signal } from '../../support/vaults/history.ts';
import { shop } from '../../support/vaults/seen.ts';
import { memoryScene } from '../../support/vaults/vault.ts';

const [id] = dailyIds(1);
const files = ['catalog.json.zst', 'data/0001.sql.zst'];
const refused = new BackupError('vault-denied', 'the role may not delete it');
let vault: Vault;
let sizes: Map<string, number>;

beforeEach(async () => {
  ({ vault } = memoryScene());
  await putBackup(vault, 'shop', id!);
  sizes = new Map((await Array.fromAsync(vault.list('', signal))).map(({ key, bytes }) => [key, bytes]));
});

const removing = (deleting: Vault['delete']) =>
  openStore({ ...vault, delete: deleting }).removeBackup(shop, id!, files, signal);
const left = async () => (await Array.fromAsync(vault.list('', signal))).map(({ key }) => String(key));
const bytesOf = (...keys: string[]) => keys.reduce((sum, key) => sum + sizes.get(key)!, 0);

test('a backup is hidden where the vault keeps a version of anything of it', async () => {
  const manifest = manifestKey(shop, id!);

  const removal = await removing(async (key, stop) => {
    await vault.delete(key, stop);
    return { state: key === manifest ? 'hidden' : 'gone' };
  });

  expect(removal).toEqual({ id, state: 'hidden', bytes: bytesOf(...sizes.keys()), foreign: 0, failures: [] });
  expect(await left()).toEqual([]);
});

test('a part that can’t be deleted is a failure, is handed over by its tags, and does not count as freed', async () => {
  const part = partKey(shop, id!, 'data/0001.sql.zst');

  const removal = await removing((key, stop) => (key === part ? Promise.reject(refused) : vault.delete(key, stop)));

  const others = bytesOf(manifestKey(shop, id!), partKey(shop, id!, 'catalog.json.zst'));
  expect(removal).toEqual({ id, state: 'failed', bytes: others, foreign: 0, failures: [refused] });
  expect(await left()).toEqual([part]);
  expect(await vault.tags(part, signal)).toEqual({ 'nightjar-tier': 'released', 'nightjar-tiers': 'none' });
});

test('a backup whose manifest can’t be deleted keeps all its parts', async () => {
  const removal = await removing(() => Promise.reject(refused));

  expect(removal).toEqual({ id, state: 'failed', bytes: 0, foreign: 0, failures: [refused] });
  expect(await left()).toHaveLength(3);
});
