import { beforeEach, expect, test } from '@jest/globals';
import { backup } from '../../../core/commands/backup.ts';
import { abortError, BackupError } from '../../../core/domain/errors.ts';
import type { FailureCode } from '../../../core/domain/errors.ts';
import type { BackupId, SourceName } from '../../../core/domain/keys.ts';
import { leaseKey } from '../../../core/domain/layout/places.ts';
import { removalKey } from '../../../core/domain/layout/records.ts';
import type { Judgement } from '../../../core/domain/watch/freshness.ts';
import { newSigningKey } from '../../../core/signing.ts';
import { openStore } from '../../../core/store/store.ts';
import { rememberFound } from '../../../core/survey/remember-found.ts';
import { surveyCopies } from '../../../core/survey/survey-copies.ts';
import { surveyVault } from '../../../core/survey/survey-vault.ts';
import type { Vault } from '../../../core/vault.ts';
import { signedStore } from '../../support/keys/signed.ts';
import { emptyState, memoryVault } from '../../support/vaults/memory-vault.ts';
import type { MemoryState, Turn } from '../../support/vaults/memory-vault.ts';
import { before, hourMs, shop, watching } from '../../support/vaults/seen.ts';
import { storeBackup } from '../../support/vaults/stored.ts';
import { depsOf, limit, overwrite } from '../../support/vaults/vault.ts';
import { toyEngine, toySource } from '../../support/worlds/toy-engine.ts';

// What a check reads, and what it writes down.
const noon = new Date('2026-11-22T12:00:00Z');
const ours = newSigningKey();
const signing = { publicKeys: [ours.publicKey], privateKey: ours.privateKey };
let state: MemoryState;
let read: string[];
let fails: Partial<Record<Parameters<Turn>[0], (key: string) => unknown>>;
let vault: Vault;

beforeEach(() => {
  state = emptyState();
  [read, fails] = [[], {}];
  vault = memoryVault(state, {
    now: () => noon,
    turn: async (call, key) => {
      if (call === 'read') read.push(key);
      const failure = fails[call]?.(key);
      if (failure !== undefined) throw failure;
    },
  });
});
const failure = (code: FailureCode) => new BackupError(code, code, { hint: 'ask' });
const on = (part: string, code: FailureCode) => (key: string) => (key.includes(part) ? failure(code) : undefined);

const watched = (names = ['shop']) =>
  names.map((name) => ({ ...watching(), retention: { count: 9 }, source: name as SourceName }));
const look = async ({ store = openStore(vault), names = ['shop'], whole = true, remember = true, at = noon } = {}) => {
  read.length = 0;
  return surveyVault(watched(names), whole, { store, at, remember }, limit());
};
const kinds = ({ judgements }: { judgements: Judgement[] }) =>
  judgements.flatMap(({ findings }) => findings.map(({ kind }) => kind));

async function signedBackups(): Promise<BackupId[]> {
  const engine = toyEngine(new Map([['shop', { orders: ['1'] }]]), 'shop');
  const ids: string[] = [];
  for (const day of [18, 19, 20, 21, 22]) {
    const clock = { now: () => new Date(Date.UTC(2026, 10, day, 2)) };
    ids.push(
      (await backup(toySource(engine), { ...depsOf(vault), store: signedStore(vault, signing), clock }, limit())).id,
    );
  }
  return ids as BackupId[];
}
const wordOf = (id: BackupId, from: string) =>
  vault.putIfAbsent(
    removalKey(shop, id),
    Buffer.from(JSON.stringify({ source: 'shop', id, reason: from })),
    {},
    limit(),
  );

