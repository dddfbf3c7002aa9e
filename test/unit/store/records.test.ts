import { beforeEach, expect, test } from '@jest/globals';
import { BackupError } from '../../../core/domain/errors.ts';
import type { FailureCode } from '../../../core/domain/errors.ts';
import { objectKey } from '../../../core/domain/keys.ts';
import type { BackupId, SourceName } from '../../../core/domain/keys.ts';
import type { RunEvent } from '../../../core/ports.ts';
import { openStore } from '../../../core/store/store.ts';
import type { Vault } from '../../../core/vault.ts';
import { signal } from '../../support/vaults/history.ts';
import { memoryScene } from '../../support/vaults/vault.ts';

const shop = 'shop' as SourceName;
const id = '20261120T020000Z-abcdef' as BackupId;
const began = Date.parse('2026-11-20T12:00:00Z');
let now: number;
let vault: Vault;
let told: RunEvent[];
beforeEach(() => {
  ({ vault } = memoryScene());
  [now, told] = [began, []];
});

const deps = (run = '4f2a91c0') => ({
  clock: { now: () => new Date(now) },
  identity: { run, holder: 'laptop', isGone: () => false },
  report: (event: RunEvent) => void told.push(event),
});
const denied = new BackupError('vault-denied', 'the role may not write it');
const readOnly = (): Vault => ({ ...vault, putIfAbsent: () => Promise.reject(denied) });
/** What lies in the vault, by key. */
const all = async () => {
  const listed = await Array.fromAsync(vault.list('', signal));
  const read = async (key: (typeof listed)[0]['key']) =>
    JSON.parse(Buffer.from((await vault.read(key, signal)).body).toString());
  return Object.fromEntries(await Promise.all(listed.map(async ({ key }) => [key, await read(key)])));
};

const failing = (error: unknown, on = vault, explain = (thrown: unknown) => thrown) =>
  openStore(on).withFailureRecord(shop, deps(), explain, () => Promise.reject(error));

test('a run that fails leaves one record of it, under its code, and throws what it threw', async () => {
  const full = new BackupError('vault-full', 'the disk is full');

  await expect(failing(full)).rejects.toBe(full);

  expect(await all()).toEqual({
    'shop/failures/20261120T120000Z-4f2a91c0-vault-full.json': {
      run: '4f2a91c0',
      holder: 'laptop',
      at: '2026-11-20T12:00:00.000Z',
      code: 'vault-full',
    },
  });
});

test('what is recorded is what a failure stands for, and an unknown one is internal', async () => {
  const odd = new TypeError('x is no function');

  await expect(failing(odd, vault, () => new BackupError('deadline', 'the time was over'))).rejects.toBe(odd);
  await expect(failing(odd)).rejects.toBe(odd);

  expect(Object.keys(await all())).toEqual([
    'shop/failures/20261120T120000Z-4f2a91c0-deadline.json',
    'shop/failures/20261120T120000Z-4f2a91c0-internal.json',
  ]);
});

test('that another run is at work is no failure, and what goes well leaves nothing', async () => {
  await expect(failing(new BackupError('lease-held', 'another run'))).rejects.toMatchObject({ code: 'lease-held' });
  await expect(
    openStore(vault).withFailureRecord(
      shop,
      deps(),
      (error) => error,
      async () => 'made',
    ),
  ).resolves.toBe('made');

  expect(await all()).toEqual({});
});

test('a failure whose record can’t be written is told as it is', async () => {
  const full = new BackupError('vault-full', 'the disk is full');

  await expect(failing(full, readOnly())).rejects.toBe(full);
});

test('a run has failed before only if it is this very run, with this very code', async () => {
  await expect(failing(new BackupError('vault-full', 'full'))).rejects.toThrow();
  await vault.putIfAbsent(objectKey('shop/failures/a-note.txt'), Buffer.from('{}'), {}, signal);
  const asking = (run: string, code: FailureCode, source = shop) =>
    openStore(vault).hasFailed(source, { run, code }, signal);

  expect(await asking('4f2a91c0', 'vault-full')).toBe(true);
  expect(await asking('4f2a91c1', 'vault-full')).toBe(false);
  expect(await asking('4f2a91c0', 'vault-denied')).toBe(false);
  expect(await asking('4f2a91c0', 'vault-full', 'shop2' as SourceName)).toBe(false);
});

