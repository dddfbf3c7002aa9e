import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { acceptanceOf } from '../../../core/commands/check/accept.ts';
import { check } from '../../../core/commands/check/check.ts';
import { removableBackup } from '../../../core/commands/remove.ts';
import { ledgerSchema } from '../../../core/contract/memory/ledger.ts';
import type { BackupId } from '../../../core/domain/keys.ts';
import { ledgerKey } from '../../../core/domain/layout/places.ts';
import { reasonText } from '../../../core/domain/retention/retention.ts';
import { historyOf } from '../../../core/domain/verdict/history.ts';
import { verdictOf } from '../../../core/domain/verdict/verdict.ts';
import { manifestKey, partKey } from '../../../core/domain/layout/places.ts';
import { openStore } from '../../../core/store/store.ts';
import { chooseBackup } from '../../../core/survey/choose.ts';
import { copyingAll } from '../../support/copying.ts';
import { none, policyOf, rotatingIn } from '../../support/vaults/history.ts';
import { emptyState, memoryVault } from '../../support/vaults/memory-vault.ts';
import { hourMs, shop, watching } from '../../support/vaults/seen.ts';
import { storeBackup } from '../../support/vaults/stored.ts';
import { limit, memoryScene } from '../../support/vaults/vault.ts';
import type { VaultScene } from '../../support/vaults/vault.ts';

const now = new Date('2026-11-20T12:00:00Z');
const old = new Date('2019-06-01T08:00:00Z');
const daily = { ...none, daily: 7 };
const memory = { shrink: watching().watch.shrink, timeZone: 'UTC', retention: daily };
const hoursAgo = (hours: number): Date => new Date(now.getTime() - hours * hourMs);
let scene: VaultScene;
beforeEach(() => {
  scene = memoryScene();
});
afterEach(() => scene.remove());

const own = (...hours: number[]) =>
  hours.reduce<Promise<unknown>>(
    (done, one) => done.then(() => storeBackup(scene.vault, 'shop', hoursAgo(one))),
    Promise.resolve(),
  );
/** Another server's, of another name, much smaller: all that an ordinary backup would be told for. */
const adopt = (at: Date): Promise<BackupId> =>
  storeBackup(scene.vault, 'shop', at, {
    adopted: true,
    rows: 3,
    seconds: 0,
    database: 'archive',
    engine: 'mariadb',
    identity: 'x',
  });
const deps = () => ({ store: openStore(scene.vault), clock: { now: () => now }, notifiers: [], meter: () => {} });
const checking = (watch = {}) =>
  check([{ ...watching(watch), retention: daily }], { whole: true }, deps(), limit()).then(
    ({ judgements: [one] }) => one!,
  );
const choosing = (which: Parameters<typeof chooseBackup>[1]) => chooseBackup(shop, which, memory, deps(), limit());
const remembered = async () =>
  ledgerSchema.parse(JSON.parse((await scene.vault.read(ledgerKey(shop), limit())).body.toString()));

test('an adopted backup of the past changes nothing of how its source stands', async () => {
  await own(50, 26, 2);
  const before = await checking();
  const { baseline } = await remembered();

  const id = await adopt(old);
  const after = await checking();

  expect([after.state, after.findings, after.standing.newest]).toEqual(['fresh', [], before.standing.newest]);
  expect((await remembered()).baseline).toEqual(baseline);
  expect((await remembered()).backups.find((one) => one.id === id)).toMatchObject({ facts: { adopted: true } });
  expect((await remembered()).backups.find((one) => one.id === id)).not.toHaveProperty('odd');
});

test('no adopted backup makes its source fresh, however new its moment is, and none is what comes after it late', async () => {
  await own(50, 30);
  await adopt(hoursAgo(1));

  expect((await checking()).findings).toMatchObject([{ kind: 'stale' }]);

  await own(2);
  expect(await checking()).toMatchObject({ state: 'fresh', findings: [] });
});

test('a source with nothing but an adopted backup has none, and the first one of its own is measured by nothing', async () => {
  await adopt(old);
  expect(await checking()).toMatchObject({ state: 'never' });

  await own(2);
  expect(await checking()).toMatchObject({ state: 'fresh', findings: [] });
});

test('a moment of the schedule that nothing was made for is missed, though an adopted backup is of it', async () => {
  const schedule = '0 2 * * *';
  const nightly = { schedule, limit: { schedule } };
  await own(58, 34);
  await checking(nightly);
  await adopt(new Date('2026-11-20T02:00:00Z'));

  expect((await checking(nightly)).findings).toMatchObject([{ kind: 'missed', moments: [{ outcome: 'missed' }] }]);
});

