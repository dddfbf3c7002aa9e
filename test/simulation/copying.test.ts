import { isDeepStrictEqual } from 'node:util';
import { beforeAll, expect, test } from '@jest/globals';
import { BackupError, isBackupError } from '../../core/domain/errors.ts';
import type { BackupId, ObjectKey } from '../../core/domain/keys.ts';
import { manifestKey, partKey } from '../../core/domain/layout/places.ts';
import { openStore } from '../../core/store/store.ts';
import { survey } from '../../core/survey/survey.ts';
import type { Vault } from '../../core/vault.ts';
import { bytesOf, copying, copyingAll } from '../support/copying.ts';
import { drawing } from '../support/random/drawing.ts';
import { endOf } from '../support/faults/every-fault.ts';
import { faultsOf, faultyVault } from '../support/vaults/faulty-vault.ts';
import { emptyState, memoryVault } from '../support/vaults/memory-vault.ts';
import type { MemoryState } from '../support/vaults/memory-vault.ts';
import { torn, untruths } from '../support/vaults/oracle.ts';
import { shop, watching } from '../support/vaults/seen.ts';
import { overwrite } from '../support/vaults/vault.ts';
import { again, idsIn, worldAfter } from '../support/worlds/world.ts';
import type { World } from '../support/worlds/world.ts';

const tables = Object.fromEntries(Array.from({ length: 6 }, (_, index) => [`t${index}`, [`${index}`, 'more']]));
let world: World;
let id: BackupId;

beforeAll(async () => {
  world = await worldAfter([tables]);
  id = idsIn(world)[0]!;
});

const first = (): Vault => memoryVault(again(world).state, { place: 'first' });
const second = (state: MemoryState): Vault => memoryVault(state, { place: 'second' });
const whole = () => bytesOf(world.state, id);
const isWhole = (state: MemoryState) => isDeepStrictEqual(bytesOf(state, id), whole());
const wrongIn = (state: MemoryState) => [
  ...torn(state.objects),
  ...untruths(state.objects, (one) => world.truth.get(one)),
];

/** A vault of which nothing is heard any more after so many calls; the last one may have been done. */
function dyingVault(real: Vault, after: number, isDone: boolean): { vault: Vault; calls: () => number } {
  let calls = 0;
  const gone = () => new BackupError('vault-unreachable', 'the process was killed');
  const names = Object.keys(real).filter((name) => name !== 'place') as Exclude<keyof Vault, 'place' | 'name'>[];
  const wrapped = names.map((name) => {
    const run = real[name] as (...args: unknown[]) => never;
    async function once(...args: unknown[]): Promise<unknown> {
      calls += 1;
      if (calls > after || (calls === after && !isDone)) throw gone();
      const result: unknown = await run(...args);
      if (calls >= after) throw gone();
      return result;
    }
    async function* stream(...args: unknown[]): AsyncIterable<unknown> {
      calls += 1;
      if (calls >= after) throw gone();
      yield* run(...args) as AsyncIterable<unknown>;
    }
    return [name, name === 'get' || name === 'list' ? stream : once];
  });
  return { vault: { place: real.place, ...Object.fromEntries(wrapped) } as Vault, calls: () => calls };
}

test('killed at 50 random moments, a copy is whole or none, and goes on byte for byte', async () => {
  const usual = dyingVault(second(emptyState()), Number.POSITIVE_INFINITY, true);
  await copying(id, first(), usual.vault);
  const random = drawing(13);
  let spared = 0;
  for (let round = 0; round < 50; round += 1) {
    const state = emptyState();
    const after = 1 + Math.floor(random() * usual.calls());
    await endOf(copying(id, first(), dyingVault(second(state), after, random() < 0.5).vault));
    expect([round, wrongIn(state)]).toEqual([round, []]);
    state.uploads.clear();
    const there = new Set(state.objects.keys());

    const asked: string[] = [];
    const listening: Vault = { ...first(), get: (key, stop) => (asked.push(key), first().get(key, stop)) };
    await copying(id, listening, second(state));

    expect([round, bytesOf(state, id)]).toEqual([round, whole()]);
    expect(asked.filter((key) => there.has(key as ObjectKey))).toEqual([]);
    spared += [...there].filter((key) => !key.endsWith('lease.json')).length;
  }
  expect(spared).toBeGreaterThan(50);
});

test('whatever fails in either vault, the copy is whole or none, nothing is written over, and the next run completes it', async () => {
  const problems: string[] = [];
  for (const side of ['first', 'second'] as const) {
    const counting = faultyVault(side === 'first' ? first() : second(emptyState()));
    await (side === 'first' ? copying(id, counting.vault, second(emptyState())) : copying(id, first(), counting.vault));
    for (const fault of faultsOf(counting.calls)) {
      const state = emptyState();
      const stop = new AbortController();
      const strikes = { stop: () => stop.abort() };
      const [from, to] = [first(), second(state)];
      const spoilt = faultyVault(side === 'first' ? from : to, fault, strikes).vault;
      const ended = await endOf(
        side === 'first' ? copying(id, spoilt, to, stop.signal) : copying(id, from, spoilt, stop.signal),
      );
      const name = `${side} ${fault.call} ${fault.nth} ${fault.how} ${fault.code}`;
      if (ended.error !== undefined && !isBackupError(ended.error)) problems.push(`${name}: ${String(ended.error)}`);
      problems.push(...wrongIn(state).map((wrong) => `${name}: ${wrong}`));
      if (ended.error === undefined && !isWhole(state)) problems.push(`${name}: told as copied, and is not`);
      await copying(id, first(), second(state));
      if (!isWhole(state)) problems.push(`${name}: not whole after the next run`);
    }
  }
  expect(problems).toEqual([]);
});

