import { beforeEach, expect, test } from '@jest/globals';
import { BackupError } from '../../../core/domain/errors.ts';
import { backupId, objectKey } from '../../../core/domain/keys.ts';
import type { ObjectKey } from '../../../core/domain/keys.ts';
import { manifestKey } from '../../../core/domain/layout/places.ts';
import { historyOf } from '../../../core/domain/verdict/history.ts';
import { lookForLeftovers, sweepLeftovers } from '../../../core/store/rotation/sweep.ts';
import type { Swept } from '../../../core/store/rotation/sweep.ts';
import type { Vault } from '../../../core/vault.ts';
import { emptyState, memoryVault } from '../../support/vaults/memory-vault.ts';
import type { MemoryState } from '../../support/vaults/memory-vault.ts';
import { shop } from '../../support/vaults/seen.ts';

// What is removed is named here, object by object, and compared with what lies in the vault afterwards.
const signal = new AbortController().signal;
const hourMs = 3_600_000;
const now = new Date('2026-11-20T12:00:00Z');
const identity = { run: 'rotation', holder: 'test', isGone: () => false };
const [dead, young, made] = ['20261115T020000Z-00000a', '20261120T110000Z-00000b', '20261114T020000Z-00000c'] as const;
const refused = new BackupError('vault-denied', 'memory: you may not');

let state: MemoryState;
let vault: Vault;
beforeEach(() => {
  state = emptyState();
  vault = memoryVault(state, { now: () => now });
});

/** Puts an object there that was last changed at this moment. */
function lay(key: string, bytes: number, modified: string): void {
  const known = objectKey(key);
  state.objects.set(known, { body: Buffer.alloc(bytes), tags: {}, version: key, modified: new Date(modified) });
}

function begin(key: string, upload: string, begun: string): void {
  state.uploads.set(upload, { key: objectKey(key), upload, begun: new Date(begun) });
}

/** Two parts and an upload of a run that died, parts and an upload of one that began an hour ago, one whole backup. */
function layAll(): void {
  lay(`shop/${dead}/data/0001.sql.zst`, 10, '2026-11-15T02:01:00Z');
  lay(`shop/${dead}/catalog.json.zst`, 5, '2026-11-15T02:02:00Z');
  begin(`shop/${dead}/data/0002.sql.zst`, 'dead', '2026-11-15T02:01:00Z');
  lay(`shop/${young}/data/0001.sql.zst`, 20, '2026-11-20T11:30:00Z');
  begin(`shop/${young}/data/0002.sql.zst`, 'young', '2026-11-20T11:30:00Z');
  lay(manifestKey(shop, backupId(made)), 40, '2026-11-14T02:10:00Z');
  lay(`shop/${made}/data/0001.sql.zst`, 80, '2026-11-14T02:05:00Z');
}

const keys = () => [...state.objects.keys()].filter((key) => !key.endsWith('lease.json')).sort();
const listed = async (on = vault) => historyOf(shop, await Array.fromAsync(on.list('shop/', signal)));
const looking = async (on = vault) =>
  lookForLeftovers(on, await listed(vault), 24 * hourMs, { clock: { now: () => now } }, signal);
const sweeping = (found: Swept, on = vault, who = identity) =>
  sweepLeftovers(on, shop, 24 * hourMs, found, { clock: { now: () => now }, identity: who }, signal);

test('a look counts what a dead run has left, and removes nothing', async () => {
  layAll();
  const before = keys();

  expect(await looking()).toEqual({
    state: 'found',
    objects: 2,
    bytes: 15,
    uploads: 1,
    hidden: false,
    records: [],
    failures: [],
  });

  expect(keys()).toEqual(before);
  expect([...state.uploads.keys()].sort()).toEqual(['dead', 'young']);
});

test('an upload alone is something to sweep; where there is nothing, there is none', async () => {
  expect(await looking()).toMatchObject({ state: 'none', objects: 0, bytes: 0, uploads: 0 });

  begin(`shop/${dead}/data/0002.sql.zst`, 'dead', '2026-11-15T02:01:00Z');

  expect(await looking()).toMatchObject({ state: 'found', objects: 0, bytes: 0, uploads: 1 });
});

test('where uploads can’t be listed, objects are still found, and the failure is told', async () => {
  layAll();
  const blind: Vault = {
    ...vault,
    async *unfinished() {
      throw refused;
    },
  };

  expect(await looking(blind)).toMatchObject({ state: 'found', objects: 2, uploads: 0, failures: [refused] });
});

test('uploads of another source whose name begins alike are not ours', async () => {
  begin(`shop-2/${dead}/data/0002.sql.zst`, 'other', '2026-11-15T02:01:00Z');
  const asked: string[] = [];
  const listening: Vault = {
    ...vault,
    unfinished: (prefix, stop) => (asked.push(prefix), vault.unfinished(prefix, stop)),
  };

  expect(await looking(listening)).toMatchObject({ state: 'none', uploads: 0 });

  expect(asked).toEqual(['shop/']);
});