test('only its id leads to an adopted backup', async () => {
  await own(50);
  const id = await adopt(hoursAgo(1));
  const latest = (await choosing('latest')).manifest.id;

  expect(latest).not.toBe(id);
  for (const which of ['newest', { at: '2026-11-20T12:00:00Z' }])
    expect((await choosing(which)).manifest.id).toBe(latest);
  expect(await choosing(id)).toMatchObject({ manifest: { id }, warnings: [], passedOver: [] });
});

test('where there is nothing else, latest says so and names the id', async () => {
  const id = await adopt(old);

  await expect(choosing('latest')).rejects.toMatchObject({ code: 'backup-missing', hint: expect.stringContaining(id) });
  await expect(choosing('latest-proven')).rejects.toMatchObject({ code: 'backup-missing' });
  expect((await choosing(id)).manifest.id).toBe(id);
});

test('a rotation keeps what was adopted, and it takes no place from another', async () => {
  await own(...Array.from({ length: 9 }, (_, index) => 2 + 24 * (8 - index)));
  const id = await adopt(hoursAgo(25));
  const { rotating } = rotatingIn(scene.vault, now.toISOString());

  const { plan, removals } = await rotating('shop', policyOf(daily));

  expect(removals).toHaveLength(2);
  const kept = plan.backups.find(({ found }) => found.id === id)!;
  expect([kept.action, kept.reasons.map(reasonText)]).toEqual(['keep', ['adopted: a person’s to remove']]);
});

test('an adopted backup that is gone is told, and one that a person has removed is not', async () => {
  await own(26, 2);
  const id = await adopt(old);
  await checking();
  const { remove } = await removableBackup(
    shop,
    id,
    memory,
    { ...deps(), identity: { run: 'r', holder: 'ann', isGone: () => false } },
    limit(),
  );

  for (const key of [manifestKey(shop, id), partKey(shop, id, 'data/0001.sql.zst')])
    await scene.vault.delete(key, limit());
  expect((await checking()).findings).toMatchObject([{ kind: 'gone', count: 1, ids: [id] }]);

  await remove({ reason: 'not needed', by: 'ann' }, limit());
  expect(await checking()).toMatchObject({ state: 'fresh', findings: [] });
});

test('one that is damaged is told until somebody has accepted it', async () => {
  await own(26, 2);
  const id = await adopt(old);
  await checking();
  await scene.vault.delete(partKey(shop, id, 'data/0001.sql.zst'), limit());
  expect((await checking()).findings).toMatchObject([{ kind: 'damaged', backups: [{ id }] }]);

  await (await acceptanceOf(shop, memory, deps(), limit())).accept('ann', limit());

  expect(await checking()).toMatchObject({ state: 'fresh', findings: [] });
});

test('it is copied, though the retention of the further vault would not keep its moment, and stays there', async () => {
  await own(...Array.from({ length: 5 }, (_, index) => 2 + 24 * (4 - index)));
  const id = await adopt(old);
  await checking();
  const state = emptyState();
  const copy = memoryVault(state, { place: 'copy' });

  const { copied, failures } = await copyingAll(scene.vault, copy, 3);
  expect([copied.length, copied.some((one) => one.id === id), failures]).toEqual([4, true, []]);
  expect((await copyingAll(scene.vault, copy, 3)).copied).toEqual([]);

  const { rotating, ids } = rotatingIn(copy, now.toISOString());
  await rotating('shop', policyOf({ count: 1 }));
  expect(await ids('shop')).toContain(id);
});

test('an adopted backup that is encrypted makes no plain one of after its moment suspect', () => {
  const [adopted, plain] = ['20190601T080000Z-000001', '20261119T020000Z-000002'] as BackupId[];
  const at = new Date('2026-11-20T00:00:00Z');
  const keys = [
    manifestKey(shop, adopted!),
    partKey(shop, adopted!, 'data/0001.sql.zst.age'),
    manifestKey(shop, plain!),
    partKey(shop, plain!, 'data/0001.sql.zst'),
  ];
  const history = historyOf(
    shop,
    keys.map((key) => ({ key, bytes: 1, modified: at })),
  );
  const facts = {
    start: old.toISOString(),
    end: old.toISOString(),
    rows: 1,
    bytes: 1,
    parts: '',
    engine: 'x',
    database: 'x',
  };
  const manifest = { bytes: 1, modified: at.toISOString() };
  const ledgerWith = (more: object) => ({
    version: 1 as const,
    backups: [{ id: adopted!, manifest, facts: { ...facts, ...more } }],
  });
  const damageBy = (more: object) =>
    verdictOf(history, ledgerWith(more), { ...memory, encrypted: true }, at).backups.find(({ id }) => id === plain)
      ?.damage?.kind;

  expect([damageBy({}), damageBy({ adopted: true })]).toEqual(['plain', undefined]);
});