test('a copy that is there is not brought again, and a part that it has lost is', async () => {
  const state = emptyState();
  expect(await copying(id, first(), second(state))).toMatchObject({ state: 'copied', parts: 8 });
  expect(await copying(id, first(), second(state))).toMatchObject({ state: 'there', parts: 0, bytes: 0 });

  state.objects.delete(partKey(shop, id, 'data/0003.sql.zst'));
  expect(await copying(id, first(), second(state))).toMatchObject({ state: 'copied', parts: 1 });
  expect(bytesOf(state, id)).toEqual(whole());
});

test.each([
  ['a part of the same size', 'data/0003.sql.zst', (body: Buffer) => body.fill(0)],
  ['a part of another size', 'data/0003.sql.zst', (body: Buffer) => body.subarray(1)],
])('%s with other bytes is told, and not written over', async (_, file, other) => {
  const state = emptyState();
  const key = partKey(shop, id, file);
  const body = other(Buffer.from(world.state.objects.get(key)!.body));
  await second(state).putIfAbsent(key, body, {}, AbortSignal.timeout(1000));

  await expect(copying(id, first(), second(state))).rejects.toMatchObject({
    code: 'object-exists',
    message: `second/${key} is there already, with other bytes than in first`,
  });

  expect(Buffer.compare(state.objects.get(key)!.body, body)).toBe(0);
  expect(idsIn({ ...world, state })).toEqual([]);
});

test('another backup of the same id is told, and not written over', async () => {
  const state = emptyState();
  await copying(id, first(), second(state));
  const key = manifestKey(shop, id);
  await overwrite(second(state), key, '{}');

  await expect(copying(id, first(), second(state))).rejects.toMatchObject({ code: 'object-exists' });
  expect(Buffer.from(state.objects.get(key)!.body).toString()).toBe('{}');
});

test('a backup that is damaged in the first vault is not copied', async () => {
  const damaged = first();
  await overwrite(damaged, partKey(shop, id, 'data/0003.sql.zst'), 'something else');
  const state = emptyState();

  await expect(copying(id, damaged, second(state))).rejects.toMatchObject({ code: 'part-corrupt' });
  expect(idsIn({ ...world, state })).toEqual([]);
});

/** A vault that nobody reaches. */
const down = (): Vault => {
  const vault = second(emptyState());
  const gone = () => Promise.reject(new BackupError('vault-unreachable', 'connect ETIMEDOUT'));
  return { ...vault, putIfAbsent: gone, putIfUnchanged: gone, put: gone, read: gone };
};

test('a second vault that is down for a day catches up, and the first one has all the same', async () => {
  const nights = await worldAfter([tables, tables, tables, tables]);
  const ids = idsIn(nights);
  const state = emptyState();
  const upTo = (count: number): Vault => {
    const world = again(nights);
    for (const late of ids.slice(count)) world.state.objects.delete(manifestKey(shop, late));
    return memoryVault(world.state, { place: 'first' });
  };
  const copied = async (count: number, to: Vault) => (await copyingAll(upTo(count), to)).copied.map((one) => one.id);

  expect(await copied(1, second(state))).toEqual([ids[0]]);
  await expect(copied(2, down())).rejects.toMatchObject({ code: 'vault-unreachable' });
  await expect(copied(3, down())).rejects.toMatchObject({ code: 'vault-unreachable' });
  expect(await copied(4, second(state))).toEqual([ids[3], ids[2], ids[1]]);

  expect(await copied(4, second(state))).toEqual([]);
  for (const one of ids) expect(bytesOf(state, one)).toEqual(bytesOf(nights.state, one));
});

/** A vault, and how often each of its manifests was read; a listing is one request for three objects here. */
function readsOf(real: Vault): { vault: Vault; read: string[]; listed: string[] } {
  const [read, listed]: [string[], string[]] = [[], []];
  const vault: Vault = {
    ...real,
    read: (key, signal) => {
      if (key.endsWith('manifest.json')) read.push(key);
      return real.read(key, signal);
    },
    list: (prefix, signal) => {
      listed.push(prefix);
      return real.list(prefix, signal);
    },
  };
  return { vault, read, listed };
}

/** Leaves what a check remembers of the backups that are there. */
async function checked(vault: Vault): Promise<void> {
  const [store, signal] = [openStore(vault), AbortSignal.timeout(60_000)];
  const memory = { shrink: watching().watch.shrink, timeZone: 'UTC', retention: undefined };
  const at = new Date('2026-11-29T12:00:00Z');
  const { ledger, before } = await survey(await store.listSource(shop, signal), { memory, at }, store, signal);
  await store.writeLedger(shop, ledger, before, signal);
}

