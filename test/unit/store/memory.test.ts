import { createHash } from 'node:crypto';
import { beforeEach, expect, test } from '@jest/globals';
import { BackupError } from '../../../core/domain/errors.ts';
import { objectKey } from '../../../core/domain/keys.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import { checkersOf, configurationId } from '../../../core/store/memory/checkers.ts';
import { addToLedgerIndex, readLedger, readLedgerIndex, writeLedger } from '../../../core/store/memory/ledger.ts';
import { editServer, readServer } from '../../../core/store/memory/servers.ts';
import type { Ledger } from '../../../core/contract/memory/ledger.ts';
import type { Vault } from '../../../core/vault.ts';
import { signal } from '../../support/vaults/history.ts';
import { emptyState, memoryVault } from '../../support/vaults/memory-vault.ts';
import { shop } from '../../support/vaults/seen.ts';
import { overwrite } from '../../support/vaults/vault.ts';

// What lies in the vault is read as JSON, and compared with documents written out here.
let vault: Vault;
beforeEach(() => {
  vault = memoryVault(emptyState());
});
const taken = new BackupError('object-exists', 'memory: somebody was quicker');
const denied = new BackupError('vault-denied', 'memory: you may not');
const bodyOf = async (key: string) => (await vault.read(objectKey(key), signal)).body;
const textOf = async (key: string) => Buffer.from(await bodyOf(key)).toString();
const jsonOf = async (key: string): Promise<unknown> => JSON.parse(await textOf(key));
const put = (key: string, document: unknown) =>
  vault.putIfAbsent(objectKey(key), Buffer.from(JSON.stringify(document)), {}, signal);

/** A vault whose next writes fail so; how many were tried. */
function refusing(failures: BackupError[]): { vault: Vault; tries: () => number } {
  let tries = 0;
  const failing =
    <Given extends unknown[], Result>(write: (...given: Given) => Promise<Result>) =>
    async (...given: Given): Promise<Result> => {
      const failure = failures[tries];
      tries += 1;
      if (failure !== undefined) throw failure;
      return write(...given);
    };
  const wrapped = { putIfAbsent: failing(vault.putIfAbsent), putIfUnchanged: failing(vault.putIfUnchanged) };
  return { vault: { ...vault, ...wrapped }, tries: () => tries };
}

const noon = new Date('2026-11-20T12:00:00.000Z');
const after = (ms: number) => new Date(noon.getTime() + ms);
const hourMs = 3_600_000;
const checking = (sources: string[], at: Date, on = vault) => checkersOf(on, sources, at, signal);
const checkers = '.outbox/checkers.json';

test('a configuration is known by the names in it, in whatever order, and by no address', () => {
  const expected = createHash('sha256').update('["crm","shop"]').digest('hex').slice(0, 12);

  expect([configurationId(['shop', 'crm']), configurationId(['crm', 'shop'])]).toEqual([expected, expected]);
  expect(configurationId(['shop'])).not.toBe(expected);
});

test('the first check of a vault knows of no other, and writes down its own', async () => {
  const id = configurationId(['shop']);

  expect(await checking(['shop'], noon)).toEqual({ id, others: [] });

  const own = { id, since: noon.toISOString(), at: noon.toISOString(), sources: ['shop'] };
  expect(await jsonOf(checkers)).toEqual({ version: 1, configurations: [own] });
});

test('a later check keeps since when it is known, and another configuration is told', async () => {
  await checking(['shop'], noon);
  await checking(['crm'], after(hourMs));

  const { others } = await checking(['shop'], after(2 * hourMs));

  const crm = { id: configurationId(['crm']), since: after(hourMs).toISOString(), at: after(hourMs).toISOString() };
  expect(others).toEqual([{ ...crm, sources: ['crm'] }]);
  expect(await jsonOf(checkers)).toMatchObject({
    configurations: [
      { since: noon.toISOString(), at: after(2 * hourMs).toISOString() },
      { id: crm.id, at: crm.at },
    ],
  });
});

test('of one that was not checked again since ours began, ours took the place', async () => {
  await checking(['old'], noon);
  expect((await checking(['new'], after(hourMs))).others).toMatchObject([{ sources: ['old'] }]);

  expect((await checking(['new'], after(2 * hourMs))).others).toEqual([]);
});

