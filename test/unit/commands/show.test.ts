import { beforeEach, expect, test } from '@jest/globals';
import { listBackups } from '../../../core/commands/list.ts';
import { findCopy, showBackup } from '../../../core/commands/show.ts';
import { objectKey } from '../../../core/domain/keys.ts';
import type { BackupId } from '../../../core/domain/keys.ts';
import { manifestKey, partKey } from '../../../core/domain/layout/places.ts';
import type { SourceRules } from '../../../core/domain/verdict/verdict.ts';
import { openStore } from '../../../core/store/store.ts';
import type { Vault } from '../../../core/vault.ts';
import { dailyIds, none, putBackup, signal } from '../../support/vaults/history.ts';
import { emptyState, memoryVault } from '../../support/vaults/memory-vault.ts';
import { shop, watching } from '../../support/vaults/seen.ts';
import { overwrite } from '../../support/vaults/vault.ts';

const now = new Date('2026-11-20T12:00:00Z');
const ids = dailyIds(3);
const [first, second, last] = ids as [BackupId, BackupId, BackupId];
const memory: SourceRules = { shrink: watching().watch.shrink, timeZone: 'UTC', retention: { ...none, daily: 2 } };
let vault: Vault;
beforeEach(async () => {
  vault = memoryVault(emptyState(), { now: () => now });
  for (const id of ids) await putBackup(vault, 'shop', id);
});

const deps = (on = vault) => ({ store: openStore(on), clock: { now: () => now } });
const showing = (which: string, rules = memory, on = vault) => showBackup(shop, which, rules, deps(on), signal);
const listing = (on = vault) => listBackups(shop, memory, deps(on), signal);
const proving = (id: BackupId, stamp: string, outcome: string) =>
  vault.putIfAbsent(objectKey(`shop/${id}/proofs/${stamp}-verify-${outcome}.json`), Buffer.from('{}'), {}, signal);

test('a backup is shown with what it counts for today, which is not what it was made for', async () => {
  const [newest, oldest] = [await showing(last), await showing(first)];

  expect(newest).toMatchObject({ manifest: { id: last }, tiers: ['daily'], pinned: false, pin: undefined, proofs: [] });
  expect(newest.verdict).toMatchObject({ id: last, good: true });
  expect(oldest).toMatchObject({ manifest: { id: first }, tiers: [] });
});

test('of a source that is not configured, what its backups were made for is all that is known', async () => {
  const { tiers } = await showing(first, { ...memory, retention: undefined });

  expect(tiers).toEqual(['daily', 'weekly', 'monthly', 'yearly']);
});

test('a damaged backup takes no good one’s place', async () => {
  await vault.delete(partKey(shop, last, 'data/0001.sql.zst'), signal);

  expect((await showing(first)).tiers).toEqual(['daily']);
  expect((await showing(last)).tiers).toEqual([]);
});

test('a pin is shown with who wanted it and why, and looks at a backup in their order', async () => {
  await openStore(vault).pin(shop, second, { reason: 'audit', by: 'ann' }, deps(), signal);
  await proving(second, '20261120T040000Z', 'failed');
  await proving(second, '20261120T030000Z', 'passed');

  const { pinned, pin, proofs } = await showing(second);

  expect([pinned, pin]).toEqual([true, { reason: 'audit', by: 'ann', at: now.toISOString() }]);
  expect(proofs.map(({ outcome }) => outcome)).toEqual(['passed', 'failed']);
});

test('one that is removed between two looks is told as gone', async () => {
  let listings = 0;
  const racing: Vault = {
    ...vault,
    async *list(prefix, stop) {
      listings += 1;
      for await (const one of vault.list(prefix, stop)) if (listings < 2 || !one.key.includes(first)) yield one;
    },
  };

  await expect(showing(first, memory, racing)).rejects.toMatchObject({
    code: 'backup-missing',
    message: `no backup of shop in memory: ${first} was removed a moment ago`,
  });
});

test('a copy elsewhere is there, missing, or damaged, by what a listing shows of it', async () => {
  const shown = await showing(second);
  const other = memoryVault(emptyState(), { now: () => now });
  const found = () => findCopy(shown, openStore(other), signal);
  await putBackup(other, 'shop', first);
  expect(await found()).toEqual({ state: 'missing' });

  await putBackup(other, 'shop', second);
  expect(await found()).toEqual({ state: 'there' });

  await overwrite(other, manifestKey(shop, second), 'another manifest');
  const why = 'its manifest, or the signature of that, is another one';
  expect(await found()).toEqual({ state: 'damaged', why });

  await other.delete(partKey(shop, second, 'data/0001.sql.zst'), signal);
  expect(await found()).toEqual({ state: 'damaged', why: expect.stringMatching(/data\/0001\.sql\.zst|missing/) });
});

test('a listing has every backup, oldest first, with the newest look at it and what it is worth', async () => {
  await proving(second, '20261120T030000Z', 'passed');
  await proving(second, '20261120T040000Z', 'failed');

  const { backups, verdict } = await listing();

  expect(backups.map(({ id, source, status, pinned }) => [id, source, status, pinned])).toEqual(
    ids.map((id) => [id, 'shop', 'complete', false]),
  );
  expect(backups.map(({ verdict: { id } }) => id)).toEqual(ids);
  expect(backups.map((one) => 'proof' in one && one.proof.outcome)).toEqual([false, 'failed', false]);
  expect(backups[2]).toMatchObject({ manifest: { id: last } });
  expect(verdict.newest?.id).toBe(last);
});

test('a backup whose manifest can’t be read is listed as that', async () => {
  await overwrite(vault, manifestKey(shop, first), '{}');

  const { backups } = await listing();

  expect(backups[0]).toMatchObject({ id: first, status: 'unreadable', why: expect.stringContaining('format') });
  expect(backups[0]).not.toHaveProperty('manifest');
  expect(backups).toHaveLength(3);
});
