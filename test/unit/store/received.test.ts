import { createHash } from 'node:crypto';
import { beforeEach, expect, test } from '@jest/globals';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { BackupError } from '../../../core/domain/errors.ts';
import { objectKey } from '../../../core/domain/keys.ts';
import type { BackupId } from '../../../core/domain/keys.ts';
import { manifestKey } from '../../../core/domain/layout/places.ts';
import type { RunEvent } from '../../../core/ports.ts';
import { receiveBackup } from '../../../core/store/copying/receive.ts';
import { storedBackup } from '../../../core/store/copying/stored.ts';
import type { Vault } from '../../../core/vault.ts';
import { dailyIds, putBackup, signal } from '../../support/vaults/history.ts';
import { emptyState, memoryVault } from '../../support/vaults/memory-vault.ts';
import type { MemoryState } from '../../support/vaults/memory-vault.ts';
import { shop } from '../../support/vaults/seen.ts';
import { overwrite } from '../../support/vaults/vault.ts';

const signingOf = () => undefined;

// The two vaults are compared object by object.
const [id] = dailyIds(1) as [BackupId];
const [data, catalog] = ['data/0001.sql.zst', 'catalog.json.zst'];
let [there, here]: MemoryState[] = [];
let [first, second]: Vault[] = [];
let manifest: Manifest;
let events: RunEvent[];
let confirmed: number;
beforeEach(async () => {
  [there, here] = [emptyState(), emptyState()];
  [first, second] = [memoryVault(there, { place: 'first' }), memoryVault(here, { place: 'second' })];
  manifest = await putBackup(first, 'shop', id);
  await first.putIfAbsent(objectKey(`shop/${id}/manifest.sig`), Buffer.from('signed'), {}, signal);
  [events, confirmed] = [[], 0];
});

const deps = (only?: string) => ({
  report: (event: RunEvent) => void events.push(event),
  confirm: async () => void (confirmed += 1),
  ...(only !== undefined && { only: ({ file }: { file: string }) => file === only }),
});
const reading = (on = first!) => storedBackup({ vault: on, signingOf: () => undefined }, shop, id, signal);
const receiving = async (on = second!, only?: string, from = first!) =>
  receiveBackup({ vault: on, signingOf }, await reading(from), deps(only), signal);
const hexOf = ({ objects }: MemoryState) =>
  Object.fromEntries([...objects].map(([key, { body }]) => [key, Buffer.from(body).toString('hex')]).sort());
const at = (path: string) => objectKey(`shop/${id}/${path}`);
const sizeOf = (path: string) => there!.objects.get(at(path))!.body.length;
const otherBytes = (path: string) => ({
  code: 'object-exists',
  message: `second/shop/${id}/${path} is there already, with other bytes than in first`,
  hint: 'nothing was written over: look which of the two is right, and move the other one away by hand',
});

/** A vault that tells what is put into it, in order. */
function telling(put: string[], on = second!): Vault {
  return {
    ...on,
    put: (key, ...rest) => (put.push(key.slice(`shop/${id}/`.length)), on.put(key, ...rest)),
    putIfAbsent: (key, ...rest) => (put.push(key.slice(`shop/${id}/`.length)), on.putIfAbsent(key, ...rest)),
  };
}

test('a backup is read with its manifest’s bytes and what lies beside it, and no record of that vault', async () => {
  for (const path of ['pin.json', 'proofs/20261120T031500Z-verify-passed.json', 'notes.txt'])
    await first!.putIfAbsent(at(path), Buffer.from('x'), {}, signal);

  const stored = await reading();

  expect({ ...stored, open: undefined, judge: undefined }).toEqual({
    place: 'first',
    manifest,
    document: there!.objects.get(manifestKey(shop, id))!.body,
    beside: [{ path: 'manifest.sig', body: Buffer.from('signed') }],
    open: undefined,
  });
  const bytes = Buffer.concat(await Array.fromAsync(stored.open(manifest.parts[0]!, signal)));
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(manifest.parts[0]!.sha256);
});

/** The first vault, whose manifest reads so from its second reading on. */
function turning(body: () => Promise<{ body: Uint8Array; version: string }>): Vault {
  let reads = 0;
  return {
    ...first!,
    read: (key, stop) => (key === manifestKey(shop, id) && (reads += 1) > 1 ? body() : first!.read(key, stop)),
  };
}

