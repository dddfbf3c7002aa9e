import { beforeEach, describe, expect, test } from '@jest/globals';
import { BackupError } from '../../../core/domain/errors.ts';
import type { FailureCode } from '../../../core/domain/errors.ts';
import { objectKey } from '../../../core/domain/keys.ts';
import type { BackupId, SourceName } from '../../../core/domain/keys.ts';
import { ledgerKey, manifestKey, partKey } from '../../../core/domain/layout/places.ts';
import { openStore } from '../../../core/store/store.ts';
import { survey } from '../../../core/survey/survey.ts';
import { surveyVault } from '../../../core/survey/survey-vault.ts';
import type { Vault } from '../../../core/vault.ts';
import { emptyState, memoryVault } from '../../support/vaults/memory-vault.ts';
import type { MemoryState, Turn } from '../../support/vaults/memory-vault.ts';
import { before, hourMs, shop, watching } from '../../support/vaults/seen.ts';
import { storeBackup } from '../../support/vaults/stored.ts';
import { limit } from '../../support/vaults/vault.ts';

const noon = new Date('2026-11-22T12:00:00Z');
const index = objectKey('ledger.json');
let state: MemoryState;
let asked: [call: string, key: string][];
let fails: (call: Parameters<Turn>[0], key: string) => unknown;
let vault: Vault;

beforeEach(() => {
  state = emptyState();
  asked = [];
  fails = () => undefined;
  vault = memoryVault(state, {
    now: () => noon,
    turn: async (call, key) => {
      asked.push([call, key]);
      const failure = fails(call, key);
      if (failure !== undefined) throw failure;
    },
  });
});
const failing = (calls: string[], part: string, code: FailureCode, hint?: string) => {
  fails = (call, key) =>
    calls.includes(call) && key.includes(part) ? new BackupError(code, `${key}: no`, { hint }) : undefined;
};
const writes = ['putIfAbsent', 'putIfUnchanged'];
const made = (name: string, hours = 1) => storeBackup(vault, name, before(noon, hours * hourMs));
const look = (names: string[], { whole = true, remember = true, signal = limit(), schedule = '' } = {}) => {
  asked.length = 0;
  const watched = names.map((name) => ({
    ...watching(schedule === '' ? {} : { schedule, limit: { schedule } }),
    source: name as SourceName,
  }));
  return surveyVault(watched, whole, { store: openStore(vault), at: noon, remember }, signal);
};
const count = (calls: string[], key: string) => asked.filter(([call, of]) => calls.includes(call) && of === key).length;
const told = async (names: string[]) =>
  (await look(names)).forgotten.map((one) => [
    (one as BackupError).code,
    (one as BackupError).message,
    (one as BackupError).hint,
  ]);

