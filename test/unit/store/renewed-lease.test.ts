import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { BackupError } from '../../../core/domain/errors.ts';
import { objectKey } from '../../../core/domain/keys.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import { leaseKey } from '../../../core/domain/layout/places.ts';
import type { LeaseWork } from '../../../core/store/lease/hold.ts';
import { openStore } from '../../../core/store/store.ts';
import type { Vault } from '../../../core/vault.ts';
import { emptyState, memoryVault } from '../../support/vaults/memory-vault.ts';
import { overwrite } from '../../support/vaults/vault.ts';

// a lease by a clock that stands still unless it is told to go on
const shop = 'shop' as SourceName;
const key = leaseKey(shop);
const begun = Date.parse('2026-11-20T02:00:00Z');
const never = new AbortController().signal;
const minutes = (count: number) => count * 60_000;
let vault: Vault;
beforeEach(() => {
  jest.useFakeTimers({ now: begun });
  vault = memoryVault(emptyState());
});
afterEach(() => void jest.useRealTimers());

const deps = (name: string, { gone = false, ours = '' } = {}) => ({
  clock: { now: () => new Date() },
  identity: { run: name, holder: `host of ${name}`, isGone: () => gone, isOurs: (holder: string) => holder === ours },
});
const working = <T>(name: string, work: LeaseWork<T>, on = vault, signal = never, how = {}) =>
  openStore(on).withLease(shop, deps(name, how), work, signal);
const inVault = async () => JSON.parse(Buffer.from((await vault.read(key, never)).body).toString());
const lease = (run: string, untilMs: number) =>
  JSON.stringify({ run, holder: `host of ${run}`, until: new Date(begun + untilMs).toISOString() });
const trying = (name: string, how = {}) => working(name, async () => 'ran', vault, never, how);
const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);

test('a lease holds for five minutes, is renewed every minute, and is over when it is given back', async () => {
  await working('first', async () => {
    expect(await inVault()).toEqual(JSON.parse(lease('first', minutes(5))));
    await pass(minutes(1) - 1);
    expect(await inVault()).toEqual(JSON.parse(lease('first', minutes(5))));
    await pass(1);
    expect(await inVault()).toEqual(JSON.parse(lease('first', minutes(6))));
  });

  expect(await inVault()).toEqual({ run: 'first', holder: 'host of first', until: '1970-01-01T00:00:00.000Z' });
  await pass(minutes(2));
  expect(await inVault()).toMatchObject({ until: '1970-01-01T00:00:00.000Z' });
});

test('a run that finds another at its next renewal stops, and leaves the other’s lease alone', async () => {
  const stopped = await working('first', async (signal, confirm) => {
    await overwrite(vault, key, lease('other', minutes(9)));
    expect(signal.aborted).toBe(false);
    await pass(minutes(1));
    await expect(confirm()).rejects.toBe(signal.reason);
    return signal.reason as unknown;
  });

  expect(stopped).toMatchObject({
    code: 'lease-lost',
    message: 'shop: another run has taken over the lease; this run stopped, and nothing of it counts',
    cause: expect.objectContaining({ code: 'object-exists' }),
  });
  expect(await inVault()).toEqual(JSON.parse(lease('other', minutes(9))));
});

test('who asks is told at once that another has the lease', async () => {
  await working('first', async (_, confirm) => {
    await confirm();
    await overwrite(vault, key, lease('other', minutes(9)));

    await expect(confirm()).rejects.toMatchObject({ code: 'lease-lost' });
  });

  expect(await inVault()).toEqual(JSON.parse(lease('other', minutes(9))));
});

/** The vault, which can't be written to while `isDown`. */
const failing = (isDown: () => boolean): Vault => ({
  ...vault,
  async putIfUnchanged(...args) {
    if (isDown()) throw new BackupError('vault-unreachable', 'no answer');
    return vault.putIfUnchanged(...args);
  },
});

test('a vault that can’t be reached for minutes is no loss, as long as the lease holds', async () => {
  let isDown = true;
  const seen = await working(
    'first',
    async (signal, confirm) => {
      await pass(minutes(4));
      const before = signal.aborted;
      await expect(confirm()).rejects.toMatchObject({ code: 'vault-unreachable' });
      isDown = false;
      await pass(minutes(1));
      return [before, signal.reason?.message, (await inVault()).until];
    },
    failing(() => isDown),
  );

  expect(seen).toEqual([
    false,
    'shop: the lease could not be renewed in time, and another run may take it over; this run stopped, and nothing of it counts',
    new Date(begun + minutes(5)).toISOString(),
  ]);
});