test.each([
  ['another one', () => JSON.stringify({ ...manifest, database: 'other' })],
  ['none', () => 'torn'],
])('a manifest that reads as %s a moment later is not copied', async (_, text) => {
  const torn = turning(async () => ({ body: Buffer.from(text()), version: '2' }));

  await expect(reading(torn)).rejects.toMatchObject({
    code: 'vault-failed',
    message: `first/shop/${id}/manifest.json reads differently each time`,
    hint: 'something on the way from the vault changes data: memory, disk, proxy or network',
  });
});

test('a backup that is removed meanwhile is missing, and a vault that refuses is an error', async () => {
  const gone = turning(() => Promise.reject(new BackupError('object-missing', 'gone')));
  const missing = { code: 'backup-missing', message: `no backup of shop in first: ${id} was removed a moment ago` };
  await expect(reading(gone)).rejects.toMatchObject(missing);

  const denied = new BackupError('vault-denied', 'you may not');
  await expect(reading(turning(() => Promise.reject(denied)))).rejects.toBe(denied);
});

test('a backup comes whole: parts, signature, then the manifest, byte for byte and tagged', async () => {
  const put: string[] = [];

  const received = await receiving(telling(put));

  const bytes = sizeOf(data!) + sizeOf(catalog!);
  expect(received).toEqual({ state: 'copied', parts: 2, bytes });
  expect(hexOf(here!)).toEqual(hexOf(there!));
  expect(put.slice(2)).toEqual(['manifest.sig', 'manifest.json']);
  expect(confirmed).toBe(1);
  const tags = { 'nightjar-tier': 'yearly', 'nightjar-tiers': 'daily-weekly-monthly-yearly' };
  expect([...here!.objects.values()].map((one) => one.tags)).toEqual(Array(4).fill(tags));
  const sum = (of: 'bytes' | 'storedBytes') =>
    events.reduce((total, one) => total + (one.type === 'progress' ? one[of] + one.rows : 0), 0);
  expect([sum('bytes'), sum('storedBytes')]).toEqual([bytes, bytes]);
});

test('what is there already is not brought again, and its bytes are told as read', async () => {
  await receiving();
  const put: string[] = [];
  events = [];

  expect(await receiving(telling(put))).toEqual({ state: 'there', parts: 0, bytes: 0 });

  expect(put).toEqual(['manifest.sig']);
  expect(confirmed).toBe(1);
  const told = [data!, catalog!].map((file) => ({ type: 'progress', rows: 0, bytes: sizeOf(file), storedBytes: 0 }));
  expect(events).toEqual(expect.arrayContaining(told));
  expect(events).toHaveLength(2);
});

test('a copy that was broken off goes on: one part is there, the other one comes', async () => {
  await second!.putIfAbsent(at(data!), there!.objects.get(at(data!))!.body, {}, signal);

  expect(await receiving()).toEqual({ state: 'copied', parts: 1, bytes: sizeOf(catalog!) });

  expect(hexOf(here!)).toEqual(hexOf(there!));
});

test('of a backup that a rotation is removing here, no manifest comes after its parts are gone', async () => {
  await receiving(second, data);
  const removing: Vault = {
    ...second!,
    async *get(key, stop) {
      yield* second!.get(key, stop);
      await second!.delete(key, stop);
    },
  };

  await expect(receiving(removing)).rejects.toMatchObject({
    code: 'object-missing',
    message: `second/shop/${id}/${data} was removed while shop ${id} was copied`,
  });

  expect(here!.objects.has(manifestKey(shop, id))).toBe(false);
  await expect(receiving()).resolves.toMatchObject({ state: 'copied' });
});

test('where all parts are there and no manifest, it is the manifest that is copied', async () => {
  for (const file of [data!, catalog!])
    await second!.putIfAbsent(at(file), there!.objects.get(at(file))!.body, {}, signal);

  expect(await receiving()).toEqual({ state: 'copied', parts: 0, bytes: 0 });

  expect(hexOf(here!)).toEqual(hexOf(there!));
});

test('single parts come without signature and manifest, and nobody’s lease is asked for', async () => {
  expect(await receiving(second!, data)).toEqual({ state: 'copied', parts: 1, bytes: sizeOf(data!) });
  expect([...here!.objects.keys()]).toEqual([at(data!)]);
  expect(confirmed).toBe(0);

  expect(await receiving(second!, data)).toEqual({ state: 'there', parts: 0, bytes: 0 });
});

const same = (path: string) => Buffer.from(there!.objects.get(at(path))!.body);
const flipped = (path: string) => {
  const body = same(path);
  body[body.length - 1]! ^= 1;
  return body;
};