describe('what is remembered', () => {
  test('is written once, and not again while nothing changes; who only looks writes nothing', async () => {
    for (const name of ['shop', 'blog']) await made(name);
    const keys = [index, ledgerKey(shop)];
    await look(['shop', 'blog'], { remember: false });
    expect(keys.map((key) => state.objects.has(key))).toEqual([false, false]);

    await look(['shop', 'blog']);
    expect(keys.map((key) => state.objects.has(key))).toEqual([true, true]);
    expect(await openStore(vault).readLedgerIndex(limit())).toEqual(
      new Map([
        ['blog', 1],
        ['shop', 1],
      ]),
    );

    await look(['shop', 'blog']);
    expect(keys.map((key) => count(writes, key))).toEqual([0, 0]);
    await made('shop', 0.5);
    await look(['shop', 'blog']);
    expect([
      count(writes, index),
      count(writes, ledgerKey(shop)),
      count(writes, ledgerKey('blog' as SourceName)),
    ]).toEqual([1, 1, 0]);
    expect(await openStore(vault).readLedgerIndex(limit())).toEqual(
      new Map([
        ['blog', 1],
        ['shop', 2],
      ]),
    );
  });

  test('is missed where it is gone, or is older than it was', async () => {
    await made('shop');
    await look(['shop']);
    const old = state.objects.get(ledgerKey(shop))!;
    await made('shop', 0.5);
    await look(['shop']);

    state.objects.set(ledgerKey(shop), old);
    const [older] = (await look(['shop'], { remember: false })).judgements;
    expect(JSON.stringify(older!.findings)).toContain('an older state of it was put back');
    state.objects.delete(ledgerKey(shop));
    const [gone] = (await look(['shop'], { remember: false })).judgements;
    expect(JSON.stringify(gone!.findings)).toContain('it is gone');
    state.objects.delete(index);
    expect((await look(['shop'], { remember: false })).judgements[0]!.findings).toEqual([]);
  });

  test('since when a schedule is known is in it', async () => {
    await made('shop');
    await look(['shop'], { schedule: '0 2 * * *' });
    const { ledger } = await openStore(vault).readLedger(shop, limit());
    expect(ledger!.expected).toMatchObject({
      plan: expect.stringContaining('0 2 * * *'),
      since: before(noon, hourMs).toISOString(),
    });
    await look(['shop'], { schedule: '0 2 * * *' });
    expect(count(writes, ledgerKey(shop))).toBe(0);
    await look(['shop']);
    expect((await openStore(vault).readLedger(shop, limit())).ledger).not.toHaveProperty('expected');
  });

  test('and can’t be written is told once, whatever of how many sources; the check judges all the same', async () => {
    for (const name of ['shop', 'blog', 'wiki']) await made(name);
    const hint = 'the check writes ledger.json at the top of the vault and in the folder of each source';
    const denied = (of: string, more = '') => ['vault-denied', `what was seen can't be remembered: ${of}: no${more}`];

    failing(writes, 'shop/ledger', 'vault-denied');
    expect(await told(['shop'])).toEqual([[...denied('shop/ledger.json'), hint]]);
    failing(writes, '/ledger', 'vault-denied', 'ask');
    const [two] = await told(['shop', 'blog']);
    expect(two).toEqual(['vault-denied', expect.stringMatching(/: no, and 1 more source$/), 'ask']);
    expect((await told(['shop', 'blog', 'wiki']))[0]![1]).toMatch(/: no, and 2 more sources$/);
    failing(['read'], index, 'vault-denied');
    expect(await told(['shop'])).toEqual([[...denied(index), hint]]);
    failing(writes, index, 'vault-denied');
    state.objects.delete(index);
    expect(await told(['shop'])).toEqual([[...denied(index), hint]]);
    fails = (call, key) => (writes.includes(call) && key === index ? new TypeError('a defect') : undefined);
    expect(await told(['shop'])).toEqual([['internal', "what was seen can't be remembered: a defect", hint]]);
    expect((await look(['shop'])).judgements[0]!.state).toBe('fresh');
    expect(count(['read'], index)).toBeGreaterThan(0);
    await look([]);
    expect(count(['read'], index)).toBe(0);
  });

  test('while another check writes, is looked at again: three times, and not for ever', async () => {
    await made('shop');
    failing(writes, 'shop/ledger', 'object-exists');
    expect((await told(['shop']))[0]![0]).toBe('object-exists');
    expect(count(writes, ledgerKey(shop))).toBe(3);

    let left = 1;
    fails = (call, key) =>
      writes.includes(call) && key.includes('shop/ledger') && (left -= 1) >= 0
        ? new BackupError('object-exists', 'no')
        : undefined;
    expect(await told(['shop'])).toEqual([]);
    expect(count(writes, ledgerKey(shop))).toBe(2);
  });

  test('is no matter for who is stopped', async () => {
    await made('shop');
    const stop = new AbortController();
    fails = (call, key) => (writes.includes(call) && key.includes('ledger') ? stop.abort() : undefined);

    await expect(look(['shop'], { signal: stop.signal })).rejects.toMatchObject({ code: 'aborted' });
  });
});