test('a vault that answers again in time renews the lease', async () => {
  let isDown = true;
  await working(
    'first',
    async (signal, confirm) => {
      await pass(minutes(3));
      isDown = false;
      await pass(minutes(4));
      expect(signal.aborted).toBe(false);
      await confirm();
      expect(await inVault()).toEqual(JSON.parse(lease('first', minutes(12))));
    },
    failing(() => isDown),
  );
});

test('a run that is stopped gives its lease back', async () => {
  const stop = new AbortController();

  const stopped = working(
    'first',
    async (signal) => {
      stop.abort(new BackupError('aborted', 'stop'));
      throw signal.reason;
    },
    vault,
    stop.signal,
  );

  await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
  expect(await trying('second')).toBe('ran');
});

test('a lease is refused while it holds, and free when it has run out or its holder is gone', async () => {
  await overwrite(vault, key, lease('dead', minutes(5)));
  const held = {
    code: 'lease-held',
    message: `shop: run dead on host of dead is at work and holds the lease until ${new Date(begun + minutes(5)).toISOString()}`,
    hint: 'wait for it to end; the lease of a run that died is free at that time by itself',
  };

  await expect(trying('second')).rejects.toMatchObject(held);
  expect(await trying('second', { gone: true })).toBe('ran');
  await overwrite(vault, key, lease('dead', minutes(5)));
  await pass(minutes(5) - 1);
  await expect(trying('third')).rejects.toMatchObject(held);
  await pass(1);
  expect(await trying('third')).toBe('ran');
});

test('what is no lease, or dated more than an hour ahead, is nobody’s to take', async () => {
  for (const text of ['none', '{}', lease('future', minutes(61))]) {
    await overwrite(vault, key, text);
    await expect(trying('second', { gone: text !== lease('future', minutes(61)) })).rejects.toMatchObject({
      code: 'lease-stuck',
    });
  }
  await overwrite(vault, key, lease('future', minutes(60)));
  await expect(trying('second')).rejects.toMatchObject({ code: 'lease-held' });
});

test('an earlier attempt at our own request is dead once it has missed a renewal by half of one', async () => {
  const again = { ours: 'host of first' };
  await overwrite(vault, key, lease('first', minutes(5)));
  await pass(53_999);
  await expect(trying('young', again)).rejects.toMatchObject({ code: 'lease-held' });
  await pass(36_000);
  await expect(trying('of another request')).rejects.toMatchObject({ code: 'lease-held' });

  expect(await trying('second', again)).toBe('ran'); // one real millisecond is left to wait
});

test('an earlier attempt that has renewed, or given back, while we waited is believed', async () => {
  const waiting = async (then: string) => {
    await overwrite(vault, key, lease('first', Date.now() - begun + minutes(5) - 90_000));
    let reads = 0;
    const changing: Vault = {
      ...vault,
      async read(...args) {
        const read = await vault.read(...args);
        reads += 1;
        if (reads === 1) await overwrite(vault, key, then);
        return read;
      },
    };
    return working('second', async () => 'ran', changing, never, { ours: 'host of first' });
  };
  await pass(90_000);

  await expect(waiting(lease('first', minutes(6)))).rejects.toMatchObject({
    code: 'lease-held',
    message: expect.stringContaining('run first on host of first is at work and holds the lease until'),
  });
  await expect(waiting('none')).rejects.toMatchObject({ code: 'lease-stuck' });
  await expect(waiting(lease('first', 0))).resolves.toBe('ran');
});

test('who has handed its lease on is not stopped for it, however long it goes on', async () => {
  await working('first', async (signal, _, handOn) => {
    await handOn();
    await pass(minutes(9));
    expect(signal.aborted).toBe(false);
  });

  expect(await inVault()).toEqual(JSON.parse(lease('first', minutes(5))));
});