test('of what a check has seen no manifest is read but to copy it, however often copies are made', async () => {
  const nights = await worldAfter([tables, tables, tables, tables]);
  const ids = idsIn(nights);
  await checked(memoryVault(nights.state));
  const state = emptyState();
  const run = async (world: World, count: number) => {
    const [from, to] = [readsOf(memoryVault(world.state, { place: 'first' })), readsOf(second(state))];
    const { copied } = await copyingAll(from.vault, to.vault, count);
    return { copied: copied.map((one) => one.id), from, to };
  };

  const begun = await run(nights, 2);
  const next = await run(nights, 2);
  const late = await run(nights, 3);

  expect(begun.copied).toEqual([ids[3], ids[2]]);
  expect(begun.to.read).toEqual([]);
  expect(begun.from.read.filter((key) => key.includes(ids[0]!) || key.includes(ids[1]!))).toEqual([]);
  expect(next).toEqual({
    copied: [],
    from: { vault: expect.anything(), read: [], listed: ['shop/'] },
    to: { vault: expect.anything(), read: [], listed: ['shop/'] },
  });
  expect(late.copied).toEqual([ids[1]]);
  expect(new Set(late.from.read)).toEqual(new Set([manifestKey(shop, ids[1]!)]));
  expect(late.to.read).toEqual([]);
});

test('what lies beside the parts of a backup and is none of them is no reason to copy it again', async () => {
  const odd = again(world);
  const from = memoryVault(odd.state, { place: 'first' });
  await from.putIfAbsent(partKey(shop, id, 'data/0099.sql.zst'), Buffer.from('x'), {}, AbortSignal.timeout(1000));
  const state = emptyState();

  expect((await copyingAll(from, second(state))).copied).toMatchObject([{ id, state: 'copied' }]);
  expect((await copyingAll(from, second(state))).copied).toEqual([]);
  expect(bytesOf(state, id)).toEqual(whole());
});

test('a manifest of the copy that is another one is told, and left as it is', async () => {
  const state = emptyState();
  await copying(id, first(), second(state));
  const key = manifestKey(shop, id);
  const other = Buffer.from(state.objects.get(key)!.body).toString().replace('"shop"', '"shops"');
  await overwrite(second(state), key, other);

  const { copied, failures } = await copyingAll(first(), second(state));

  expect(copied).toEqual([]);
  expect(failures).toMatchObject([{ code: 'object-exists' }]);
  expect(Buffer.from(state.objects.get(key)!.body).toString()).toBe(other);
});

test('one damaged backup keeps the others from nothing, and is told', async () => {
  const nights = await worldAfter([tables, tables, tables]);
  const ids = idsIn(nights);
  const from = memoryVault(again(nights).state, { place: 'first' });
  const key = partKey(shop, ids[1]!, 'data/0003.sql.zst');
  const { body } = await from.read(key, AbortSignal.timeout(1000));
  await overwrite(from, key, 'x'.repeat(body.length));
  const state = emptyState();

  const { copied, failures } = await copyingAll(from, second(state));

  expect(copied.map((one) => one.id)).toEqual([ids[2], ids[0]]);
  expect(failures).toMatchObject([{ code: 'part-corrupt' }]);
  expect(idsIn({ ...nights, state })).toEqual([ids[0], ids[2]]);
});

test('a backup that rotation removes while it is copied is no fault', async () => {
  const nights = await worldAfter([tables, tables]);
  const ids = idsIn(nights);
  const from = memoryVault(again(nights).state, { place: 'first' });
  const rotated: Vault = {
    ...from,
    async *get(part, signal) {
      if (part.includes(ids[0]!)) {
        await from.delete(manifestKey(shop, ids[0]!), signal);
        await from.delete(part, signal);
      }
      yield* from.get(part, signal);
    },
  };
  const state = emptyState();

  expect(await copyingAll(rotated, second(state))).toMatchObject({ removed: [ids[0]], failures: [] });
  expect(idsIn({ ...nights, state })).toEqual([ids[1]]);
});

test('a signature goes with its manifest, and before it; a pin and the records of looks stay behind', async () => {
  const from = memoryVault(again(world).state, { place: 'first' });
  const put = (path: string) =>
    from.putIfAbsent(partKey(shop, id, path), Buffer.from(path), {}, AbortSignal.timeout(1000));
  for (const path of ['manifest.sig', 'pin.json', 'proofs/20261120T031500Z-verify-passed.json', 'mine.txt'])
    await put(path);
  const state = emptyState();

  await copying(id, from, second(state));

  const paths = Object.keys(bytesOf(state, id)).map((key) => key.slice(`shop/${id}/`.length));
  expect(paths.filter((path) => !path.startsWith('data/')).sort()).toEqual([
    'catalog.json.zst',
    'manifest.json',
    'manifest.sig',
    'schema.sql.zst',
  ]);
  expect(paths.slice(-2)).toEqual(['manifest.sig', 'manifest.json']);
});
