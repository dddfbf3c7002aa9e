import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { isBackupError } from '../../core/domain/errors.ts';
import { objectKey } from '../../core/domain/keys.ts';
import type { Tags, Vault } from '../../core/ports.ts';
import { bytesOf, chunks, contentOf, count, counted, keysOf, never, patterned } from './vault-data.ts';

/** A vault of its own for a run of the contract, empty at first. */
export type VaultUnderTest = {
  vault: Vault;
  /** The same kind of vault at a place that is not there. */
  missing: Vault;
  /** What unfinished writes have left: file names, multipart uploads. */
  leftovers(): Promise<string[]>;
  /** The tags of an object; undefined for a vault that has none. */
  tagsOf: ((key: string) => Promise<Tags>) | undefined;
  close(): Promise<void>;
};

const MiB = 1024 * 1024;
const tags = { tier: 'daily', source: 'shop' };

/** What every vault promises (`Vault` in core/ports.ts). */
export function vaultContract(name: string, open: () => Promise<VaultUnderTest>): void {
  describe(name, () => {
    let under: VaultUnderTest;
    let vault: Vault;
    const signal = new AbortController().signal;

    beforeAll(async () => {
      under = await open();
      vault = under.vault;
    }, 600_000);
    afterAll(() => under?.close(), 60_000);

    test.each([0, 1, 8 * MiB - 1, 8 * MiB, 8 * MiB + 1, 16 * MiB, 16 * MiB + 1])('an object of %d bytes comes back as it was', async (size) => {
      const key = objectKey(`sizes/${size}`);

      const stored = await vault.put(key, patterned(size, 65_536), tags, signal);

      expect(stored).toEqual({ bytes: size });
      expect(await contentOf(vault.get(key, signal))).toEqual(await contentOf(patterned(size, 65_536)));
      expect(await bytesOf(vault, key)).toBe(size);
    });

    test('odd and empty chunks make the same object', async () => {
      const key = objectKey('odd/chunks');

      await vault.put(key, patterned(30_000_001, 7_777_777, { emptyChunks: true }), tags, signal);

      expect(await contentOf(vault.get(key, signal))).toEqual(await contentOf(patterned(30_000_001, 65_536)));
    });

    test('a second put replaces the object', async () => {
      const key = objectKey('again/object');
      await vault.put(key, patterned(9 * MiB, 65_536), tags, signal);

      await vault.put(key, patterned(5, 5), tags, signal);

      expect(await contentOf(vault.get(key, signal))).toEqual(await contentOf(patterned(5, 5)));
    });

    test.each([0, 1000, 20 * MiB])('a stream that fails after %d bytes stores nothing, and its error is thrown as it is', async (size) => {
      const key = objectKey(`failed/${size}`);
      const failure = new Error('the dump died');
      async function* dying() {
        yield* patterned(size, 65_536);
        throw failure;
      }

      await expect(vault.put(key, dying(), tags, signal)).rejects.toBe(failure);

      expect(await keysOf(vault, 'failed/')).toEqual([]);
      expect(await under.leftovers()).toEqual([]);
    });

    test.each([1000, 20 * MiB])('an abort while the stream hangs after %d bytes ends the put at once and stores nothing', async (size) => {
      const stop = new AbortController();
      async function* hanging() {
        yield* patterned(size, 65_536);
        setTimeout(() => stop.abort(), 50);
        yield* never();
      }
      const started = performance.now();

      const outcome = await vault.put(objectKey(`aborted/${size}`), hanging(), tags, stop.signal).catch((error: unknown) => error);

      expect(outcome).toMatchObject({ code: 'aborted' });
      expect(performance.now() - started).toBeLessThan(10_000);
      expect(await keysOf(vault, 'aborted/')).toEqual([]);
      expect(await under.leftovers()).toEqual([]);
    });

    test('a signal that is aborted already starts nothing', async () => {
      const stopped = AbortSignal.abort();
      const key = objectKey('stopped/object');

      for (const act of [
        () => vault.put(key, patterned(10, 10), tags, stopped),
        () => vault.putIfAbsent(key, Buffer.from('x'), tags, stopped),
        () => vault.read(key, stopped),
        () => keysOf(vault, '', stopped),
        () => contentOf(vault.get(key, stopped)),
      ]) {
        await expect(act()).rejects.toMatchObject({ code: 'aborted' });
      }

      expect(await keysOf(vault, 'stopped/')).toEqual([]);
    });

    test('of twenty who put a small object if absent, one wins and the others are told', async () => {
      const key = objectKey('race/lease.json');
      const bodies = Array.from({ length: 20 }, (_, index) => Buffer.from(`racer ${index}`));

      const results = await Promise.allSettled(bodies.map((body) => vault.putIfAbsent(key, body, tags, signal)));

      const winners = bodies.filter((_, index) => results[index]!.status === 'fulfilled');
      const losers = results.filter((result) => result.status === 'rejected' && isBackupError(result.reason, 'object-exists'));
      expect([winners.length, losers.length]).toEqual([1, 19]);
      expect((await vault.read(key, signal)).body.toString()).toBe(winners[0]!.toString());
      expect(await under.leftovers()).toEqual([]);
    });

    test('the version that a put returns replaces the object, once', async () => {
      const key = objectKey('chain/lease.json');
      let { version } = await vault.putIfAbsent(key, Buffer.from('0'), tags, signal);
      const first = version;

      for (let step = 1; step <= 20; step += 1) {
        ({ version } = await vault.putIfUnchanged(key, Buffer.from(`${step}`), version, signal));
        expect(await vault.read(key, signal)).toEqual({ body: Buffer.from(`${step}`), version });
      }

      await expect(vault.putIfUnchanged(key, Buffer.from('late'), first, signal)).rejects.toMatchObject({ code: 'object-exists' });
      expect(await contentOf(vault.get(key, signal))).toEqual(await contentOf([Buffer.from('20')]));
      expect(await vault.read(key, signal)).toMatchObject({ version });
      expect(await Array.fromAsync(vault.list('chain/', signal))).toMatchObject([{ key, bytes: 2 }]);
    });

    test('no increment of a shared counter is lost', async () => {
      const key = objectKey('counter/lease.json');
      await vault.putIfAbsent(key, Buffer.from('0'), tags, signal);

      await Promise.all(Array.from({ length: 5 }, () => count(vault, key, 5, signal)));

      expect(counted((await vault.read(key, signal)).body)).toBe(25);
    });

    test('a removed object can not be replaced, and can be made anew; the old version does not fit the new one', async () => {
      const key = objectKey('removed/lease.json');
      const { version } = await vault.putIfAbsent(key, Buffer.from('first'), tags, signal);
      const { version: second } = await vault.putIfUnchanged(key, Buffer.from('second'), version, signal);
      await vault.delete(key, signal);

      await expect(vault.putIfUnchanged(key, Buffer.from('third'), second, signal)).rejects.toMatchObject({ code: 'object-exists' });
      await expect(vault.read(key, signal)).rejects.toMatchObject({ code: 'object-missing' });
      await vault.putIfAbsent(key, Buffer.from('anew'), tags, signal);
      await expect(vault.putIfUnchanged(key, Buffer.from('third'), second, signal)).rejects.toMatchObject({ code: 'object-exists' });

      expect((await vault.read(key, signal)).body.toString()).toBe('anew');
    });

    test('tags stay with every object: small, large, put if absent, replaced', async () => {
      const { version } = await vault.putIfAbsent(objectKey('tagged/lease'), Buffer.from('1'), tags, signal);
      await vault.putIfUnchanged(objectKey('tagged/lease'), Buffer.from('2'), version, signal);
      await vault.putIfAbsent(objectKey('tagged/absent'), Buffer.from('1'), tags, signal);
      await vault.put(objectKey('tagged/small'), patterned(10, 10), tags, signal);
      await vault.put(objectKey('tagged/large'), patterned(9 * MiB, 65_536), tags, signal);
      const keys = await keysOf(vault, 'tagged/');

      const found = await Promise.all(keys.map((key) => under.tagsOf?.(key)));

      expect(keys).toHaveLength(4);
      expect(found).toEqual(keys.map(() => (under.tagsOf === undefined ? undefined : tags)));
    });

    test('an object that is not there is missing to read and get, and no error to delete', async () => {
      const key = objectKey('nothing/here');

      await expect(vault.read(key, signal)).rejects.toMatchObject({ code: 'object-missing', message: expect.stringContaining('nothing/here') });
      await expect(contentOf(vault.get(key, signal))).rejects.toMatchObject({ code: 'object-missing' });
      await vault.delete(key, signal);
    });

    test('a deleted object is gone, its neighbours stay', async () => {
      for (const name of ['a', 'b']) await vault.put(objectKey(`delete/x/${name}`), patterned(10, 10), tags, signal);

      await vault.delete(objectKey('delete/x/a'), signal);

      expect(await keysOf(vault, 'delete/')).toEqual(['delete/x/b']);
    });

    test('a list is of exactly the keys that start with the prefix', async () => {
      for (const key of ['shop/1/a', 'shop/10/a', 'shop_archive/1/a', 'shop.json']) {
        await vault.putIfAbsent(objectKey(`prefix-${key}`), Buffer.from(key), tags, signal);
      }

      expect(await keysOf(vault, 'prefix-shop/')).toEqual(['prefix-shop/1/a', 'prefix-shop/10/a']);
      expect(await keysOf(vault, 'prefix-shop/1')).toEqual(['prefix-shop/1/a', 'prefix-shop/10/a']);
      expect(await keysOf(vault, 'prefix-shop/1/')).toEqual(['prefix-shop/1/a']);
      expect(await keysOf(vault, 'prefix-shop')).toHaveLength(4);
      expect(await keysOf(vault, 'prefix-none/')).toEqual([]);
    });

    test('unusual keys are kept apart and come back as they are', async () => {
      const keys = ['odd/a%2Fb', 'odd/a/b', 'odd/%C3%A4~@+=,_', 'odd/a+b', 'odd/a%20b', 'odd/..a', 'odd/A', 'odd/x.json'];
      for (const key of keys) await vault.put(objectKey(key), chunks(Buffer.from(key)), tags, signal);

      expect(await keysOf(vault, 'odd/')).toEqual(expect.arrayContaining(keys));
      for (const key of keys) expect((await vault.read(objectKey(key), signal)).body.toString()).toBe(key);
    });

    test('a list has all of more than a thousand objects', async () => {
      const keys = Array.from({ length: 1_030 }, (_, index) => `many/${index}`);
      const left = [...keys];
      const work = async () => {
        for (let key = left.pop(); key !== undefined; key = left.pop()) await vault.putIfAbsent(objectKey(key), Buffer.from(key), tags, signal);
      };
      await Promise.all(Array.from({ length: 16 }, work));

      expect(await keysOf(vault, 'many/')).toEqual(keys.toSorted());
    }, 120_000);

    test('a place that is not there is an error to list, read, get and delete, never empty', async () => {
      const key = objectKey('any/key');

      for (const act of [
        () => keysOf(under.missing, ''),
        () => under.missing.read(key, signal),
        () => contentOf(under.missing.get(key, signal)),
        () => under.missing.delete(key, signal),
      ]) {
        await expect(act()).rejects.toMatchObject({ code: 'vault-unreachable', message: expect.stringContaining('not-there') });
      }
    });

    test('a reader that stops early leaves nothing open', async () => {
      const key = objectKey('early/object');
      await vault.put(key, patterned(9 * MiB, 65_536), tags, signal);

      for (let round = 0; round < 60; round += 1) for await (const _ of vault.get(key, signal)) break;

      expect(await bytesOf(vault, key)).toBe(9 * MiB);
    });
  });
}