test('of signed backups, the words of removals are read that would hide one which is gone, and no others', async () => {
  const [first, second] = (await signedBackups()) as [BackupId, BackupId];
  const store = () => signedStore(vault, { publicKeys: signing.publicKeys });
  await look({ store: store() });
  const never = '20261101T020000Z-abcdef' as BackupId;
  for (const id of [first, second, never]) await wordOf(id, 'a thief');
  const wordKeys = [first, second, never].map((id) => String(removalKey(shop, id)));
  const readWords = () => read.filter((key) => wordKeys.includes(key));

  await look({ store: store() });
  expect(readWords()).toEqual([]);

  for await (const { key } of vault.list(`shop/${first}/`, limit())) await vault.delete(key, limit());
  const { judgements } = await look({ store: store() });
  expect(readWords()).toContain(wordKeys[0]);
  expect(readWords()).not.toContain(wordKeys[1]);
  expect(readWords()).not.toContain(wordKeys[2]);
  expect(kinds({ judgements })).toEqual(['gone']);
});

test('where nothing is signed, words of removals are believed as they are listed', async () => {
  const first = await storeBackup(vault, 'shop', before(noon, 40 * hourMs));
  await storeBackup(vault, 'shop', before(noon, hourMs));
  await look();
  await wordOf(first, 'meant');
  for await (const { key } of vault.list(`shop/${first}/`, limit())) await vault.delete(key, limit());

  expect(kinds(await look())).toEqual([]);
  expect(read).not.toContain(String(removalKey(shop, first)));
});

test('a lease that may not be read is no finding, and hides none; one too large for a lease is one', async () => {
  await storeBackup(vault, 'shop', before(noon, 30 * hourMs));
  await overwrite(vault, leaseKey(shop), '{');
  fails = { read: on('lease.json', 'vault-denied') };
  const [judged] = (await look({ remember: false })).judgements;
  expect(judged!.state).toBe('stale');
  expect(kinds({ judgements: [judged!] })).not.toContain('lease-stuck');

  fails = { read: on('lease.json', 'object-too-large') };
  expect(kinds(await look({ remember: false }))).toContain('lease-stuck');
  fails = { read: (key) => (key.includes('lease.json') ? new TypeError('a defect') : undefined) };
  await expect(look({ remember: false })).rejects.toThrow('a defect');
});

test('a lease that is gone is not read; one of a source without backups is no reason to remember anything', async () => {
  await overwrite(vault, leaseKey(shop), JSON.stringify({ run: 'r', holder: 'h', until: new Date(0).toISOString() }));
  await look();
  expect([...state.objects.keys()]).toEqual([leaseKey(shop)]);

  await storeBackup(vault, 'shop', before(noon, hourMs));
  await look();
  await look();
  expect(read).not.toContain(leaseKey(shop));
  await vault.delete(leaseKey(shop), limit());
  await look();
  expect(read).not.toContain(leaseKey(shop));
});

const found = (source: string, moment = '2026-11-22T02:00:00.000Z', plan = 'plan') =>
  ({ standing: { source }, expectation: { memory: { plan }, found: moment } }) as unknown as Judgement;

test('what was found is written where the plan is the same and nothing newer is known; what fails is told once', async () => {
  const store = openStore(vault);
  const expected = { plan: 'plan', since: noon.toISOString() };
  for (const source of ['shop', 'blog'] as SourceName[])
    await store.writeLedger(source, { version: 1, backups: [], expected }, { version: undefined }, limit());
  const known = async (source: string) => (await store.readLedger(source as SourceName, limit())).ledger;
  const remember = (...judgements: Judgement[]) => rememberFound(judgements, store, limit());

  expect(await remember(found('shop'), { standing: { source: 'blog' } } as Judgement, found('none'))).toEqual([]);
  expect(await known('shop')).toMatchObject({
    revision: 2,
    expected: { ...expected, found: '2026-11-22T02:00:00.000Z' },
  });
  expect(await known('none')).toBeUndefined();

  // the same again, an older one, and one of another plan
  for (const one of [found('shop'), found('shop', '2026-11-21T02:00:00.000Z'), found('shop', undefined, 'other')])
    expect(await remember(one)).toEqual([]);
  expect(await known('shop')).toMatchObject({ revision: 2 });
  await remember(found('shop', '2026-11-22T03:00:00.000Z'));
  expect(await known('shop')).toMatchObject({ revision: 3, expected: { found: '2026-11-22T03:00:00.000Z' } });

  const next = [found('shop', '2026-11-22T04:00:00.000Z'), found('blog')];
  fails = { putIfUnchanged: on('ledger.json', 'object-exists') };
  expect(await remember(...next)).toEqual([]);
  fails = { putIfUnchanged: on('ledger.json', 'vault-denied') };
  expect(await remember(...next)).toEqual([failure('vault-denied')]);
  fails = { putIfUnchanged: () => new TypeError('a defect') };
  await expect(remember(...next)).rejects.toThrow('a defect');
});

