import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { BackupError } from '../../../../core/domain/errors.ts';
import { leaseKey } from '../../../../core/domain/layout/places.ts';
import type { SourceName } from '../../../../core/domain/keys.ts';
import { historyOf } from '../../../../core/domain/verdict/history.ts';
import { staleRequests } from '../../../../core/domain/retention/leftovers.ts';
import { memoryScene, limit } from '../../../support/vaults/vault.ts';
import type { VaultScene } from '../../../support/vaults/vault.ts';

const source = 'shop' as SourceName;
const morning = Date.parse('2026-11-20T08:00:00Z');
const minute = 60_000;
const hour = 60 * minute;
let scene: VaultScene;
let done: string[];

beforeEach(async () => {
  scene = memoryScene();
  await scene.vault.putIfAbsent(leaseKey(source), Buffer.from('{}'), {}, limit());
  done = [];
});
afterEach(() => scene.remove());

type Asked = { afterMs?: number; run?: string; named?: boolean; work?: () => Promise<string> };

function asking({ afterMs = 0, run = 'first', named = false, work }: Asked = {}) {
  const deps = {
    ...scene.deps(),
    clock: { now: () => new Date(morning + afterMs) },
    identity: { run, holder: run, isGone: () => false },
    report: () => {},
  };
  const usual = async (): Promise<string> => {
    done.push(run);
    return 'restored';
  };
  const wanted = { source, request: '0123456789abcdef', named, isDone: (result: string) => result === 'restored' };
  return deps.store.carryOutOnce(wanted, deps, work ?? usual, limit());
}

const failing = (code: 'restore-failed' | 'proof-failed') => () => Promise.reject(new BackupError(code, 'no'));
const hanging = (): Promise<string> => new Promise(() => {});

test('a request is carried out once, and answers the second time what it did then', async () => {
  const first = await asking();
  const second = await asking({ afterMs: 11 * hour, run: 'second' });

  expect(first).toEqual({ result: 'restored' });
  expect(second).toEqual({ before: { at: '2026-11-20T08:00:00.000Z', run: 'first', result: 'restored' } });
  expect(done).toEqual(['first']);
});

test('without a word of its own the same event is another request half a day later; with one it never is', async () => {
  await asking();

  const nextDay = await asking({ afterMs: 13 * hour, run: 'second' });
  const named = await asking({ afterMs: 80 * hour, run: 'third', named: true });

  expect([nextDay, named]).toMatchObject([{ result: 'restored' }, { before: { run: 'second' } }]);
  expect(done).toEqual(['first', 'second']);
});

test('what failed may be asked for again at once', async () => {
  await expect(asking({ work: failing('restore-failed') })).rejects.toMatchObject({ code: 'restore-failed' });
  await expect(asking({ work: async () => 'incomplete' })).resolves.toEqual({ result: 'incomplete' });

  expect(await asking({ run: 'third' })).toEqual({ result: 'restored' });
});

test('what has begun is at work for fifteen minutes; after that nobody knows whether it was done, and it is not done again', async () => {
  void asking({ work: hanging });
  const limitMs = AbortSignal.timeout(10_000);
  const begun = async (): Promise<boolean> =>
    (await Array.fromAsync(scene.vault.list('shop/restores/', limitMs))).length > 0;
  while (!(await begun()));

  await expect(asking({ afterMs: minute, run: 'second' })).rejects.toMatchObject({ code: 'lease-held' });
  await expect(asking({ afterMs: 20 * minute, run: 'second' })).rejects.toMatchObject({
    code: 'input-invalid',
    message: expect.stringContaining('run first has begun this very request at 2026-11-20T08:00:00.000Z'),
    hint: expect.stringContaining('add "request" with a word of your own'),
  });
  expect(await asking({ afterMs: 13 * hour, run: 'third' })).toEqual({ result: 'restored' });
  expect(done).toEqual(['third']);
});

test('a database that was replaced and not proven equal is not replaced again by the same request', async () => {
  await expect(asking({ work: failing('proof-failed') })).rejects.toMatchObject({ code: 'proof-failed' });

  await expect(asking({ afterMs: 20 * minute, run: 'second' })).rejects.toMatchObject({ code: 'input-invalid' });
  expect(done).toEqual([]);
});

test('of many at the same moment one is carried out', async () => {
  const ends = await Promise.allSettled(
    Array.from({ length: 8 }, (_, index) => asking({ run: `run${index}`, named: true })),
  );

  expect(done).toHaveLength(1);
  expect(ends.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(1);
});

test('rotation removes records of requests when they are ninety days old', async () => {
  await asking();
  const history = historyOf(source, await Array.fromAsync(scene.vault.list('shop/', limit())));
  const inDays = (days: number): Date => new Date(Date.now() + days * 24 * hour);

  expect(staleRequests(history, inDays(89))).toEqual([]);
  expect(staleRequests(history, inDays(91))).toEqual([
    'shop/restores/0123456789abcdef-1-begun.json',
    'shop/restores/0123456789abcdef-1-done.json',
  ]);
});