type Judged = { compared: string; differences: string[] } | undefined;
const proving = (judged: Judged, work: () => Promise<string> = async () => 'read', on = vault) =>
  openStore(on).withProofRecord(
    'verify',
    { source: shop, id },
    deps(),
    async () => {
      now += 1500;
      return work();
    },
    () => judged,
  );
const record = (outcome: string, found: object) => ({
  [`shop/${id}/proofs/20261120T120001Z-verify-${outcome}.json`]: {
    kind: 'verify',
    outcome,
    at: '2026-11-20T12:00:01.500Z',
    ms: 1500,
    ...found,
  },
});

test('a proof is written down as passed where nothing differs, and as failed where something does', async () => {
  const found = { compared: '3 parts', differences: [] as string[] };
  await expect(proving(found)).resolves.toBe('read');
  expect(await all()).toEqual(record('passed', found));

  now = began;
  const differing = { compared: '3 parts', differences: ['orders: 1 row is missing'] };
  await expect(proving(differing)).resolves.toBe('read');

  expect(await all()).toEqual({ ...record('passed', found), ...record('failed', differing) });
  expect(told).toEqual([]);
});

test('where nothing was compared, nothing is written down', async () => {
  await expect(proving(undefined)).resolves.toBe('read');

  expect(await all()).toEqual({});
});

test.each(['part-corrupt', 'object-missing', 'manifest-invalid', 'proof-failed'] as const)(
  'a proof that ends with %s speaks against the backup',
  async (code) => {
    const error = new BackupError(code, 'it is not what it was');
    const manifest = { [`shop/${id}/manifest.json`]: {} };
    await vault.putIfAbsent(objectKey(`shop/${id}/manifest.json`), Buffer.from('{}'), {}, signal);

    await expect(proving({ compared: '', differences: [] }, () => Promise.reject(error))).rejects.toBe(error);

    expect(await all()).toEqual({
      ...manifest,
      ...record('failed', { compared: 'ended early', differences: ['it is not what it was'] }),
    });
  },
);

test('a backup that is removed while it is read is missing, and nothing is written beside it', async () => {
  const error = new BackupError('object-missing', 'memory/data is not there; what was restored is dropped again');

  await expect(proving(undefined, () => Promise.reject(error))).rejects.toMatchObject({
    code: 'backup-missing',
    message: expect.stringMatching(/was removed from .* while it was read: .* dropped again$/),
    hint: 'see what there is: nightjar list shop',
  });

  expect(await all()).toEqual({});
});

test('a proof that could not be made says nothing of the backup', async () => {
  for (const error of [new BackupError('vault-unreachable', 'no answer'), new Error('no memory')])
    await expect(proving(undefined, () => Promise.reject(error))).rejects.toBe(error);

  expect(await all()).toEqual({});
});

test('a proof whose record can’t be kept is one all the same, with a warning; of the same second one record is enough', async () => {
  const found = { compared: '3 parts', differences: [] };
  await expect(proving(found, undefined, readOnly())).resolves.toBe('read');
  expect(told).toEqual([
    { type: 'warning', message: 'the record of this verify could not be kept: the role may not write it' },
  ]);

  for (const _ of ['first', 'second']) {
    [now, told] = [began, []];
    await expect(proving(found)).resolves.toBe('read');
    expect(told).toEqual([]);
  }
});

test('the word of a removal stays that of whoever began it, and one that can’t be written stops it', async () => {
  const removing = (reason: string, on = vault) =>
    openStore(on).recordRemoval(shop, id, { reason, by: 'maria' }, deps(), signal);
  await expect(removing('private', readOnly())).rejects.toBe(denied);
  expect(await all()).toEqual({});

  await removing('a customer’s data');
  now += 5000;
  await removing('again');

  expect(Object.values(await all())).toEqual([
    { id, reason: 'a customer’s data', by: 'maria', at: '2026-11-20T12:00:00.000Z', run: '4f2a91c0' },
  ]);
});

test('a start that was recorded in this second already is no warning, one that can’t be is, and a stop is a stop', async () => {
  const starting = (on = vault, stop = signal) =>
    openStore(on).recordStart({ name: shop }, id, undefined, deps(), stop);
  await starting();
  await starting();
  expect(told).toEqual([]);
  expect(Object.values(await all())).toEqual([
    { id, run: '4f2a91c0', holder: 'laptop', start: '2026-11-20T02:00:00.000Z' },
  ]);

  await starting(readOnly());
  expect(told).toEqual([
    { type: 'warning', message: 'that this backup has begun could not be recorded: the role may not write it' },
  ]);
  const over = AbortSignal.abort(new BackupError('deadline', 'the time is over'));
  await expect(starting(vault, over)).rejects.toMatchObject({ code: 'deadline' });
});