test('who is stopped while that is written is stopped', async () => {
  const store = openStore(vault);
  const stop = new AbortController();
  fails = {
    read: () => {
      stop.abort();
      return abortError(stop.signal);
    },
  };

  await expect(rememberFound([found('shop')], store, stop.signal)).rejects.toMatchObject({ code: 'aborted' });
});

const withCopies = (copies: Record<string, string[]>) =>
  Object.entries(copies).map(([name, vaults]) => ({
    ...watching(),
    source: name as SourceName,
    copies: vaults.map((one) => ({ vault: one })),
  }));

test('a source is looked for in the vaults that it is copied to, and in no other', async () => {
  for (const name of ['shop', 'blog', 'alone']) await storeBackup(vault, name, before(noon, 5 * hourMs));
  const sources = [...withCopies({ shop: ['nas', 'away'], blog: ['nas'], empty: ['nas'] }), ...watched(['alone'])];
  const seen = await surveyVault(sources, false, { store: openStore(vault), at: noon, remember: false }, limit());
  const listed: string[] = [];
  const open = async (place: string) =>
    openStore(
      memoryVault(emptyState(), {
        place,
        turn: async (call, key) => void (call === 'list' && listed.push(`${place} ${key}`)),
      }),
    );

  const { further, judgements } = await surveyCopies(seen, sources, { vault: open }, limit());

  expect([...new Set(listed)].toSorted()).toEqual(['away shop/', 'nas blog/', 'nas empty/', 'nas shop/']);
  expect(further).toEqual(['nas', 'away'].map((name) => ({ name, place: name })));
  expect(judgements.map(({ copies }) => copies?.map(({ vault: name, state: is }) => `${name} ${is}`))).toEqual([
    ['nas fresh', 'away fresh'],
    ['nas fresh'],
    ['nas unknown'],
    undefined,
  ]);
});

test('without copies no vault is opened; where the first can’t be read, the further ones are only named', async () => {
  const open = () => Promise.reject(new Error('opened'));
  const seen = await look({ names: ['alone'] });
  expect(await surveyCopies(seen, watched(['alone']), { vault: open }, limit())).toBe(seen);

  fails = { list: on('', 'vault-unreachable') };
  const unread = await look();
  const copied = await surveyCopies(unread, withCopies({ shop: ['nas'] }), { vault: open }, limit());
  expect(copied).toEqual({ ...unread, further: [{ name: 'nas' }] });
});

test('a further vault that does not answer in time is told as that', async () => {
  await storeBackup(vault, 'shop', before(noon, hourMs));
  const sources = withCopies({ shop: ['nas'] });
  const seen = await surveyVault(sources, true, { store: openStore(vault), at: noon, remember: false }, limit());
  const silent = () => new Promise<never>(() => undefined);

  const { further } = await surveyCopies(seen, sources, { vault: silent, copiesWithinMs: 100 }, limit());

  expect(further).toEqual([
    { name: 'nas', unread: { why: 'the vault nas has not answered for 0.1 s (vault-unreachable)', hint: undefined } },
  ]);
});