test('one that was checked in the very moment in which ours began took its place, too', async () => {
  await checking(['new'], noon);
  await checking(['old'], noon);

  expect((await checking(['new'], after(hourMs))).others).toEqual([]);
});

test.each([
  ['a moment less than 26 hours', 26 * hourMs - 1, 1],
  ['26 hours', 26 * hourMs, 0],
])('one that was checked %s ago is in use or not', async (_, ms, count) => {
  await checking(['crm'], noon);

  expect((await checking(['shop'], after(ms))).others).toHaveLength(count);
});

test.each([
  [5 * 60_000, 1],
  [hourMs + 60_000, 0],
])('one dated %i ms ahead: clocks differ by minutes, and not by hours', async (ms, count) => {
  await checking(['crm'], after(ms));

  expect((await checking(['shop'], noon)).others).toHaveLength(count);
});

test('one of ours that is no longer in use begins anew', async () => {
  await checking(['shop'], noon);

  await checking(['shop'], after(27 * hourMs));

  expect(await jsonOf(checkers)).toMatchObject({ configurations: [{ since: after(27 * hourMs).toISOString() }] });
});

test('of many configurations the twelve that were checked last are remembered', async () => {
  for (let at = 0; at < 14; at += 1) await checking([`s${at}`], after(at * 60_000));

  const { configurations } = (await jsonOf(checkers)) as { configurations: { sources: string[] }[] };

  expect(configurations.map(({ sources: [name] }) => name)).toEqual(
    Array.from({ length: 12 }, (_, at) => `s${13 - at}`),
  );
});

test('of configurations that lie there out of order, the last ones are kept', async () => {
  const entry = (at: number) => ({
    id: `${at}`,
    since: after(0).toISOString(),
    at: after(at).toISOString(),
    sources: [],
  });
  await put(checkers, { version: 1, configurations: [3, 1, 12, 7, 2, 9, 11, 4, 10, 5, 8, 6].map(entry) });

  await checking(['shop'], after(hourMs));

  const { configurations } = (await jsonOf(checkers)) as { configurations: { id: string }[] };
  expect(configurations.slice(1).map(({ id }) => id)).toEqual([
    '12',
    '11',
    '10',
    '9',
    '8',
    '7',
    '6',
    '5',
    '4',
    '3',
    '2',
  ]);
});

test('what can’t be understood counts as nothing, and is written over', async () => {
  await put(checkers, { version: 2, what: 'ever' });

  expect((await checking(['shop'], noon)).others).toEqual([]);

  expect(await jsonOf(checkers)).toMatchObject({ version: 1, configurations: [{ sources: ['shop'] }] });
});

test('whoever is overtaken while writing reads again, eight times in all', async () => {
  const once = refusing(Array.from({ length: 7 }, () => taken));
  expect(await checking(['shop'], noon, once.vault)).toMatchObject({ others: [] });

  const always = refusing(Array.from({ length: 20 }, () => taken));
  await expect(checking(['crm'], noon, always.vault)).rejects.toBe(taken);

  expect([once.tries(), always.tries()]).toEqual([8, 8]);
});

test('a vault that refuses is asked once', async () => {
  const closed = refusing([denied, denied]);

  await expect(checking(['shop'], noon, closed.vault)).rejects.toBe(denied);

  expect(closed.tries()).toBe(1);
});

test('whoever stops a check stops this, too', async () => {
  const stopped = AbortSignal.abort(new Error('enough'));

  await expect(checkersOf(vault, ['shop'], noon, stopped)).rejects.toThrow();
});

const ledger = { version: 1, backups: [] } as unknown as Ledger;

test('where no ledger lies, nothing is remembered, and nothing is lost', async () => {
  expect(await readLedger(vault, shop, signal)).toEqual({ version: undefined });
});

test('a ledger that was written is read back, with the version to write over', async () => {
  await writeLedger(vault, shop, ledger, { version: undefined }, signal);

  const { version } = await vault.read(objectKey('shop/ledger.json'), signal);
  expect(await readLedger(vault, shop, signal)).toEqual({ ledger: { ...ledger, revision: 1 }, version });
});

test.each([
  ['text', '"a text"'],
  ['null', 'null'],
  ['a number', '7'],
  ['no JSON', '{"version": 1,'],
  ['one without a version', '{"backups": []}'],
])('a ledger that is %s is lost, and its place is named', async (_, text) => {
  await vault.putIfAbsent(objectKey('shop/ledger.json'), Buffer.from(text), {}, signal);

  expect(await readLedger(vault, shop, signal)).toEqual({
    version: expect.any(String),
    lost: 'memory/shop/ledger.json could not be understood',
  });
});

