import { expect, test } from '@jest/globals';
import { check } from '../../../../core/commands/check/check.ts';
import { leaseKey } from '../../../../core/domain/layout/places.ts';
import { openStore } from '../../../../core/store/store.ts';
import { emptyState, memoryVault } from '../../../support/vaults/memory-vault.ts';
import { before, hourMs, shop, watching } from '../../../support/vaults/seen.ts';
import { storeBackup } from '../../../support/vaults/stored.ts';
import { limit, overwrite } from '../../../support/vaults/vault.ts';

// A source is fresh for as long as its limit, though no run can begin any more.
const now = new Date('2026-11-20T12:00:00Z');
const lease = (until: Date) => JSON.stringify({ run: '4f2a91c0', holder: 'web-1', until: until.toISOString() });
const free = lease(new Date(0));

/** A source with a good backup and this lease, what a check finds, and which of its objects the last one has read. */
async function sourceWith(body: string) {
  const read: string[] = [];
  const vault = memoryVault(emptyState(), {
    turn: async (call, key) => void (call === 'read' && read.push(key)),
  });
  await storeBackup(vault, 'shop', before(now, hourMs));
  await overwrite(vault, leaseKey(shop), body);
  return {
    vault,
    read,
    async checked(watched = watching()) {
      read.length = 0;
      const deps = { store: openStore(vault), clock: { now: () => now }, notifiers: [], meter: () => {} };
      const { judgements, failures } = await check([watched], { whole: true }, deps, limit());
      expect(failures).toEqual([]);
      return judgements[0]!.findings.map(({ kind }) => kind);
    },
  };
}

test.each([
  ['empty', ''],
  ['garbage', '{"run":'],
  ['dated far ahead', lease(new Date('2100-01-01T00:00:00Z'))],
])('museum: a fresh source whose lease is %s is told at each check until it is freed', async (_, body) => {
  const source = await sourceWith(body);

  expect(await source.checked()).toEqual(['lease-stuck']);
  expect(await source.checked()).toEqual(['lease-stuck']);
  await overwrite(source.vault, leaseKey(shop), free);
  expect(await source.checked()).toEqual([]);
});

test('a lease that was found to be free is read again only when it was written since', async () => {
  const source = await sourceWith(free);

  expect(await source.checked()).toEqual([]);
  expect(source.read).toContain(leaseKey(shop));
  expect(await source.checked()).toEqual([]);
  expect(source.read).not.toContain(leaseKey(shop));
});

test('a lease that a run holds keeps nobody from being fresh, and is looked at again', async () => {
  const source = await sourceWith(lease(new Date(now.getTime() + 240_000)));

  expect(await source.checked()).toEqual([]);
  expect(await source.checked()).toEqual([]);
  expect(source.read).toContain(leaseKey(shop));
});
