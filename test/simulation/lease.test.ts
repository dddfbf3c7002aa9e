import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { describeLease, findStuckLease, unlock, watchForRenewal } from '../../core/commands/unlock.ts';
import { BackupError } from '../../core/domain/errors.ts';
import { leaseKey } from '../../core/domain/layout/places.ts';
import type { SourceName } from '../../core/domain/keys.ts';
import type { Vault } from '../../core/vault.ts';
import { folderVault } from '../../core/vaults/folder/folder.ts';
import { openStore } from '../../core/store/store.ts';

const shop = 'shop' as SourceName;
const soon = () => AbortSignal.timeout(60_000);
const times = { holdMs: 3000, renewMs: 200 };

let folder: string;
let vault: Vault;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-lease-'));
  vault = folderVault(folder);
});

afterEach(() => rm(folder, { recursive: true }));

const run = (
  name: string,
  more: { vault?: Vault; isGone?: (holder: string) => boolean; clock?: { now(): Date } } = {},
) => ({
  store: openStore(more.vault ?? vault),
  clock: more.clock ?? { now: () => new Date() },
  identity: { run: name, holder: `host of ${name}`, isGone: more.isGone ?? (() => false) },
});
type Deps = ReturnType<typeof run>;
function withLease<T>(
  source: SourceName,
  deps: Deps,
  work: (signal: AbortSignal, confirm: () => Promise<void>) => Promise<T>,
  signal: AbortSignal,
  renewal?: typeof times,
): Promise<T> {
  return deps.store.withLease(source, deps, work, signal, renewal);
}
const wait = (ms: number) => new Promise<void>((wake) => setTimeout(wake, ms));
const until = (signal: AbortSignal) =>
  new Promise<unknown>((resolve) => signal.addEventListener('abort', () => resolve(signal.reason), { once: true }));

test('one run works at a time: the second is told who does, and until when', async () => {
  await withLease(
    shop,
    run('first'),
    async () => {
      const second = withLease(shop, run('second'), () => Promise.resolve('both'), soon());

      await expect(second).rejects.toMatchObject({
        code: 'lease-held',
        message: expect.stringMatching(/^shop: run first on host of first is at work and holds the lease until \d{4}-/),
      });
    },
    soon(),
  );
});

test('20 runs that begin at once: one works', async () => {
  let working = 0;
  const results = await Promise.allSettled(
    Array.from({ length: 20 }, (_, index) =>
      withLease(
        shop,
        run(`run ${index}`),
        async () => {
          working += 1;
          await wait(3000);
        },
        soon(),
      ),
    ),
  );

  expect(working).toBe(1);
  expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(19);
});

test('a lease is given back, after a failure too, and never deleted', async () => {
  const failing = withLease(shop, run('first'), () => Promise.reject(new Error('the work failed')), soon());

  await expect(failing).rejects.toThrow('the work failed');
  await expect(withLease(shop, run('second'), () => Promise.resolve('done'), soon())).resolves.toBe('done');
  expect(JSON.parse(Buffer.from((await vault.read(leaseKey(shop), soon())).body).toString())).toMatchObject({
    run: 'second',
  });
});

test('a lease is renewed while the work goes on', async () => {
  await withLease(
    shop,
    run('first'),
    async () => {
      await wait(3500);

      await expect(withLease(shop, run('second'), () => Promise.resolve(), soon(), times)).rejects.toMatchObject({
        code: 'lease-held',
      });
    },
    soon(),
    times,
  );
});

