import { beforeEach, expect, test } from '@jest/globals';
import { check } from '../../../core/commands/check/check.ts';
import { removableBackup } from '../../../core/commands/remove.ts';
import { BackupError } from '../../../core/domain/errors.ts';
import { startOf } from '../../../core/domain/keys.ts';
import type { BackupId } from '../../../core/domain/keys.ts';
import { manifestKey, partKey } from '../../../core/domain/layout/places.ts';
import { removalKey } from '../../../core/domain/layout/records.ts';
import type { Signing } from '../../../core/store/backups/signature.ts';
import { openStore } from '../../../core/store/store.ts';
import type { Vault } from '../../../core/vault.ts';
import { dailyIds, putBackup, signal } from '../../support/vaults/history.ts';
import { shop, watching } from '../../support/vaults/seen.ts';
import { emptyState, memoryVault } from '../../support/vaults/memory-vault.ts';
import { overwrite } from '../../support/vaults/vault.ts';

const ids = dailyIds(3);
const [first, second, last] = ids as [BackupId, BackupId, BackupId];
const made = new Date(startOf(last).getTime() + 3_600_000);
let now = made;
const retention = { count: 10 };
const memory = { shrink: watching().watch.shrink, timeZone: 'UTC', retention };
const why = { reason: 'holds what had to go', by: 'ann@web' };
let vault: Vault;

beforeEach(async () => {
  now = made;
  vault = memoryVault(emptyState(), { now: () => now });
  for (const id of ids) await putBackup(vault, 'shop', id);
});

const deps = (other = vault) => ({
  store: openStore(other),
  clock: { now: () => now },
  identity: { run: 'r', holder: 'h', isGone: () => false },
});
const looking = (id: BackupId, other = vault) => removableBackup(shop, id, memory, deps(other), signal);
const keys = async () => (await Array.fromAsync(vault.list('shop/', signal))).map(({ key }) => String(key));
const pinning = (id: BackupId) => deps().store.pin(shop, id, why, deps(), signal);

async function checked(): Promise<string[]> {
  const watched = { ...watching(), place: 'memory', retention };
  const { judgements } = await check(
    [watched],
    { whole: true },
    { store: openStore(vault), clock: { now: () => now }, notifiers: [], meter: () => undefined },
    signal,
  );
  return judgements.flatMap(({ findings }) => findings.map(({ kind }) => kind));
}

test('a backup that a person removes is gone whole, the record says why, and no check calls it lost', async () => {
  expect(await checked()).toEqual([]);

  const { remove } = await looking(second);
  expect(await remove(why, signal)).toMatchObject({ state: 'gone', failures: [] });

  expect((await keys()).filter((key) => key.includes(second))).toEqual([removalKey(shop, second)]);
  const { body } = await vault.read(removalKey(shop, second), signal);
  expect(JSON.parse(body.toString())).toEqual({ id: second, ...why, at: now.toISOString(), run: 'r' });
  expect(await checked()).toEqual([]);
});

test('one that is deleted by hand is called lost: the record makes the difference', async () => {
  await checked();
  for (const file of ['manifest.json', 'catalog.json.zst', 'data/0001.sql.zst'])
    await vault.delete(partKey(shop, second, file), signal);

  expect(await checked()).toEqual(['gone']);
});

test('a removal that has died before anything was gone is told until it is ended, or its word is taken back', async () => {
  const { remove } = await looking(second, { ...vault, delete: () => Promise.reject(new Error('killed')) });
  await remove(why, signal);
  expect(await checked()).toEqual([]); // it may still be at work

  now = new Date(made.getTime() + 3_600_000);
  expect(await checked()).toEqual(['unknown']);
  await (await looking(second)).remove(why, signal);
  expect(await checked()).toEqual([]);
});

test('nothing changes before it is confirmed', async () => {
  const before = await keys();
  await looking(second);
  expect(await keys()).toEqual(before);
});

