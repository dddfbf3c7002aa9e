import { beforeEach, expect, test } from '@jest/globals';
import { BackupError } from '../../../core/domain/errors.ts';
import { manifestKey, partKey } from '../../../core/domain/layout/places.ts';
import type { BackupId, ObjectKey } from '../../../core/domain/keys.ts';
import { rotate } from '../../../core/commands/rotate.ts';
import type { Deleted, Lock, Vault } from '../../../core/vault.ts';
import { dailyIds, none, policyOf, putBackup, rotatingIn } from '../../support/vaults/history.ts';
import { emptyState, memoryVault } from '../../support/vaults/memory-vault.ts';
import type { MemoryState } from '../../support/vaults/memory-vault.ts';
import { shop } from '../../support/vaults/seen.ts';

const noon = '2026-11-20T12:00:00Z';
const longAgo = () => new Date('2026-11-10T02:00:00Z');
const dead = '20261110T020000Z-dddddd' as BackupId;
let state: MemoryState;
let vault: Vault;
let ids: BackupId[];

beforeEach(async () => {
  state = emptyState();
  vault = memoryVault(state, { now: longAgo });
  ids = dailyIds(4);
  for (const id of ids) await putBackup(vault, 'shop', id);
});

const rotating = (change: Partial<Vault> = {}, options = {}, policy = policyOf({ count: 2 })) =>
  rotatingIn({ ...vault, ...change }, noon).rotating('shop', policy, options);
const bytesOf = (id: BackupId) =>
  [...state.objects].reduce((sum, [key, { body }]) => sum + (key.includes(id) ? body.length : 0), 0);
const leave = (files: string[]) =>
  Promise.all(
    files.map((file) =>
      vault.putIfAbsent(partKey(shop, dead, file), Buffer.from('half'), {}, AbortSignal.timeout(1000)),
    ),
  );
const readingWith =
  (of: (id: BackupId) => { lock?: Lock; stays?: true }): Vault['read'] =>
  async (key, signal) => {
    const read = await vault.read(key, signal);
    const id = ids.find((one) => key === manifestKey(shop, one));
    return { ...read, ...(id !== undefined && of(id)) };
  };

test('a vault that is not reached any more ends a rotation: nothing else is removed, tagged or swept', async () => {
  await leave(['data/0001.sql.zst']);
  const asked: string[] = [];
  const away = async (key: ObjectKey): Promise<Deleted> => {
    asked.push(key);
    throw new BackupError('vault-unreachable', 'no route');
  };

  const rotation = await rotating({ delete: away, tags: async (key) => (asked.push(key), {}) });

  expect(asked).toEqual([manifestKey(shop, ids[0]!)]);
  expect(rotation).toMatchObject({
    removals: [{ id: ids[0], state: 'failed' }],
    swept: { state: 'none', objects: 1, bytes: 0 },
    retagged: 0,
    freed: 0,
    hidden: 0,
    failures: [{ code: 'vault-unreachable' }],
  });
});

test('a rotation that is stopped ends with the backup that it was at', async () => {
  const stop = new AbortController();
  const deps = rotatingIn(
    {
      ...vault,
      async delete(key, signal) {
        stop.abort(new BackupError('aborted', 'stopped'));
        return vault.delete(key, signal);
      },
    },
    noon,
  ).deps();

  const rotation = await rotate(shop, policyOf({ count: 1 }), { dryRun: false, anyShare: true }, deps, stop.signal);

  expect(rotation.removals.map(({ id }) => id)).toEqual([ids[0]]);
  expect(rotation.failures).not.toEqual([]);
  for (const id of ids.slice(1)) expect(state.objects.has(manifestKey(shop, id))).toBe(true);
});

test('another refusal keeps no other backup from being removed', async () => {
  const refused = manifestKey(shop, ids[0]!);
  const remove: Vault['delete'] = (key, signal) =>
    key === refused ? Promise.reject(new BackupError('vault-denied', 'no')) : vault.delete(key, signal);

  const rotation = await rotating({ delete: remove });

  expect(rotation.removals.map(({ id, state: end }) => [id, end])).toEqual([
    [ids[0], 'failed'],
    [ids[1], 'gone'],
  ]);
  expect(rotation.failures).toMatchObject([{ code: 'vault-denied' }]);
});

test('what is free again, and what older versions still take, is told apart, of backups and of what was swept', async () => {
  await leave(['data/0001.sql.zst', 'data/0002.sql.zst']);
  const [first, second] = [bytesOf(ids[0]!), bytesOf(ids[1]!)];
  const hiding = (part: string): Partial<Vault> => ({
    async delete(key, signal) {
      await vault.delete(key, signal);
      return { state: key.includes(part) ? 'hidden' : 'gone' };
    },
  });
  const copy = structuredClone([...state.objects]);

  expect(await rotating(hiding(ids[0]!))).toMatchObject({ freed: second + 8, hidden: first, swept: { bytes: 8 } });
  state.objects = new Map(copy);
  vault = memoryVault(state, { now: longAgo });
  expect(await rotating(hiding(dead))).toMatchObject({ freed: first + second, hidden: 8, swept: { hidden: true } });
});

test('a dry run tells what would stay as an older version, and what is locked, of each backup', async () => {
  const lock: Lock = { until: new Date('2027-01-01T00:00:00Z'), hold: true };
  const read = readingWith((id) => (id === ids[0] ? { lock, stays: true } : {}));

  const rotation = await rotating({ read }, { dryRun: true });

  expect(rotation.removals).toEqual([
    { id: ids[0], state: 'hidden', bytes: bytesOf(ids[0]!), foreign: 0, failures: [], lock },
    { id: ids[1], state: 'gone', bytes: bytesOf(ids[1]!), foreign: 0, failures: [] },
  ]);
  expect(rotation).toMatchObject({ hidden: bytesOf(ids[0]!), freed: bytesOf(ids[1]!), failures: [] });
});

test('a removal tells the lock that its backup had, and one that is locked long enough is locked no longer', async () => {
  const until = new Date('2026-12-31T00:00:00Z');
  const read = readingWith((id) => (id === ids[0] || id === ids[2] ? { lock: { until, hold: false } } : {}));
  const asked = new Set<string>();
  const locks = { days: { daily: 30 }, lengthen: async (key: ObjectKey) => void asked.add(key.split('/')[1]!) };

  const rotation = await rotating({ read, locks }, {}, policyOf({ ...none, daily: 3 }));

  expect(rotation.removals).toMatchObject([{ id: ids[0], state: 'gone', lock: { until, hold: false } }]);
  expect(asked).toEqual(new Set([ids[1]]));
  expect(rotation.locked).toBe(1);
});