test.each([
  ['a part of another size', 'data/0001.sql.zst', () => Buffer.from('x')],
  ['a part of the same size', 'data/0001.sql.zst', () => flipped('data/0001.sql.zst')],
  ['a signature', 'manifest.sig', () => Buffer.from('singed')],
  ['a manifest', 'manifest.json', () => flipped('manifest.json')],
])('nothing is written over: %s that is another one', async (_, path, body) => {
  await second!.putIfAbsent(at(path), body(), {}, signal);
  const before = hexOf(here!)[at(path)];

  await expect(receiving()).rejects.toMatchObject(otherBytes(path));

  expect(hexOf(here!)[at(path)]).toBe(before);
});

test('of a backup that is complete here, sizes are looked at and bytes are left to verify', async () => {
  await receiving();
  await overwrite(second!, at(data!), flipped(data!).toString('latin1'));
  const short = flipped(data!).subarray(1);
  here!.objects.set(at(data!), { ...here!.objects.get(at(data!))!, body: flipped(data!) });
  expect(await receiving()).toMatchObject({ state: 'there' });

  here!.objects.set(at(data!), { ...here!.objects.get(at(data!))!, body: short });
  await expect(receiving()).rejects.toMatchObject(otherBytes(data!));
});

test('without the lease no manifest is written, and what was brought stays', async () => {
  const lost = new BackupError('lease-lost', 'another run has it');
  const stored = await reading();

  const received = receiveBackup(
    { vault: second!, signingOf },
    stored,
    { ...deps(), confirm: () => Promise.reject(lost) },
    signal,
  );

  await expect(received).rejects.toBe(lost);
  expect([...here!.objects.keys()].sort()).toEqual([catalog!, data!, 'manifest.sig'].map(at));
});

/** The first vault, whose parts are spoilt so many times on their way. */
function spoiling(times: number): Vault {
  let left = times;
  return {
    ...first!,
    async *get(key, stop) {
      const isSpoilt = key === at(data!) && left > 0;
      if (isSpoilt) left -= 1;
      yield* isSpoilt ? [flipped(data!)] : first!.get(key, stop);
    },
  };
}

test('a part that is spoilt on its way is brought once more, and no third time', async () => {
  expect(await receiving(second!, undefined, spoiling(1))).toMatchObject({ state: 'copied', parts: 2 });
  expect(hexOf(here!)).toEqual(hexOf(there!));

  const next = () => memoryVault(emptyState(), { place: 'second' });
  await expect(receiving(next(), undefined, spoiling(2))).rejects.toMatchObject({
    code: 'vault-failed',
    message: `first/shop/${id}/${data} was changed on its way: read again, it is whole`,
  });
  await expect(receiving(next(), undefined, spoiling(9))).rejects.toMatchObject({ code: 'part-corrupt' });
});

test('a part that another run brings meanwhile is compared, and taken as it is', async () => {
  const stored = await reading();
  const racing = (body: Buffer): Vault => ({
    ...second!,
    async put(key, content, tags, stop) {
      if (key === at(data!)) await second!.putIfAbsent(key, body, tags, stop);
      return second!.put(key, content, tags, stop);
    },
  });

  expect(await receiveBackup({ vault: racing(same(data!)), signingOf }, stored, deps(), signal)).toMatchObject({
    parts: 1,
  });

  here!.objects.clear();
  await expect(
    receiveBackup({ vault: racing(flipped(data!)), signingOf }, stored, deps(), signal),
  ).rejects.toMatchObject(otherBytes(data!));
});

test('a vault that refuses a part or its signature is an error, and one that holds another size is not believed', async () => {
  const denied = new BackupError('vault-denied', 'you may not');
  await expect(receiving({ ...second!, put: () => Promise.reject(denied) })).rejects.toBe(denied);
  await expect(receiving({ ...second!, putIfAbsent: () => Promise.reject(denied) })).rejects.toBe(denied);

  here!.objects.clear();
  const lying: Vault = { ...second!, put: async (...given) => ({ bytes: (await second!.put(...given)).bytes + 1 }) };
  await expect(receiving(lying, data)).rejects.toMatchObject({
    code: 'vault-failed',
    message: `second/shop/${id}/${data}: ${sizeOf(data!)} bytes were sent, the vault holds ${sizeOf(data!) + 1}`,
  });
});

test('only what lies below the backup is listed', async () => {
  const asked: string[] = [];
  const listening: Vault = { ...second!, list: (prefix, stop) => (asked.push(prefix), second!.list(prefix, stop)) };

  await receiving(listening);

  expect(asked).toEqual([`shop/${id}/`]);
});
