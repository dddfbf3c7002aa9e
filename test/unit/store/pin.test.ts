import { beforeEach, expect, test } from '@jest/globals';
import { BackupError } from '../../../core/domain/errors.ts';
import { objectKey } from '../../../core/domain/keys.ts';
import type { BackupId } from '../../../core/domain/keys.ts';
import { manifestKey } from '../../../core/domain/layout/places.ts';
import { pinKey } from '../../../core/domain/layout/records.ts';
import { openStore } from '../../../core/store/store.ts';
import type { Vault } from '../../../core/vault.ts';
import { dailyIds, putBackup, signal } from '../../support/vaults/history.ts';
import { shop } from '../../support/vaults/seen.ts';
import { memoryScene, overwrite } from '../../support/vaults/vault.ts';

const [id, other] = dailyIds(2) as [BackupId, BackupId];
const key = pinKey(shop, id);
const clock = { now: () => new Date('2026-11-20T12:00:00Z') };
let vault: Vault;
beforeEach(async () => {
  ({ vault } = memoryScene());
  await putBackup(vault, 'shop', id);
});

const pinning = (reason: string, { by = 'maria', on = vault, of = id } = {}) =>
  openStore(on).pin(shop, of, { reason, by }, { clock }, signal);
const keys = async () => (await Array.fromAsync(vault.list('', signal))).map((one) => one.key);
const denied = new BackupError('vault-denied', 'the role may not write it');
const refusing = (failed: BackupError): Vault => ({ ...vault, putIfAbsent: () => Promise.reject(failed) });

test('a pin says who wanted it, when and why, and a second one replaces it', async () => {
  const first = { reason: 'before the migration', by: 'maria', at: '2026-11-20T12:00:00.000Z' };
  expect(await pinning(first.reason)).toEqual(first);
  expect(await openStore(vault).readPin(shop, id, signal)).toEqual(first);

  const second = await pinning('for the auditors', { by: 'otto' });

  expect(second).toEqual({ ...first, reason: 'for the auditors', by: 'otto' });
  expect(await openStore(vault).readPin(shop, id, signal)).toEqual(second);
});

test('a backup that is not there can be neither pinned nor unpinned, and nothing is written for it', async () => {
  const before = await keys();
  const missing = { code: 'backup-missing', message: expect.stringContaining(`none with the id ${other}`) };

  await expect(pinning('why not', { of: other })).rejects.toMatchObject(missing);
  await expect(openStore(vault).unpin(shop, other, signal)).rejects.toMatchObject(missing);

  expect(await keys()).toEqual(before);
});

test('who pins a backup while it is removed is told that it is gone', async () => {
  const racing: Vault = {
    ...vault,
    async putIfAbsent(...args) {
      await vault.delete(manifestKey(shop, id), signal);
      return vault.putIfAbsent(...args);
    },
  };

  await expect(pinning('too late', { on: racing })).rejects.toMatchObject({ code: 'backup-missing' });
});

test('a pin that can’t be written is no pin, whether or not there is one already', async () => {
  await expect(pinning('new', { on: refusing(denied) })).rejects.toBe(denied);
  expect(await openStore(vault).readPin(shop, id, signal)).toBeUndefined();

  await pinning('old');

  await expect(pinning('new', { on: refusing(denied) })).rejects.toBe(denied);
  expect(await openStore(vault).readPin(shop, id, signal)).toMatchObject({ reason: 'old' });
});

test('unpinning takes the pin away and nothing beside it, and says whether there was one', async () => {
  const store = openStore(vault);
  const beside = objectKey(`${key}.note`);
  await vault.putIfAbsent(beside, Buffer.from('{}'), {}, signal);
  expect(await store.unpin(shop, id, signal)).toBe(false);
  const before = await keys();

  await pinning('for a day');

  expect(await store.unpin(shop, id, signal)).toBe(true);
  expect(await keys()).toEqual(before);
  expect(await store.unpin(shop, id, signal)).toBe(false);
});