test('the last good backup stays, whatever lies beside it', async () => {
  await expect(looking(last)).rejects.toMatchObject({
    code: 'input-invalid',
    message: `${last} is the last good one: nothing was removed`,
    hint: 'make another one first: nightjar backup shop',
  });
  await vault.delete(partKey(shop, last, 'data/0001.sql.zst'), signal);

  await expect(looking(second)).rejects.toMatchObject({
    message: `${second} is the last good one: nothing was removed`,
  });
  await expect(looking(last)).resolves.toMatchObject({ verdict: { good: false } });
});

test('where none is good, none is removed', async () => {
  for (const id of ids) await vault.delete(partKey(shop, id, 'data/0001.sql.zst'), signal);

  await expect(looking(first)).rejects.toMatchObject({
    code: 'input-invalid',
    message: `no backup of shop is good, and ${first} may be the best there is: nothing was removed`,
  });
});

test('a pinned backup stays, also one that is pinned behind the look at it', async () => {
  await pinning(first);
  await expect(looking(first)).rejects.toMatchObject({
    code: 'input-invalid',
    message: `shop ${first} is pinned: nothing was removed`,
    hint: `nightjar show shop ${first} says why; to let go of it: nightjar unpin shop ${first}`,
  });

  const { remove } = await looking(second);
  await pinning(second);
  expect(await remove(why, signal)).toMatchObject({ state: 'pinned' });
  expect(await keys()).toContain(manifestKey(shop, second));
});

test('one whose manifest nobody understands is removed, and its parts are left to rotation', async () => {
  await overwrite(vault, manifestKey(shop, second), '{}');

  const { remove, found } = await looking(second);
  expect(found).toBeUndefined();
  expect(await remove(why, signal)).toMatchObject({ state: 'gone', failures: [] });
  expect(await keys()).toContain(partKey(shop, second, 'data/0001.sql.zst'));
});

test('where its record can’t be written, nothing is removed', async () => {
  const before = await keys();
  const { remove } = await looking(second, { ...vault, putIfAbsent: () => Promise.reject(new Error('read only')) });

  await expect(remove(why, signal)).rejects.toThrow('read only');
  expect(await keys()).toEqual(before);
});

test('one that is not there is told', async () => {
  await expect(looking('20200101T000000Z-000000' as BackupId)).rejects.toMatchObject({
    code: 'backup-missing',
    message: 'no backup of shop in memory: none with the id 20200101T000000Z-000000',
  });
});

/** A vault in which the manifest of the second backup reads so once its backup was judged. */
async function readingAs(result: () => ReturnType<Vault['read']>): Promise<Vault> {
  await checked();
  return { ...vault, read: (key, stop) => (key === manifestKey(shop, second) ? result() : vault.read(key, stop)) };
}

test('a vault that refuses to read the manifest is an error, and nothing is removed', async () => {
  const denied = new BackupError('vault-denied', 'you may not');

  await expect(looking(second, await readingAs(() => Promise.reject(denied)))).rejects.toBe(denied);
});

test('what keeps a backup from being deleted for good is said', async () => {
  const lock = { until: new Date('2027-01-01T00:00:00Z'), hold: false };
  const { body, version } = await vault.read(manifestKey(shop, second), signal);
  const locked = await looking(second, await readingAs(async () => ({ body, version, lock })));

  expect(await locked.remove(why, signal)).toMatchObject({ state: 'gone', lock });
  expect(await (await looking(first)).remove(why, signal)).not.toHaveProperty('lock');
});

test('one that had to be signed and is not can be removed, too', async () => {
  const signing = { rules: 'r', isDue: (id: BackupId) => id === second, isGenuine: () => false };
  const store = openStore(vault, undefined, () => signing as unknown as Signing);

  const { found } = await removableBackup(shop, second, memory, { ...deps(), store }, signal);

  expect(found).toBeUndefined();
});