test('who is told to stop while it waits for an earlier attempt stops', async () => {
  await overwrite(vault, key, lease('first', minutes(5)));
  await pass(54_000);
  const stop = new AbortController();
  const stopping: Vault = {
    ...vault,
    async read(...args) {
      const read = await vault.read(...args);
      stop.abort(new BackupError('deadline', 'the time is over'));
      return read;
    },
  };

  await expect(
    working('second', async () => 'ran', stopping, stop.signal, { ours: 'host of first' }),
  ).rejects.toMatchObject({ code: 'deadline' });
});

test('what keeps every run out is told, and how to be rid of it', async () => {
  const far = lease('future', minutes(90));
  const whys = [
    ['{}', "what stands in it can't be read"],
    [
      far,
      `it holds until ${JSON.parse(far).until}, 1 h 30 min ahead, and no run holds one for so long: a clock was wrong`,
    ],
  ] as const;
  for (const [text, why] of whys) {
    await overwrite(vault, key, text);
    await expect(trying('second')).rejects.toMatchObject({
      code: 'lease-stuck',
      message: `shop: the lease shop/lease.json keeps every run out: ${why}`,
      hint: expect.stringMatching(/^see who holds it, and free it: nightjar unlock shop/),
    });
  }
});

test('what is too large to be a lease is none, and a vault that can’t be read is told as that', async () => {
  const reading = (error: BackupError) =>
    openStore({ ...vault, read: () => Promise.reject(error) }).readLease(shop, new Date(), never);
  const large = new BackupError('object-too-large', 'it has 80 MB');
  const down = new BackupError('vault-unreachable', 'no answer');

  await expect(reading(down)).rejects.toBe(down);
  await expect(reading(large)).rejects.toMatchObject({
    code: 'lease-stuck',
    message: 'shop: what stands in the place of its lease is no lease: it has 80 MB',
    hint: 'if no run is at work, delete shop/lease.json in the vault',
    cause: large,
  });
});

test('when a lease was last written is told by the vault’s clock, and of nothing that lies beside it', async () => {
  const store = openStore(vault);
  await vault.putIfAbsent(objectKey(`${key}.old`), Buffer.from('x'), {}, never);
  expect(await store.leaseWritten(shop, never)).toBeUndefined();

  await pass(7000);
  await overwrite(vault, key, lease('first', minutes(5)));
  await pass(7000);

  expect(await store.leaseWritten(shop, never)).toEqual(new Date(begun + 7000));
});

test('of two that find the lease free at the same moment, the second is told that a run has just begun', async () => {
  await overwrite(vault, key, lease('dead', -1));
  const racing: Vault = {
    ...vault,
    async putIfUnchanged(...args) {
      await overwrite(vault, key, lease('other', minutes(5)));
      return vault.putIfUnchanged(...args);
    },
  };

  await expect(working('second', async () => 'ran', racing)).rejects.toMatchObject({
    code: 'lease-held',
    message: 'shop: another run has just begun',
    hint: 'wait for it to end',
    cause: expect.objectContaining({ code: 'object-exists' }),
  });
});

test('a lease that a dead run of this machine gets only by our write is taken over, too', async () => {
  await overwrite(vault, key, lease('first', minutes(5)));
  let writes = 0;
  const racing: Vault = {
    ...vault,
    async putIfUnchanged(...args) {
      writes += 1;
      if (writes === 1) await overwrite(vault, key, lease('killed', minutes(5)));
      return vault.putIfUnchanged(...args);
    },
  };

  await expect(working('second', async () => 'ran', racing, never, { gone: true })).resolves.toBe('ran');
});

test('a lease that is removed between two looks is begun anew by whoever asks again', async () => {
  await overwrite(vault, key, lease('other', minutes(5)));
  const vanishing: Vault = {
    ...vault,
    async read(...args) {
      await vault.delete(key, never);
      return vault.read(...args);
    },
  };

  await expect(working('second', async () => 'ran', vanishing)).rejects.toMatchObject({
    code: 'lease-held',
    message: 'shop: somebody has just removed the lease',
    hint: 'begin again',
  });
});

test.each(['putIfAbsent', 'putIfUnchanged'] as const)('a vault that fails at %s fails the run', async (call) => {
  if (call === 'putIfUnchanged') await overwrite(vault, key, lease('dead', -1));
  const denied = new BackupError('vault-denied', 'the role may not write it');

  await expect(working('first', async () => 'ran', { ...vault, [call]: () => Promise.reject(denied) })).rejects.toBe(
    denied,
  );
});