/** A vault that has locks, what is held in it, and whether we may put or lift a hold. */
function withLocks() {
  const held = new Set<string>();
  const right: { may: boolean | BackupError } = { may: true };
  const hold: Vault['hold'] = async (at, on) => {
    if (typeof right.may === 'boolean') return right.may && (on ? held.add(at) : held.delete(at), true);
    throw right.may;
  };
  const on: Vault = { ...vault, hold };
  return { on, held, right, known: () => openStore(vault).readPin(shop, id, signal) };
}

test('a second pin by somebody who may put no hold keeps the one that is there, and unpinning takes it off', async () => {
  const { on, held, right, known } = withLocks();
  expect(await pinning('an audit', { on })).toMatchObject({ held: true });
  expect(held.size).toBeGreaterThan(1);

  right.may = denied;
  expect(await pinning('for the auditors', { on, by: 'otto' })).toMatchObject({
    by: 'otto',
    held: true,
    refused: true,
  });
  expect(await known()).toMatchObject({ reason: 'for the auditors', held: true });
  await expect(openStore(on).unpin(shop, id, signal)).rejects.toBe(denied);

  right.may = true;
  expect(await openStore(on).unpin(shop, id, signal)).toBe(true);
  expect([...held]).toEqual([]);
});

test('of two who pin at once, one without the right to hold, no hold is left that no pin knows of', async () => {
  for (const order of ['before the hold', 'after the hold']) {
    const { on, held, known } = withLocks();
    let mine = true;
    /** Otto may put no hold, and Maria pins while he is told so. */
    const ottos: Vault = {
      ...on,
      async hold() {
        if (mine) await pinning('an audit', { on });
        mine = false;
        throw denied;
      },
      async putIfAbsent(...args) {
        if (order === 'before the hold' && mine) await pinning('an audit', { on });
        mine &&= order === 'after the hold';
        return on.putIfAbsent(...args);
      },
    };
    expect(await pinning('for the auditors', { on: ottos, by: 'otto' })).toMatchObject({ refused: true });

    expect(held.size).toBeGreaterThan(1);
    expect(await known()).toMatchObject({ held: true });
    expect(await openStore(on).unpin(shop, id, signal)).toBe(true);
    expect([...held]).toEqual([]);
  }
});

test('a pin that is cut off once the hold is put knows of it, so that unpinning takes it off', async () => {
  const { on, held, known } = withLocks();
  const away = new BackupError('vault-unreachable', 'the vault is away');
  const cut: Vault = { ...on, hold: async (...args) => Promise.reject((await on.hold!(...args)) ? away : denied) };

  await expect(pinning('an audit', { on: cut })).rejects.toBe(away);

  expect(held.size).toBe(1);
  expect(await known()).toMatchObject({ held: true });
  expect(await openStore(on).unpin(shop, id, signal)).toBe(true);
  expect([...held]).toEqual([]);
});

test('a pin says of no hold where none was put: without the right to, or in a bucket that has no locks', async () => {
  const { on, right, known } = withLocks();
  right.may = denied;
  expect(await pinning('an audit', { on })).toMatchObject({ refused: true });
  expect(await known()).not.toHaveProperty('held');

  right.may = true;
  await pinning('an audit', { on });
  right.may = false;
  expect(await pinning('an audit', { on })).not.toHaveProperty('held');
  expect(await known()).not.toHaveProperty('held');
});

test.each([
  ['no JSON', 'because'],
  ['nothing of a pin', '{}'],
  ['a pin without a moment', '{"reason":"x","by":"y","at":"yesterday"}'],
  ['more than a pin', '{"reason":"x","by":"y","at":"2026-11-20T12:00:00Z","until":"2027"}'],
])('a pin that holds %s has no reason to show', async (_, text) => {
  await overwrite(vault, key, text);

  expect(await openStore(vault).readPin(shop, id, signal)).toBeUndefined();
});
