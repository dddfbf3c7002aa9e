import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { expect, test } from '@jest/globals';
import type { SourceName } from '../../../core/domain/keys.ts';
import { BackupError } from '../../../core/domain/errors.ts';
import { leaseKey } from '../../../core/domain/layout/places.ts';
import type { HandedLease, LeaseWork } from '../../../core/store/lease/hold.ts';
import { openStore } from '../../../core/store/store.ts';
import type { Store } from '../../../core/store/store.ts';
import type { Vault } from '../../../core/vault.ts';
import { emptyState, memoryVault } from '../../support/vaults/memory-vault.ts';
import { folderScene, limit } from '../../support/vaults/vault.ts';

const shop = 'shop' as SourceName;
const deps = (holder: string, run = 'night') => ({
  clock: { now: () => new Date() },
  identity: { run, holder, isGone: () => false },
});
const inMemory = () => openStore(memoryVault(emptyState()));
const stateOf = (store: Store) => store.readLease(shop, new Date(), limit());
const working = <T>(store: Store, holder: string, work: LeaseWork<T>) =>
  store.withLease(shop, deps(holder, `run of ${holder}`), work, limit());
const goingOn = <T>(store: Store, handed: HandedLease, work: LeaseWork<T>, holder = 'second') =>
  store.withHandedLease(shop, handed, deps(holder, 'unnamed'), work, limit());
const handedBy = (store: Store) => working(store, 'first', (_, __, handOn) => handOn());

test('a lease that was handed on is the same run’s in another process, and free when that ends', async () => {
  const { vault, folder, remove } = await folderScene();
  const store = openStore(vault);
  const handed = await handedBy(store);

  const program = join(import.meta.dirname, '../../fixtures/programs/handed-lease.ts');
  const child = spawn(process.execPath, [program, folder, shop], {
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(JSON.stringify(handed));
  const there = await json(child.stdout);

  expect(there).toMatchObject({ state: 'held', lease: { run: 'run of first', holder: `process ${child.pid}` } });
  expect(await stateOf(store)).toMatchObject({ state: 'free', lease: { holder: `process ${child.pid}` } });
  await remove();
});

test('between two processes of a run nobody else can take its lease', async () => {
  const store = inMemory();
  const handed = await handedBy(store);

  expect(await stateOf(store)).toMatchObject({ state: 'held', lease: { run: 'run of first', holder: 'first' } });
  await expect(working(store, 'other', async () => 'ran')).rejects.toMatchObject({ code: 'lease-held' });
  await expect(goingOn(store, handed, async () => 'went on')).resolves.toBe('went on');
  await expect(working(store, 'other', async () => 'ran')).resolves.toBe('ran');
});

test('who has handed a lease on does not have it any more, and does not give it back', async () => {
  const store = inMemory();

  await working(store, 'first', async (signal, confirm, handOn) => {
    await confirm();
    const handed = await handOn();

    await expect(confirm()).rejects.toMatchObject({
      code: 'lease-lost',
      message: expect.stringContaining('handed on'),
    });
    await expect(handOn()).rejects.toMatchObject({ code: 'lease-lost' });
    await goingOn(store, handed, async (_, confirmThere) => {
      await expect(confirm()).rejects.toMatchObject({ code: 'lease-lost' });
      await confirmThere();
    });
    expect(signal.aborted).toBe(false);
  });

  expect(await stateOf(store)).toMatchObject({ state: 'free', lease: { holder: 'second' } });
});

test('of many that a lease was handed to, one goes on', async () => {
  const store = inMemory();
  const handed = await handedBy(store);
  let went = 0;

  const tries = await Promise.allSettled(
    ['a', 'b', 'c', 'd'].map((holder) => goingOn(store, handed, async () => void (went += 1), holder)),
  );

  expect(went).toBe(1);
  expect(tries.filter(({ status }) => status === 'rejected')).toEqual(
    Array.from({ length: 3 }, () => ({
      status: 'rejected',
      reason: expect.objectContaining({ code: 'lease-lost', message: expect.stringContaining('another process') }),
    })),
  );
});

test('a handed lease that ran out and was taken by another run is lost', async () => {
  const store = inMemory();
  const handed = await handedBy(store);
  const { version } = (await stateOf(store)) as { version: string };
  await store.freeLease(shop, version, { run: 'unlock', holder: 'a person' }, limit());

  await working(store, 'other', async (_, confirm) => {
    await expect(goingOn(store, handed, async () => 'both')).rejects.toMatchObject({ code: 'lease-lost' });
    await confirm();
  });
});

test('a lease that could not be handed on is still ours', async () => {
  const real = memoryVault(emptyState());
  let refused = 0;
  const failing: Vault = {
    ...real,
    async putIfUnchanged(key, ...rest) {
      if (key === leaseKey(shop) && (refused += 1) === 1) throw new BackupError('vault-unreachable', 'no answer');
      return real.putIfUnchanged(key, ...rest);
    },
  };
  const store = openStore(failing);

  await working(store, 'first', async (_, confirm, handOn) => {
    await expect(handOn()).rejects.toMatchObject({ code: 'vault-unreachable' });
    await confirm();
  });

  expect(await stateOf(store)).toMatchObject({ state: 'free', lease: { holder: 'first' } });
});