describe('a vault of which nothing can be read', () => {
  test('is told as that where no source could be, and not where one could', async () => {
    await made('shop');
    await made('blog');
    await look(['shop', 'blog']);
    const unread = { why: expect.stringMatching(/shop\/ledger.json: no \(vault-denied\)$/), hint: 'ask' };

    failing(['read'], 'shop/ledger', 'vault-denied', 'ask');
    expect((await look(['shop'])).vault).toEqual(unread);
    expect((await look(['shop'], { whole: false })).vault).toBeUndefined();
    expect((await look(['shop', 'blog'])).vault).toBeUndefined();
    expect((await look(['shop', 'never'])).vault).toEqual(unread);
    await made('first');
    expect((await look(['shop', 'first'], { remember: false })).vault).toBeUndefined();
    expect((await look(['never'])).vault).toBeUndefined();
    failing(['list'], '', 'vault-unreachable');
    const ofNone = await look(['shop', 'blog']);
    expect(ofNone).toMatchObject({ unconfigured: [], vault: { why: ': no (vault-unreachable)' } });
    expect(ofNone.judgements.map(({ standing, state }) => [standing.source, state])).toEqual([
      ['shop', 'unknown'],
      ['blog', 'unknown'],
    ]);
    expect((await look(['shop'], { whole: false })).vault).toBeUndefined();
  });
});

test('of a source that is not configured, the newest is that of no wrong clock, and old after 25 hours', async () => {
  const old = await made('old', 25.01);
  const young = await made('young', 25);
  const [, due] = [await made('early', 3), await made('early', -1 / 12), await made('early', -0.1)];
  const [, , far] = [await made('future', -1), await made('future', -2), await made('future', -3)];

  const { unconfigured } = await look(['shop']);

  expect(Object.fromEntries(unconfigured.map((one) => [one.source, [one.newest, one.count, one.old]]))).toEqual({
    old: [old, 1, true],
    young: [young, 1, false],
    early: [due, 3, false],
    future: [far, 3, false],
  });
});

describe('a listing is read once more', () => {
  const memory = { ...watching().watch, timeZone: 'UTC', retention: { count: 9 } };
  const surveyed = async (meanwhile: () => unknown = () => undefined, forgiving?: (error: unknown) => void) => {
    const store = openStore(vault);
    const listed = await store.listSource(shop, limit());
    await meanwhile();
    asked.length = 0;
    const seen = await survey(listed, { memory, at: noon, ...(forgiving && { forgiving }) }, store, limit());
    return { seen, again: asked.some(([call]) => call === 'list') };
  };
  const remembered = async () => {
    const { seen } = await surveyed();
    await openStore(vault).writeLedger(shop, seen.ledger, seen.before, limit());
  };
  const ids = async () =>
    [await made('shop', 50), await made('shop', 26), await made('shop', 2)] as [BackupId, BackupId, BackupId];
  const gone = async (id: BackupId) => {
    for (const key of [...state.objects.keys()].filter((one) => one.includes(id))) state.objects.delete(key);
  };

  test('where a backup goes meanwhile, is gone, or has lost a part; not where that is known, or all is as it was', async () => {
    const [first, second, third] = await ids();
    expect((await surveyed()).again).toBe(false);
    const { seen, again } = await surveyed(() => gone(first));
    expect([again, seen.history.backups.map(({ id }) => id)]).toEqual([true, [second, third]]);
    await remembered();
    expect((await surveyed()).again).toBe(false);

    state.objects.delete(partKey(shop, third, 'data/0001.sql.zst'));
    expect((await surveyed()).again).toBe(true);
    await remembered();
    expect((await surveyed()).again).toBe(false);

    await gone(second);
    expect((await surveyed()).again).toBe(true);
    await remembered();
    expect((await surveyed()).again).toBe(false);
    await made('shop', 1);
    expect((await surveyed()).again).toBe(false);
  });

  test('what was remembered and can’t be read is an error, but for who asks to go on without', async () => {
    await ids();
    await remembered();
    failing(['read'], 'ledger', 'vault-denied');
    await expect(surveyed()).rejects.toMatchObject({ code: 'vault-denied' });

    const forgiven: unknown[] = [];
    const { seen } = await surveyed(undefined, (error) => forgiven.push(error));
    expect([seen.verdict.backups.length, seen.verdict.newest !== undefined]).toEqual([3, true]);
    expect(forgiven).toEqual([expect.objectContaining({ code: 'vault-denied' })]);
    expect(manifestKey(shop, seen.verdict.newest!.id)).toContain('manifest.json');
  });
});