test('a ledger of a newer Nightjar is refused, with what to do', async () => {
  await put('shop/ledger.json', { version: 2 });

  await expect(readLedger(vault, shop, signal)).rejects.toMatchObject({
    code: 'vault-failed',
    message: 'memory/shop/ledger.json was written by a newer Nightjar',
    hint: 'use that one here, too',
  });
});

test('a ledger is written without white space, as its next revision', async () => {
  const { version } = await readLedger(vault, shop, signal);
  expect(await writeLedger(vault, shop, { ...ledger, revision: 4 }, { version }, signal)).toBe(5);

  expect(await textOf('shop/ledger.json')).toBe(JSON.stringify({ ...ledger, revision: 5 }));
});

const adding = (revisions: [string, number][], on = vault) => addToLedgerIndex(on, new Map(revisions), signal);

test('the index knows each source’s newest revision, in the order of names', async () => {
  await adding([
    ['shop', 3],
    ['crm', 1],
  ]);
  await adding([
    ['shop', 2],
    ['crm', 4],
    ['app', 0],
  ]);

  const sources = [
    ['app', 0],
    ['crm', 4],
    ['shop', 3],
  ];
  expect(await jsonOf('ledger.json')).toEqual({ version: 1, sources });
  expect([...(await readLedgerIndex(vault, signal))]).toEqual(sources);
});

test('an index of before revisions names sources alone; one that can’t be understood names none', async () => {
  await put('ledger.json', { version: 1, sources: ['shop', ['crm', 2]] });
  expect([...(await readLedgerIndex(vault, signal))]).toEqual([
    ['shop', 0],
    ['crm', 2],
  ]);

  await overwrite(vault, objectKey('ledger.json'), 'torn');
  expect([...(await readLedgerIndex(vault, signal))]).toEqual([]);
});

test('whoever is overtaken while adding to the index adds again, twenty times in all; a refusal ends it', async () => {
  const late = refusing(Array.from({ length: 19 }, () => taken));
  await adding([['shop', 1]], late.vault);
  const always = refusing(Array.from({ length: 40 }, () => taken));
  await expect(adding([['shop', 2]], always.vault)).rejects.toBe(taken);
  const closed = refusing([denied, denied]);
  await expect(adding([['shop', 2]], closed.vault)).rejects.toBe(denied);

  expect([late.tries(), always.tries(), closed.tries()]).toEqual([20, 20, 1]);
  expect(await jsonOf('ledger.json')).toMatchObject({ sources: [['shop', 1]] });
});

test('what the index knows already is not written again', async () => {
  await adding([['shop', 2]], vault);
  const untouched = refusing([taken]);
  await adding([['shop', 2]], untouched.vault);
  await adding([['shop', 1]], untouched.vault);
  expect(untouched.tries()).toBe(0);
});

const main = 'main' as SourceName;
const serverKnown = { version: 1 as const, name: 'main', at: noon.toISOString(), databases: [], untold: [] };

test('what is known of a whole server is an object of its own; what is none, or another server’s, is believed of nobody', async () => {
  expect(await readServer(vault, main, signal)).toBeUndefined();
  await editServer(vault, main, (before) => before ?? serverKnown, signal);
  expect(await jsonOf('.servers/main.json')).toEqual(serverKnown);
  expect(await readServer(vault, main, signal)).toEqual(serverKnown);

  for (const [name, document] of [
    ['other', serverKnown],
    ['odd', { name: 'odd' }],
  ] as const) {
    await put(`.servers/${name}.json`, document);
    await expect(readServer(vault, name as SourceName, signal)).rejects.toMatchObject({ code: 'vault-failed' });
  }
});

test('of two that look at a server at once, the second goes by what the first has written', async () => {
  const busy = refusing([taken]);

  await editServer(busy.vault, main, (before) => before ?? serverKnown, signal);
  expect(busy.tries()).toBe(2);

  const without = refusing([taken, taken, taken, taken, taken]);
  await expect(editServer(without.vault, main, () => serverKnown, signal)).rejects.toMatchObject(taken);
  expect(without.tries()).toBe(5);
});
