import { beforeEach, expect, test } from '@jest/globals';
import { describeLease, findStuckLease, unlock, watchForRenewal } from '../../../core/commands/unlock.ts';
import type { StuckLease } from '../../../core/commands/unlock.ts';
import { BackupError } from '../../../core/domain/errors.ts';
import { objectKey } from '../../../core/domain/keys.ts';
import { openStore } from '../../../core/store/store.ts';
import type { Vault } from '../../../core/vault.ts';
import { signal } from '../../support/vaults/history.ts';
import { emptyState, memoryVault } from '../../support/vaults/memory-vault.ts';
import { shop } from '../../support/vaults/seen.ts';
import { overwrite } from '../../support/vaults/vault.ts';

const now = new Date('2026-11-20T12:00:00Z');
const written = new Date('2026-11-20T11:00:00Z');
const key = objectKey('shop/lease.json');
let vault: Vault;
beforeEach(() => {
  vault = memoryVault(emptyState(), { now: () => written });
});

const lease = (until: string, holder = 'web-1') => JSON.stringify({ run: '4f2a91c0', holder, until });
const putting = (body: string) => vault.putIfAbsent(key, Buffer.from(body), {}, signal);
const deps = (isGone = false, on = vault) => ({
  store: openStore(on),
  clock: { now: () => now },
  identity: { run: 'unlocker', holder: 'laptop', isGone: () => isGone },
});
const finding = (isGone = false) => findStuckLease(shop, deps(isGone), signal);
const stuckOne = async (): Promise<StuckLease> => (await finding())!;
const inUse = {
  code: 'lease-held',
  message: 'shop: a run is at work: it has just written the lease; nothing was changed',
  hint: 'let it end; if its lease is dated far ahead, its machine has a wrong clock: set it',
};

test('where there is no lease, or a free one, or one whose holder is gone, nothing is stuck', async () => {
  expect(await finding()).toBeUndefined();
  await putting(lease('2026-11-20T11:59:00.000Z'));
  expect(await finding()).toBeUndefined();
  await overwrite(vault, key, lease('2026-11-20T12:03:00.000Z'));
  expect(await finding(true)).toBeUndefined();
});

test('a run that is at work is named, and its lease is none to free', async () => {
  await putting(lease('2026-11-20T12:03:00.000Z'));

  await expect(finding()).rejects.toMatchObject({
    code: 'lease-held',
    message: expect.stringContaining('run 4f2a91c0 on web-1 is at work'),
  });
});

test('a lease that can’t be read is stuck, and says when it was written, and no more', async () => {
  await putting('garbage');

  const found = await stuckOne();

  expect(found).toMatchObject({ state: 'stuck', written });
  expect(describeLease(shop, found)).toEqual([
    "shop: the lease shop/lease.json keeps every run out: what stands in it can't be read",
    'held by: unknown',
    'last written: 2026-11-20T11:00:00.000Z',
  ]);
  expect(describeLease(shop, { ...found, written: undefined })[2]).toBe('last written: unknown');
});

test('a lease that is dated far ahead is stuck, and says whose it is', async () => {
  await putting(lease('2100-01-01T00:00:00.000Z'));

  expect(describeLease(shop, await stuckOne())[1]).toBe('held by: run 4f2a91c0 on web-1');
});

test('a lease that nobody renews while it is watched may be freed, and the next run gets in', async () => {
  await putting('garbage');
  const found = await stuckOne();

  await watchForRenewal(shop, found, deps(), signal, 1);
  await unlock(shop, found, deps(), signal);

  expect(await finding()).toBeUndefined();
  expect((await deps().store.readLease(shop, now, signal)).state).toBe('free');
});

test('a lease that is written again or given back while it is watched is in use', async () => {
  await putting('garbage');
  const found = await stuckOne();

  await overwrite(vault, key, lease('2100-01-01T00:00:00.000Z'));
  await expect(watchForRenewal(shop, found, deps(), signal, 1)).rejects.toMatchObject(inUse);
  await vault.delete(key, signal);
  await expect(watchForRenewal(shop, found, deps(), signal, 1)).rejects.toMatchObject(inUse);
});

test('watching ends when it is stopped', async () => {
  await putting('garbage');
  const found = await stuckOne();

  const watching = watchForRenewal(shop, found, deps(), AbortSignal.abort(), 60_000);

  await expect(watching).rejects.toMatchObject({ code: 'aborted' });
});

test('one that is written between the watching and the freeing stays, and a vault that refuses is an error', async () => {
  await putting('garbage');
  const found = await stuckOne();
  const denied = new BackupError('vault-denied', 'you may not');
  const closed: Vault = { ...vault, putIfUnchanged: () => Promise.reject(denied) };
  await expect(unlock(shop, found, deps(false, closed), signal)).rejects.toBe(denied);

  await overwrite(vault, key, lease('2026-11-20T12:03:00.000Z'));
  await expect(unlock(shop, found, deps(), signal)).rejects.toMatchObject({
    ...inUse,
    cause: { code: 'object-exists' },
  });

  expect((await vault.read(key, signal)).body.toString()).toBe(lease('2026-11-20T12:03:00.000Z'));
});
