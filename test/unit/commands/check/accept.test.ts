import { beforeEach, expect, test } from '@jest/globals';
import { acceptanceOf } from '../../../../core/commands/check/accept.ts';
import { BackupError } from '../../../../core/domain/errors.ts';
import { objectKey } from '../../../../core/domain/keys.ts';
import type { BackupId } from '../../../../core/domain/keys.ts';
import { openStore } from '../../../../core/store/store.ts';
import type { Vault } from '../../../../core/vault.ts';
import { signal } from '../../../support/vaults/history.ts';
import { emptyState, memoryVault } from '../../../support/vaults/memory-vault.ts';
import { shop, watching } from '../../../support/vaults/seen.ts';
import { storeBackup } from '../../../support/vaults/stored.ts';

// What is remembered is read as JSON: no rule of the product is asked what it means.
const now = new Date('2026-11-20T12:00:00Z');
const day = (date: number) => new Date(`2026-11-${date}T02:00:00Z`);
const memory = { shrink: watching().watch.shrink, timeZone: 'UTC', retention: { count: 10 } };
let vault: Vault;
let ids: BackupId[];
beforeEach(async () => {
  vault = memoryVault(emptyState(), { now: () => now });
  ids = [];
  for (const date of [17, 18, 19]) ids.push(await storeBackup(vault, 'shop', day(date), { rows: 50_000 }));
});

const looking = (on = vault) => acceptanceOf(shop, memory, { store: openStore(on), clock: { now: () => now } }, signal);
const accepting = async (on = vault) => (await looking(on)).accept('ann@web', signal);
const jsonOf = async (key: string): Promise<unknown> =>
  JSON.parse((await vault.read(objectKey(key), signal)).body.toString());
const remove = async (id: BackupId) => {
  for (const { key } of await Array.fromAsync(vault.list(`shop/${id}/`, signal))) await vault.delete(key, signal);
};

test('where nothing is to be accepted, nothing is, and that is remembered with who said so', async () => {
  const { what, accept } = await looking();
  await accept('ann@web', signal);

  expect(what).toEqual([]);
  expect(await jsonOf('shop/ledger.json')).toMatchObject({
    revision: 1,
    accepted: { at: now.toISOString(), by: 'ann@web' },
    baseline: { rows: 50_000 },
  });
  expect(await jsonOf('ledger.json')).toEqual({ version: 1, sources: [['shop', 1]] });
});

test('a backup that holds less becomes the measure, once that was accepted', async () => {
  await accepting();
  await storeBackup(vault, 'shop', day(20), { rows: 600 });
  const { what, accept } = await looking();
  expect(what).toEqual([{ what: 'rows', before: '50,000', now: '600' }]);

  await accept('ann@web', signal);

  expect(await jsonOf('shop/ledger.json')).toMatchObject({ revision: 2, baseline: { rows: 600 } });
  expect((await looking()).what).toEqual([]);
});

test('a source of which all backups are gone has nothing that could be usual', async () => {
  await accepting();
  for (const id of ids) await remove(id);

  await expect(looking()).rejects.toMatchObject({
    code: 'backup-missing',
    message: 'shop has no backup: there is none that could be what is usual from now on',
    hint: 'make one first: nightjar backup shop',
  });
});

test('a source that never had a backup has nothing to accept', async () => {
  for (const id of ids) await remove(id);

  expect((await looking()).what).toEqual([]);
  await expect(accepting()).resolves.toBeUndefined();
});

test('what another check has written meanwhile is not written over', async () => {
  await accepting();
  const { accept } = await looking();
  await accepting();
  const before = await jsonOf('shop/ledger.json');

  await expect(accept('otto@web', signal)).rejects.toMatchObject({
    code: 'object-exists',
    message:
      'somebody else, a check or another accept, has written what is remembered of shop meanwhile: nothing was accepted',
    hint: 'look again: nightjar accept shop',
    cause: { code: 'object-exists' },
  });

  expect(await jsonOf('shop/ledger.json')).toEqual(before);
});

test('a vault that refuses to remember is an error', async () => {
  const denied = new BackupError('vault-denied', 'you may not');

  await expect(accepting({ ...vault, putIfAbsent: () => Promise.reject(denied) })).rejects.toBe(denied);
});