test('a second attempt at the same request takes over when the first has missed a renewal, and not while it renews', async () => {
  const ours = (name: string) => {
    const deps = run(name);
    return { ...deps, identity: { ...deps.identity, isOurs: (holder: string) => holder === 'host of first' } };
  };
  const lease = (agoMs: number) => ({
    run: 'first',
    holder: 'host of first',
    until: new Date(Date.now() + 60_000 - agoMs).toISOString(),
  });
  const slow = { holdMs: 60_000, renewMs: 10_000 };
  const write = (agoMs: number) =>
    vault.putIfAbsent(leaseKey(shop), Buffer.from(JSON.stringify(lease(agoMs))), {}, soon());
  const attempt = (name: string) => withLease(shop, ours(name), () => Promise.resolve(name), soon(), slow);

  await write(8_000);
  await expect(attempt('young')).rejects.toMatchObject({ code: 'lease-held' });
  await vault.delete(leaseKey(shop), soon());
  await write(14_500);
  const renewed = attempt('second');
  await wait(100);
  const { version } = await vault.read(leaseKey(shop), soon());
  await vault.putIfUnchanged(leaseKey(shop), Buffer.from(JSON.stringify(lease(0))), version, soon());
  await expect(renewed).rejects.toMatchObject({ code: 'lease-held' });
  await vault.delete(leaseKey(shop), soon());
  await write(14_500);

  expect(await attempt('third')).toBe('third');
  await vault.delete(leaseKey(shop), soon());
  await write(14_500);
  await expect(withLease(shop, run('of another request'), () => Promise.resolve(), soon(), slow)).rejects.toMatchObject(
    { code: 'lease-held' },
  );
});

test('the lease of a run that died is free when its time is over', async () => {
  const dead = { now: () => new Date(Date.now() - 600_000) };
  await vault.putIfAbsent(
    leaseKey(shop),
    Buffer.from(JSON.stringify({ run: 'dead', holder: 'elsewhere', until: dead.now().toISOString() })),
    {},
    soon(),
  );

  await expect(withLease(shop, run('second'), () => Promise.resolve('done'), soon())).resolves.toBe('done');
});

test('the lease of a process of this machine that is gone is free at once', async () => {
  const later = new Date(Date.now() + 600_000).toISOString();
  await vault.putIfAbsent(
    leaseKey(shop),
    Buffer.from(JSON.stringify({ run: 'killed', holder: 'here', until: later })),
    {},
    soon(),
  );

  await expect(withLease(shop, run('second'), () => Promise.resolve(), soon())).rejects.toMatchObject({
    code: 'lease-held',
  });
  await expect(
    withLease(shop, run('third', { isGone: (holder) => holder === 'here' }), () => Promise.resolve('done'), soon()),
  ).resolves.toBe('done');
});

test('a run whose lease was taken over is aborted, may confirm nothing, and leaves the other its lease', async () => {
  const losing = withLease(
    shop,
    run('first'),
    async (signal, confirm) => {
      const current = await vault.read(leaseKey(shop), soon());
      const thief = Buffer.from(
        JSON.stringify({ run: 'thief', holder: 'elsewhere', until: new Date(Date.now() + 60_000).toISOString() }),
      );
      await vault.putIfUnchanged(leaseKey(shop), thief, current.version, soon());

      expect(await until(signal)).toMatchObject({ code: 'lease-lost' });
      await confirm();
    },
    soon(),
    times,
  );

  await expect(losing).rejects.toMatchObject({ code: 'lease-lost' });
  expect(JSON.parse(Buffer.from((await vault.read(leaseKey(shop), soon())).body).toString())).toMatchObject({
    run: 'thief',
  });
});

test('a vault that is away for a moment is no loss; one that stays away until the lease is over is', async () => {
  let away = false;
  const flaky: Vault = {
    ...vault,
    putIfUnchanged: (...args) =>
      away ? Promise.reject(new BackupError('vault-unreachable', 'away')) : vault.putIfUnchanged(...args),
  };

  await withLease(
    shop,
    run('first', { vault: flaky }),
    async (signal, confirm) => {
      away = true;
      await wait(500);
      away = false;
      await wait(500);
      expect(signal.aborted).toBe(false);
      await confirm();
      away = true;

      expect(await until(signal)).toMatchObject({
        code: 'lease-lost',
        message: expect.stringContaining('could not be renewed in time'),
      });
    },
    soon(),
    times,
  );
});

test('a lease that nobody can read is nobody’s to take', async () => {
  await vault.putIfAbsent(leaseKey(shop), Buffer.from('what is this?'), {}, soon());

  await expect(withLease(shop, run('first'), () => Promise.resolve(), soon())).rejects.toMatchObject({
    code: 'lease-stuck',
    message: expect.stringContaining('shop/lease.json'),
    hint: expect.stringContaining('nightjar unlock shop'),
  });
});