test('what a dead run has left goes, its upload too; what is young or whole stays', async () => {
  layAll();
  const found = await looking();

  expect(await sweeping(found)).toEqual({
    state: 'swept',
    objects: 2,
    bytes: 15,
    uploads: 1,
    hidden: false,
    records: [],
    failures: [],
  });

  expect(keys()).toEqual([
    `shop/${made}/data/0001.sql.zst`,
    `shop/${made}/manifest.json`,
    `shop/${young}/data/0001.sql.zst`,
  ]);
  expect([...state.uploads.keys()]).toEqual(['young']);
});

test('what has become a backup since the look stays: it is looked at once more, under the lease', async () => {
  layAll();
  const found = await looking();
  lay(manifestKey(shop, backupId(dead)), 40, '2026-11-20T11:59:00Z');

  expect(await sweeping(found)).toMatchObject({ state: 'swept', objects: 0, bytes: 0 });

  expect(keys()).toContain(`shop/${dead}/data/0001.sql.zst`);
});

test('while another run holds the lease nothing is swept, and nothing is counted as freed', async () => {
  layAll();
  const found = await looking();
  const lease = { run: 'other', holder: 'elsewhere', until: '2026-11-20T12:04:00.000Z' };
  await vault.putIfAbsent(objectKey('shop/lease.json'), Buffer.from(JSON.stringify(lease)), {}, signal);
  const before = keys();

  const swept = await sweeping(found);

  expect(swept).toEqual({ ...found, state: 'spared', bytes: 0 });
  expect(keys()).toEqual(before);
});

test('what can’t be removed is told, and the rest is removed', async () => {
  layAll();
  const found = await looking();
  const stubborn: Vault = {
    ...vault,
    delete: async (key, stop) => {
      if (key.includes('catalog')) throw refused;
      return vault.delete(key, stop);
    },
    abandon: () => Promise.reject(refused),
  };

  const swept = await sweeping(found, stubborn);

  expect(swept).toMatchObject({ state: 'swept', failures: [refused, refused] });
  expect(keys().filter((key) => key.includes(dead))).toEqual([`shop/${dead}/catalog.json.zst`]);
});

test('a sweep that could not begin says what failed, and that nothing was freed', async () => {
  layAll();
  const found = { ...(await looking()), failures: ['before'] };
  const closed: Vault = { ...vault, putIfAbsent: () => Promise.reject(refused) };

  expect(await sweeping(found, closed)).toEqual({ ...found, state: 'none', bytes: 0, failures: ['before', refused] });
});

test.each([
  ['all', ['hidden', 'hidden'], true],
  ['one, the first', ['hidden', 'gone'], true],
  ['one, the last', ['gone', 'hidden'], true],
  ['none', ['gone', 'gone'], false],
] as const)('where a vault only hides what is deleted, that is said: %s', async (_, states, hidden) => {
  layAll();
  const left = [...states];
  const hiding: Vault = { ...vault, delete: async () => ({ state: left.shift()! }) };

  expect(await sweeping(await looking(), hiding)).toMatchObject({ state: 'swept', hidden });
});

test('a sweep lists what is below its own source, and nothing else', async () => {
  layAll();
  const found = await looking();
  const asked: string[] = [];
  const listening: Vault = { ...vault, list: (prefix, stop) => (asked.push(prefix), vault.list(prefix, stop)) };

  await sweeping(found, listening);

  expect([...new Set(asked)]).toEqual(['shop/']);
});

test('where no upload was found, none is asked for again', async () => {
  lay(`shop/${dead}/data/0001.sql.zst`, 10, '2026-11-15T02:01:00Z');
  const found = await looking();
  const blind: Vault = {
    ...vault,
    async *unfinished() {
      throw refused;
    },
  };

  expect(await sweeping(found, blind)).toMatchObject({ state: 'swept', objects: 1, failures: [] });
});

test('old records go without a lease, failures, starts and restores that were asked for', async () => {
  const old = (day: number) => `202610${String(day).padStart(2, '0')}T020000Z`;
  const starts = Array.from({ length: 33 }, (_, at) =>
    at < 31 ? `${old(at + 1)}-00000a` : `2026111${at - 31}T020000Z-00000a`,
  );
  for (const id of starts) lay(`shop/starts/${id}-4f2a91c0-unscheduled.json`, 1, '2026-10-01T02:00:00Z');
  lay(`shop/failures/20260901T020000Z-4f2a91c0-vault-full.json`, 1, '2026-09-01T02:00:00Z');
  lay(`shop/restores/4f2a91c07f3a9c00-1-done.json`, 1, '2026-08-01T02:00:00Z');
  lay(manifestKey(shop, backupId(made)), 40, '2026-11-14T02:10:00Z');
  const found = await looking();
  const stale = [
    'shop/failures/20260901T020000Z-4f2a91c0-vault-full.json',
    `shop/starts/${starts[0]}-4f2a91c0-unscheduled.json`,
    'shop/restores/4f2a91c07f3a9c00-1-done.json',
  ] as ObjectKey[];
  expect(found).toMatchObject({ state: 'none', objects: 0 });
  expect([...found.records].sort()).toEqual([...stale].sort());

  const swept = await sweeping(found);

  expect(swept).toEqual(found);
  expect(state.objects.size).toBe(33);
  expect(stale.filter((key) => state.objects.has(key))).toEqual([]);
});
