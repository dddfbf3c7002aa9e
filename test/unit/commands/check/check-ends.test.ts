import { beforeEach, expect, test } from '@jest/globals';
import { check, unheardOf } from '../../../../core/commands/check/check.ts';
import type { CheckDeps } from '../../../../core/commands/check/check.ts';
import { BackupError } from '../../../../core/domain/errors.ts';
import { ledgerKey } from '../../../../core/domain/layout/places.ts';
import { manifestKey } from '../../../../core/domain/layout/places.ts';
import { newBackupId } from '../../../../core/domain/keys.ts';
import type { SourceName } from '../../../../core/domain/keys.ts';
import { startKey } from '../../../../core/domain/layout/records.ts';
import type { WatchedSource } from '../../../../core/domain/watch/freshness.ts';
import type { Notifier } from '../../../../core/ports.ts';
import { openStore } from '../../../../core/store/store.ts';
import { emptyState, memoryVault } from '../../../support/vaults/memory-vault.ts';
import type { MemoryState } from '../../../support/vaults/memory-vault.ts';
import { shop, watching } from '../../../support/vaults/seen.ts';
import { storeBackup } from '../../../support/vaults/stored.ts';
import { limit, overwrite } from '../../../support/vaults/vault.ts';

const now = new Date('2026-11-20T08:00:00Z');
let state: MemoryState;
let metered: Readonly<Record<string, number>>[];

beforeEach(async () => {
  state = emptyState();
  metered = [];
  await storeBackup(memoryVault(state), 'shop', new Date('2026-11-20T02:00:00Z'));
});

const checking = (more: Partial<CheckDeps> = {}, copies: { vault: string }[] = []) => {
  const deps = { store: openStore(memoryVault(state)), clock: { now: () => now }, notifiers: [] };
  const watched = { ...watching(), place: 'memory', copies };
  return check([watched], { whole: true }, { ...deps, meter: (one) => void metered.push(one), ...more }, limit());
};

test('a check without anybody to tell fails in nothing, remembers what it has seen, and gives its figures', async () => {
  const checked = await checking();

  expect(checked).toMatchObject({ told: [], failures: [], judgements: [{ state: 'fresh' }] });
  expect(state.objects.has(ledgerKey(shop))).toBe(true);
  expect(metered).toMatchObject([{ Checks: 1, Sources: 1, Fresh: 1, Problems: 0 }]);
});

test('who only looks writes nothing, and fails in nothing', async () => {
  const before = [...state.objects.keys()];

  expect(await checking({ remember: false })).toMatchObject({ failures: [] });

  expect([...state.objects.keys()]).toEqual(before);
});

test('copies are judged where further vaults can be opened, and not without', async () => {
  const copies = [{ vault: 'nas' }];
  const asked: string[] = [];
  const vault: CheckDeps['vault'] = async (name) => (
    asked.push(name), openStore(memoryVault(emptyState(), { place: name }))
  );

  expect((await checking({}, copies)).further).toBeUndefined();
  const checked = await checking({ vault, copiesWithinMs: 10_000 }, copies);

  expect(asked).toEqual(['nas']);
  expect(checked.further).toMatchObject([{ name: 'nas', place: 'nas' }]);
});

test('who does not hear is found though another one can’t be asked; where nothing is known, that is no all-clear', async () => {
  const notify = async () => undefined;
  const deaf: Notifier = { name: 'deaf', notify, unheard: async () => [{ text: 'nobody confirmed', hint: 'confirm' }] };
  const closed: Notifier = {
    name: 'closed',
    notify,
    unheard: () => Promise.reject(new BackupError('notify-failed', 'no')),
  };
  const plain: Notifier = { name: 'plain', notify };

  expect(await unheardOf([deaf, closed, plain], limit())).toMatchObject([{ text: 'nobody confirmed' }]);
  expect(await unheardOf([closed, plain], limit())).toBeUndefined();
  expect(await unheardOf([plain], limit())).toEqual([]);
  const stopped = AbortSignal.abort(new BackupError('deadline', 'time is over'));
  await expect(unheardOf([deaf], stopped)).rejects.toMatchObject({ code: 'deadline' });
});

/** A source of this name, watched so. */
const watchedAs = (source: string, watch: Partial<WatchedSource['watch']> = {}): WatchedSource => ({
  ...watching(watch),
  source: source as SourceName,
  place: 'memory',
});

test('each figure counts the sources of which that was found, and one at work for the first time has never had less', async () => {
  const vault = memoryVault(state);
  const at = (day: number) => new Date(Date.UTC(2026, 10, day, 2));
  for (const day of [16, 17, 18]) await storeBackup(vault, 'stale', at(day));
  for (const day of [17, 18, 19, 20]) await storeBackup(vault, 'shrunk', at(day), { rows: day === 20 ? 10 : 1000 });
  for (const source of ['paused', 'drilled', 'other']) await storeBackup(vault, source, at(20));
  const id = await storeBackup(vault, 'unknown', at(20));
  await overwrite(vault, manifestKey('unknown' as SourceName, id), '{ "format": 2 }');
  const begun = { id: newBackupId(new Date(now.getTime() - 60_000), 0.1), run: 'first', meant: undefined };
  await vault.putIfAbsent(startKey('starting' as SourceName, begun), Buffer.from('{}'), {}, limit());

  await check(
    [
      watchedAs('shop'),
      watchedAs('stale'),
      watchedAs('shrunk'),
      watchedAs('never'),
      watchedAs('unknown'),
      watchedAs('paused', { paused: true }),
      watchedAs('drilled', { drillEveryMs: 1 }),
    ],
    { whole: true },
    { store: openStore(vault), clock: { now: () => now }, notifiers: [], meter: (one) => void metered.push(one) },
    limit(),
  );

  expect(metered).toEqual([
    {
      Checks: 1,
      Sources: 7,
      Fresh: 1,
      Problems: 5,
      Stale: 1,
      Never: 1,
      Unknown: 1,
      Shrunk: 1,
      OverdueDrill: 1,
      Paused: 1,
      Unconfigured: 1,
    },
  ]);
});

test('a check that could tell nobody gives no figures, so that an alarm goes by their absence', async () => {
  const notify = () => Promise.reject(new BackupError('notify-failed', 'nobody answers'));
  state.objects.clear();

  const checked = await checking({ notifiers: [{ name: 'broken', notify }] });

  expect(checked.failures).toMatchObject([{ code: 'notify-failed' }]);
  expect(metered).toEqual([]);
});