const putLease = (body: string) => vault.putIfAbsent(leaseKey(shop), Buffer.from(body), {}, soon());
const leaseUntil = (until: Date) => JSON.stringify({ run: 'ahead', holder: 'a machine', until: until.toISOString() });
const inHours = (hours: number) => new Date(Date.now() + hours * 3_600_000);

test('a lease that is dated further ahead than any run holds one keeps out, and is told as that; a clock that differs by less is waited for', async () => {
  await putLease(leaseUntil(new Date('2099-01-01T00:00:00Z')));
  await expect(withLease(shop, run('first'), () => Promise.resolve(), soon())).rejects.toMatchObject({
    code: 'lease-stuck',
    message: expect.stringContaining('2099-01-01'),
    hint: expect.stringContaining('nightjar unlock shop'),
  });

  await vault.delete(leaseKey(shop), soon());
  await putLease(leaseUntil(inHours(0.9)));
  await expect(withLease(shop, run('first'), () => Promise.resolve(), soon())).rejects.toMatchObject({
    code: 'lease-held',
  });
  await expect(findStuckLease(shop, run('person'), soon())).rejects.toMatchObject({ code: 'lease-held' });
});

test('a run whose clock is years ahead gives back a lease that is free on every clock', async () => {
  const ahead = { now: () => new Date('2100-01-01T00:00:00Z') };

  await withLease(shop, run('ahead', { clock: ahead }), () => Promise.resolve(), soon());

  await expect(withLease(shop, run('second'), () => Promise.resolve('done'), soon())).resolves.toBe('done');
});

test.each([
  ['nobody can read', 'what is this?', 'held by: unknown'],
  ['of another form', '{"run":1}', 'held by: unknown'],
  ['dated far ahead', leaseUntil(new Date('2099-01-01T00:00:00Z')), 'held by: run ahead on a machine'],
])('a lease %s is freed after it was watched, and the next run begins', async (_, body, held) => {
  await putLease(body);

  const found = await findStuckLease(shop, run('person'), soon());
  await watchForRenewal(shop, found!, run('person'), soon(), 50);
  await unlock(shop, found!, run('person'), soon());

  const [what, who, when] = describeLease(shop, found!);
  expect([what, who]).toEqual([expect.stringContaining('shop/lease.json'), held]);
  expect(Date.now() - Date.parse(when!.replace('last written: ', ''))).toBeLessThan(600_000);
  await expect(withLease(shop, run('next'), () => Promise.resolve('done'), soon())).resolves.toBe('done');
  expect(await findStuckLease(shop, run('person'), soon())).toBeUndefined();
});

test('a live run is never unlocked, though its clock is a year ahead: its renewal is seen', async () => {
  const clock = { now: () => inHours(365 * 24) };
  await withLease(
    shop,
    run('live', { clock }),
    async (signal) => {
      const found = await findStuckLease(shop, run('person'), soon());

      await expect(watchForRenewal(shop, found!, run('person'), soon(), 3000)).rejects.toMatchObject({
        code: 'lease-held',
        message: expect.stringContaining('nothing was changed'),
      });
      // a person who was quicker than the watching finds it renewed, too
      await expect(unlock(shop, found!, run('person'), soon())).rejects.toMatchObject({ code: 'lease-held' });
      await wait(500);
      expect(signal.aborted).toBe(false);
    },
    soon(),
    times,
  );
});

test('a run that slept while its lease was freed stops when it wakes up, and may confirm nothing; of two that then begin, one does', async () => {
  const clock = { now: () => inHours(365 * 24) };
  const asleep = { holdMs: 3000, renewMs: 2_000_000 };
  let woken: unknown;
  await withLease(
    shop,
    run('asleep', { clock }),
    async (_, confirm) => {
      const found = await findStuckLease(shop, run('person'), soon());
      await watchForRenewal(shop, found!, run('person'), soon(), 50);
      await unlock(shop, found!, run('person'), soon());
      const next = await Promise.allSettled(
        ['a', 'b'].map((name) => withLease(shop, run(name), () => wait(2000), soon())),
      );
      expect(next.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      woken = await confirm().catch((error: unknown) => error);
    },
    soon(),
    asleep,
  );

  expect(woken).toMatchObject({ code: 'lease-lost' });
});
