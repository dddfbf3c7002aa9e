import { beforeEach, expect, test } from '@jest/globals';
import { BackupError } from '../../../core/domain/errors.ts';
import { objectKey } from '../../../core/domain/keys.ts';
import type { BackupId } from '../../../core/domain/keys.ts';
import { historyOf } from '../../../core/domain/verdict/history.ts';
import type { PlannedBackup, RotationPlan } from '../../../core/domain/retention/rotation.ts';
import { retagKept } from '../../../core/store/rotation/retag.ts';
import type { Vault } from '../../../core/vault.ts';
import { dailyIds, putBackup, signal } from '../../support/vaults/history.ts';
import { emptyState, memoryVault } from '../../support/vaults/memory-vault.ts';
import type { MemoryState } from '../../support/vaults/memory-vault.ts';
import { shop } from '../../support/vaults/seen.ts';

// The tags that lie in the vault afterwards are compared with names and values written out here.
const [first, second] = dailyIds(2) as [BackupId, BackupId];
const asMade = { 'nightjar-tier': 'yearly', 'nightjar-tiers': 'daily-weekly-monthly-yearly' };
const daily = { 'nightjar-tier': 'daily', 'nightjar-tiers': 'daily' };
let state: MemoryState;
let vault: Vault;
beforeEach(async () => {
  state = emptyState();
  vault = memoryVault(state);
  for (const id of [first, second]) await putBackup(vault, 'shop', id);
});

type Kept = Partial<Pick<PlannedBackup, 'action' | 'tiers' | 'reasons'>>;

/** A plan that says of each backup what is to become of it: kept, and counting for the daily tier alone. */
async function planOf(said: Kept[] = []): Promise<RotationPlan> {
  const { backups } = historyOf(shop, await Array.fromAsync(vault.list('shop/', signal)));
  const planned = backups.map((found, at) => ({ found, action: 'keep', tiers: ['daily'], reasons: [], ...said[at] }));
  return { source: shop, backups: planned } as unknown as RotationPlan;
}

const tagsOf = (id: BackupId) =>
  Object.fromEntries(
    [...state.objects]
      .filter(([key]) => key.startsWith(`shop/${id}/`))
      .map(([key, { tags }]) => [key.slice(`shop/${id}/`.length), tags]),
  );
const parts = ['catalog.json.zst', 'data/0001.sql.zst', 'manifest.json'];
const all = (tags: object) => Object.fromEntries(parts.map((part) => [part, tags]));

/** A vault that tells in which order objects are tagged, and fails those that `fails` names. */
function watched(tagged: string[], fails: (call: string, key: string) => BackupError | undefined = () => undefined) {
  const tried = (call: string, key: string) => {
    const failure = fails(call, key);
    if (failure !== undefined) throw failure;
  };
  const watching: Vault = {
    ...vault,
    async tags(key, stop) {
      tried('tags', key);
      return vault.tags(key, stop);
    },
    async retag(key, tags, stop) {
      tried('retag', key);
      tagged.push(key);
      return vault.retag(key, tags, stop);
    },
  };
  return watching;
}

test('backups that stay are tagged with what they count for now, parts first and the manifest last', async () => {
  const tagged: string[] = [];

  expect(await retagKept(watched(tagged), await planOf(), signal)).toBe(2);

  expect([tagsOf(first), tagsOf(second)]).toEqual([all(daily), all(daily)]);
  expect(tagged.filter((key) => key.includes(first)).at(-1)).toBe(`shop/${first}/manifest.json`);
  expect(tagged).toHaveLength(6);
});

test('what is tagged so already, or goes, or could not be judged, is left as it is', async () => {
  const said: Kept[] = [{ tiers: ['daily', 'weekly', 'monthly', 'yearly'] }, { action: 'remove' }];
  expect(await retagKept(vault, await planOf(said), signal)).toBe(0);

  const doubtful: Kept[] = [{ reasons: [{ rule: 'unreadable' }] }, { reasons: [{ rule: 'misdated' }] }];
  expect(await retagKept(vault, await planOf(doubtful), signal)).toBe(0);

  expect([tagsOf(first), tagsOf(second)]).toEqual([all(asMade), all(asMade)]);
});

test('a reason of another kind keeps no backup from being tagged', async () => {
  expect(await retagKept(vault, await planOf([{ reasons: [{ rule: 'pinned' }] }]), signal)).toBe(2);
});

test('one tag of two that is not right is corrected', async () => {
  const manifest = objectKey(`shop/${first}/manifest.json`);
  const wrong = { 'nightjar-tier': 'daily', 'nightjar-tiers': 'last-daily' };
  state.objects.set(manifest, { ...state.objects.get(manifest)!, tags: wrong });

  expect(await retagKept(vault, await planOf([{}, { action: 'remove' }]), signal)).toBe(1);

  expect(tagsOf(first)).toEqual(all(daily));
});

test('a signature and parts are tagged; proofs, pins and what somebody else has put there are not', async () => {
  const others = ['pin.json', 'proofs/20261120T031500Z-verify-passed.json', 'notes.txt'];
  for (const path of [...others, 'manifest.sig'])
    await vault.putIfAbsent(objectKey(`shop/${first}/${path}`), Buffer.from('x'), {}, signal);

  await retagKept(vault, await planOf(), signal);

  const untouched = Object.fromEntries(others.map((path) => [path, {}]));
  expect(tagsOf(first)).toEqual({ ...all(daily), 'manifest.sig': daily, ...untouched });
});

test.each([
  ['before it is asked for its tags', (_: string, key: string) => key.endsWith(`${first}/manifest.json`)],
  ['before its parts are tagged', (call: string, key: string) => call === 'retag' && key.includes(`${first}/data`)],
  ['before it is tagged', (call: string, key: string) => call === 'retag' && key.endsWith(`${first}/manifest.json`)],
])('a backup that another rotation removes %s keeps no other from being tagged', async (_, isGone) => {
  const gone = new BackupError('object-missing', 'memory: nothing there');
  const losing = watched([], (call, key) => (isGone(call, key) ? gone : undefined));

  await retagKept(losing, await planOf(), signal);

  expect(tagsOf(second)).toEqual(all(daily));
});

test.each(['tags', 'retag'])('a vault that refuses (%s) is an error', async (refused) => {
  const denied = new BackupError('vault-denied', 'memory: you may not');
  const refusing = watched([], (call) => (call === refused ? denied : undefined));

  await expect(retagKept(refusing, await planOf(), signal)).rejects.toBe(denied);
});

test('a manifest that may not be tagged is an error, though its parts were', async () => {
  const denied = new BackupError('vault-denied', 'memory: you may not');
  const refusing = watched([], (call, key) => (call === 'retag' && key.endsWith('.json') ? denied : undefined));

  await expect(retagKept(refusing, await planOf(), signal)).rejects.toBe(denied);
});