const request = {
  source: shop,
  request: '0123456789abcdef',
  named: true,
  isDone: (result: string) => result === 'done',
};
const carryingOut = (work: () => Promise<string>, { run = 'first', on = vault, named = true } = {}) =>
  openStore(on).carryOutOnce({ ...request, named }, deps(run), work, signal);
const minutes = (count: number) => count * 60_000;

test('each step of a request is written down, with the run and what it answered', async () => {
  await carryingOut(async () => 'half');
  now += 1000;
  await carryingOut(async () => 'done', { run: 'second' });

  const at = ['2026-11-20T12:00:00.000Z', '2026-11-20T12:00:01.000Z'];
  expect(await all()).toEqual({
    'shop/restores/0123456789abcdef-1-begun.json': { at: at[0], run: 'first' },
    'shop/restores/0123456789abcdef-1-failed.json': { at: at[0], run: 'first', result: 'half' },
    'shop/restores/0123456789abcdef-2-begun.json': { at: at[1], run: 'second' },
    'shop/restores/0123456789abcdef-2-done.json': { at: at[1], run: 'second', result: 'done' },
  });
  await expect(carryingOut(async () => 'never', { run: 'third' })).resolves.toEqual({
    before: { at: at[1], run: 'second', result: 'done' },
  });
});

test('a request that is at work is told for fifteen minutes, and then that its end is not known', async () => {
  const error = new BackupError('proof-failed', 'it differs');
  await expect(carryingOut(() => Promise.reject(error))).rejects.toBe(error);
  const onceMore = 'To have it done once more, add "request" with a word of your own to the event.';
  const again = () => carryingOut(async () => 'done', { run: 'second' });

  now = began + minutes(15) - 1;
  await expect(again()).rejects.toMatchObject({
    code: 'lease-held',
    message: 'this very request is being carried out by run first since 2026-11-20T12:00:00.000Z',
    hint: `wait for it to end. ${onceMore}`,
  });
  now += 1;
  await expect(again()).rejects.toMatchObject({
    code: 'input-invalid',
    message:
      'run first has begun this very request at 2026-11-20T12:00:00.000Z and did not end well: ' +
      'it may have replaced the database; nothing was done now',
    hint: `look what the database holds. ${onceMore}`,
  });
});

test('an event without a word of its own is the same request for twelve hours, to the millisecond', async () => {
  const asking = (run: string) => carryingOut(async () => 'done', { run, named: false });
  await asking('first');

  now = began + minutes(12 * 60) - 1;
  expect(await asking('second')).toHaveProperty('before.run', 'first');
  now += 1;
  expect(await asking('third')).toEqual({ result: 'done' });
});

test('a record that can’t be read is told with its place, and nothing is done', async () => {
  const key = 'shop/restores/0123456789abcdef-1-begun.json' as Parameters<Vault['read']>[0];
  await vault.putIfAbsent(key, Buffer.from('{"at":"noon"}'), {}, signal);

  await expect(carryingOut(async () => 'done')).rejects.toMatchObject({
    code: 'input-invalid',
    message: `memory/${key}, the record of this request, can't be read`,
    hint: expect.stringMatching(/^look what the database holds\. To have it done once more/),
  });
  expect(Object.keys(await all())).toEqual([key]);
});

test('a request that can’t be recorded is not carried out, and one whose end can’t be is a warning', async () => {
  let works = 0;
  const work = async () => {
    works += 1;
    return 'done';
  };
  await expect(carryingOut(work, { on: readOnly() })).rejects.toBe(denied);
  expect(works).toBe(0);

  const endless: Vault = {
    ...vault,
    putIfAbsent: (key, ...rest) =>
      key.endsWith('-done.json') ? Promise.reject(denied) : vault.putIfAbsent(key, ...rest),
  };
  await expect(carryingOut(work, { on: endless })).resolves.toEqual({ result: 'done' });
  expect([works, told]).toEqual([
    1,
    [{ type: 'warning', message: 'how this request ended could not be recorded: the role may not write it' }],
  ]);
});
