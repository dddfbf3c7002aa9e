import { expect, test } from '@jest/globals';
import { alone, expiresMs } from '../../../../core/vaults/s3/claims/alone.ts';
import type { Claims, ListedClaim } from '../../../../core/vaults/s3/claims/alone.ts';

const minuteMs = 60_000;
const begun = Date.parse('2026-11-20T02:00:00Z');
const signal = new AbortController().signal;
const refused = new Error('refused');
const other = (name: string, ageMs = 0): ListedClaim => ({ name, modified: new Date(begun - ageMs) });

/** A store with the claims of others, where no time passes but by pauses; `onPause` is told how many there were. */
function scene(others: ListedClaim[], onPause: (pauses: number, claims: Map<string, Date>) => void = () => undefined) {
  const claims = new Map(others.map(({ name, modified }) => [name, modified]));
  const did: string[] = [];
  const pauses: number[] = [];
  let names = 0;
  const store: Claims = {
    async put(name) {
      did.push(`put ${name}`);
      claims.set(name, new Date(begun));
      return new Date(begun + names);
    },
    list: async () => [...claims].map(([name, modified]) => ({ name, modified })),
    async remove(name) {
      did.push(`remove ${name}`);
      claims.delete(name);
    },
  };
  const deps = {
    what: 'write a',
    name: () => `m${(names += 1)}`,
    random: () => 0.5,
    async pause(ms: number) {
      pauses.push(ms);
      onPause(pauses.length, claims);
    },
  };
  const working = (work: () => unknown = () => 'done', mayLand = false, on = store) =>
    alone(
      on,
      async ({ signed }) => (did.push(`work ${signed.getTime() - begun}`), work()),
      () => mayLand,
      deps,
      signal,
    );
  return { claims, did, pauses, working, store };
}

test('whoever finds nobody works at once under a claim of its own, and takes it back', async () => {
  const { working, did, pauses, claims } = scene([]);

  expect(await working()).toBe('done');

  expect(did).toEqual(['put m1', 'work 1', 'remove m1']);
  expect([pauses, claims.size]).toEqual([[], 0]);
});

test('of two, the lower name waits with its claim, longer each time, half a second at most', async () => {
  const { working, did, pauses } = scene([other('z')], (times, claims) => void (times === 20 && claims.delete('z')));

  await working();

  expect(did).toEqual(['put m1', 'work 1', 'remove m1']);
  expect(pauses.slice(0, 3)).toEqual([15, 30, 45]);
  expect(pauses.slice(15)).toEqual([240, 250, 250, 250, 250]);
});

test('of two, the higher name takes its claim back, and comes again under another one when nobody is left', async () => {
  const { working, did, pauses } = scene([other('a')], (times, claims) => void (times === 3 && claims.delete('a')));

  await working();

  expect(did).toEqual(['put m1', 'remove m1', 'put m2', 'work 2', 'remove m2']);
  expect(pauses).toEqual([15, 30, 45]);
});

test('of three, the one in the middle takes its claim back as long as the lowest is there', async () => {
  const { working, did } = scene([other('a'), other('z')], (times, claims) => {
    if (times === 3) claims.clear();
  });

  await working();

  expect(did).toEqual(['put m1', 'remove m1', 'put m2', 'work 2', 'remove m2']);
});

test('a claim counts for 35 minutes, and is taken away once it is older than that', async () => {
  expect(expiresMs).toBe(35 * minuteMs);
  const dead = scene([other('a', expiresMs + 1), other('z', expiresMs + 1)]);
  await dead.working();
  expect(dead.did).toEqual(['put m1', 'remove a', 'remove z', 'work 1', 'remove m1']);

  const alive = scene([other('z', expiresMs)], (_, claims) => void claims.delete('z'));
  await alive.working();
  expect([alive.did, alive.pauses]).toEqual([['put m1', 'work 1', 'remove m1'], [15]]);
});

test('one that never goes is told after 80 looks, and until when it stands in the way', async () => {
  const { working, did, pauses, claims } = scene([other('y', minuteMs), other('z', 10 * minuteMs)]);

  await expect(working()).rejects.toMatchObject({
    code: 'vault-failed',
    message: 'write a: another write of it was begun and has not ended',
    hint:
      'where that run died, it stands in the way until 2026-11-20T02:34:00.000Z: wait (docs/stores.md, without ' +
      'conditional writes)',
  });

  expect(pauses).toHaveLength(80);
  expect(did).toEqual(['put m1', 'remove m1']);
  expect([...claims.keys()]).toEqual(['y', 'z']);
});

test('whoever waits without a claim spends half of its looks so', async () => {
  const { working, did, pauses } = scene([other('a')]);

  await expect(working()).rejects.toMatchObject({ code: 'vault-failed' });

  expect(pauses).toHaveLength(80);
  const puts = did.filter((one) => one.startsWith('put'));
  // once at first, once behind 40 looks, and at each look from then on
  expect(puts).toHaveLength(42);
});

test('a listing that does not show what was just written is told, and nothing is done', async () => {
  const { working, did, store } = scene([]);
  const late: Claims = { ...store, list: async () => [] };

  await expect(working(undefined, false, late)).rejects.toMatchObject({
    code: 'vault-failed',
    message: 'write a: what was just written is in no listing of the store',
    hint: 'a store without conditional writes has to list at once what is written: use another one',
  });

  expect(did).toEqual(['put m1', 'remove m1']);
});

test('a claim is taken back where the work failed, and stays where it may be carried out later', async () => {
  const failing = () => {
    throw refused;
  };
  const over = scene([]);
  await expect(over.working(failing)).rejects.toBe(refused);
  expect(over.did).toEqual(['put m1', 'work 1', 'remove m1']);

  const open = scene([]);
  await expect(open.working(failing, true)).rejects.toBe(refused);
  expect(open.did).toEqual(['put m1', 'work 1']);
});

test('a claim that may have been put is taken back', async () => {
  const { working, did, store } = scene([]);
  const failing: Claims = { ...store, put: () => Promise.reject(refused) };

  await expect(working(undefined, false, failing)).rejects.toBe(refused);

  expect(did).toEqual(['remove m1']);
});
