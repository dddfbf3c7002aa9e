import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { check } from '../../../core/commands/check/check.ts';
import { ledgerSchema } from '../../../core/contract/memory/ledger.ts';
import type { Ledger } from '../../../core/contract/memory/ledger.ts';
import { BackupError } from '../../../core/domain/errors.ts';
import { ledgerKey, manifestKey } from '../../../core/domain/layout/places.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import type { Listed, Vault } from '../../../core/vault.ts';
import { openStore } from '../../../core/store/store.ts';
import { drawing } from '../../support/random/drawing.ts';
import { faultyVault } from '../../support/vaults/faulty-vault.ts';
import { none } from '../../support/vaults/history.ts';
import { hourMs, shop, watching } from '../../support/vaults/seen.ts';
import { storeBackup } from '../../support/vaults/stored.ts';
import { memoryScene, limit } from '../../support/vaults/vault.ts';
import type { VaultScene } from '../../support/vaults/vault.ts';

const now = new Date('2026-11-20T12:00:00Z');
const names = ['shop', 'blog', 'wiki', 'shop2'] as SourceName[];
const hoursAgo = (hours: number): Date => new Date(now.getTime() - hours * hourMs);
let scene: VaultScene;
beforeEach(async () => {
  scene = memoryScene();
  for (const name of names) for (const hours of [50, 26, 2]) await storeBackup(scene.vault, name, hoursAgo(hours));
});
afterEach(() => scene.remove());

const checking = (vault: Vault = scene.vault, more: { remember?: boolean } = {}) =>
  check(
    names.map((source) => ({ ...watching(), source, retention: { ...none, daily: 30 } })),
    { whole: true },
    { store: openStore(vault), clock: { now: () => now }, notifiers: [], meter: () => {}, ...more },
    limit(),
  );
const ledgerOf = async (source: SourceName): Promise<Ledger> =>
  ledgerSchema.parse(JSON.parse((await scene.vault.read(ledgerKey(source), limit())).body.toString()));
const ledgers = async () => (await scene.files()).filter((file) => file.endsWith('ledger.json'));

test('a check that finds nothing new reads one object a source, and writes none', async () => {
  await checking();
  expect((await ledgers()).sort()).toEqual([
    'blog/ledger.json',
    'ledger.json',
    'shop/ledger.json',
    'shop2/ledger.json',
    'wiki/ledger.json',
  ]);
  expect((await ledgerOf(shop)).backups).toHaveLength(3);

  const { vault, calls } = faultyVault(scene.vault);
  const { failures, judgements } = await checking(vault);

  expect([failures, judgements.map(({ state }) => state)]).toEqual([[], Array(4).fill('fresh')]);
  expect(Object.fromEntries(calls)).toEqual({ list: 1, read: names.length + 1 });
});

test('of several checks at once each judges all, none fails, and what they remember is one memory', async () => {
  for (let round = 0; round < 3; round += 1) {
    const all = await Promise.all([checking(), checking(), checking()]);
    expect(all.map(({ failures, judgements }) => [failures, judgements.map(({ state }) => state)])).toEqual(
      Array(3).fill([[], Array(4).fill('fresh')]),
    );
    for (const name of names) await storeBackup(scene.vault, name, hoursAgo(1.5 - round / 4));
  }
  const { failures } = await checking();

  expect(failures).toEqual([]);
  for (const name of names) expect((await ledgerOf(name)).backups).toHaveLength(6);
});

test('a check whose listing is older than what another one remembers takes nothing for gone', async () => {
  await checking();
  const before = await Array.fromAsync(scene.vault.list('', limit()));
  for (const name of names) await storeBackup(scene.vault, name, hoursAgo(1));
  await checking();
  let isFirst = true;
  const late: Vault = {
    ...scene.vault,
    async *list(prefix, signal) {
      const isOld = isFirst;
      isFirst = false;
      yield* isOld ? before : scene.vault.list(prefix, signal);
    },
  };

  expect((await checking(late)).judgements.map(({ state }) => state)).toEqual(Array(4).fill('fresh'));
});

test('a store that lists in no order is judged as one that does', async () => {
  const draw = drawing(3);
  const mixed: Vault = {
    ...scene.vault,
    async *list(prefix, signal) {
      const all: Listed[] = await Array.fromAsync(scene.vault.list(prefix, signal));
      yield* all
        .map((found) => ({ found, at: draw() }))
        .sort((a, b) => a.at - b.at)
        .map(({ found }) => found);
    },
  };
  const [honest, torn] = [await checking(scene.vault, { remember: false }), await checking(mixed, { remember: false })];

  expect(torn.judgements).toEqual(honest.judgements);
  expect(torn.judgements.map(({ standing }) => standing.count)).toEqual([3, 3, 3, 3]);
});

test('who only looks remembers nothing, and judges an old vault all the same', async () => {
  const { judgements } = await checking(scene.vault, { remember: false });

  expect(judgements.map(({ state }) => state)).toEqual(Array(4).fill('fresh'));
  expect(await ledgers()).toEqual([]);
});

test('a role that may not remember is told so once, whatever the number of sources, and judges them', async () => {
  const denied: Vault = {
    ...scene.vault,
    putIfAbsent: (key) => Promise.reject(new BackupError('vault-denied', `${key}: access denied`)),
  };

  const { failures, judgements } = await checking(denied);

  expect(judgements.map(({ state }) => state)).toEqual(Array(4).fill('fresh'));
  expect(failures).toMatchObject([{ code: 'vault-denied', message: expect.stringContaining('and 3 more sources') }]);
});

test('a ledger of a newer Nightjar is neither read nor written over', async () => {
  await scene.vault.putIfAbsent(ledgerKey(shop), Buffer.from('{"version":2,"more":true}'), {}, limit());

  const { judgements } = await checking();

  expect(judgements.map(({ state }) => state)).toEqual(['unknown', 'fresh', 'fresh', 'fresh']);
  expect((await scene.vault.read(ledgerKey(shop), limit())).body.toString()).toBe('{"version":2,"more":true}');
});

test('a manifest that is replaced by another one is told, one that was only copied anew is not', async () => {
  await checking();
  const [oldest, second] = (await ledgerOf(shop)).backups.map(({ id }) => manifestKey(shop, id as never));
  const [copied, changed] = await Promise.all(
    [oldest!, second!].map(async (key) => (await scene.vault.read(key, limit())).body.toString()),
  );
  for (const key of [oldest!, second!]) await scene.vault.delete(key, limit());
  await scene.vault.put(
    oldest!,
    (async function* () {
      yield Buffer.from(copied!);
    })(),
    {},
    limit(),
  );
  await scene.vault.put(
    second!,
    (async function* () {
      yield Buffer.from(changed!.replaceAll('"rows":1000', '"rows":9000'));
    })(),
    {},
    limit(),
  );

  const {
    judgements: [found],
  } = await checking();

  expect(found!.findings).toMatchObject([{ kind: 'unknown', why: expect.stringContaining('it was replaced') }]);
});
