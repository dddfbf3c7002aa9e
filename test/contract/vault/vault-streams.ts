import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import { objectKey } from '../../../core/domain/keys.ts';
import { endsSoon } from '../../support/turns.ts';
import { bytesOf, contentOf, contentOfPattern, keysOf, never, patterned } from './vault-data.ts';
import type { VaultUnderTest } from './vault-contract.ts';

const MiB = 1024 * 1024;
/** Over two edges of parts (8 MiB), with a rest that is no power of two. */
const threeParts = 17_000_001;
const tags = { tier: 'daily', source: 'shop' };
const signal = new AbortController().signal;

/** What a vault promises of objects that are streams. */
export function streamPromises(under: () => VaultUnderTest): void {
  const vault = () => under().vault;

  test.each([0, 1, 8 * MiB - 1, 8 * MiB, 8 * MiB + 1, 16 * MiB, 16 * MiB + 1])(
    'an object of %d bytes comes back as it was',
    async (size) => {
      const key = objectKey(`sizes/${size}`);

      const stored = await vault().put(key, patterned(size, 65_536), tags, signal);

      expect(stored).toEqual({ bytes: size });
      expect(await contentOf(vault().get(key, signal))).toEqual(await contentOfPattern(size));
      expect(await bytesOf(vault(), key)).toBe(size);
    },
  );

  test('odd and empty chunks make the same object', async () => {
    const key = objectKey('odd/chunks');

    await vault().put(key, patterned(threeParts, 7_777_777, { emptyChunks: true }), tags, signal);

    expect(await contentOf(vault().get(key, signal))).toEqual(await contentOfPattern(threeParts));
  });

  test('chunks whose memory is used again make the same object', async () => {
    const key = objectKey('used/again');
    async function* inOneBlock() {
      const block = Buffer.alloc(65_536);
      for await (const chunk of patterned(threeParts, 65_536)) {
        block.set(chunk);
        yield block.subarray(0, chunk.length);
      }
      block.fill(0);
    }

    await vault().put(key, inOneBlock(), tags, signal);

    expect(await contentOf(vault().get(key, signal))).toEqual(await contentOfPattern(threeParts));
  });

  test.each([5, 9 * MiB])('a put of %d bytes over an object is refused, and the object stays', async (size) => {
    const key = objectKey(`again/${size}`);
    await vault().put(key, patterned(1000, 100), tags, signal);

    const second = vault().put(key, patterned(size, 65_536), tags, signal);

    if (under().completesOver && size > 8 * MiB) return expect(await second).toEqual({ bytes: size });
    await expect(second).rejects.toMatchObject({ code: 'object-exists' });
    expect(await contentOf(vault().get(key, signal))).toEqual(await contentOf(patterned(1000, 100)));
    expect(await under().leftovers()).toEqual([]);
  });

  test.each([0, 1000, threeParts])(
    'a stream that fails after %d bytes stores nothing, and its error is thrown as it is',
    async (size) => {
      const key = objectKey(`failed/${size}`);
      const failure = new Error('the dump died');
      async function* dying() {
        yield* patterned(size, 65_536);
        throw failure;
      }

      await expect(vault().put(key, dying(), tags, signal)).rejects.toBe(failure);

      expect(await keysOf(vault(), 'failed/')).toEqual([]);
      expect(await under().leftovers()).toEqual([]);
    },
  );

  test.each([1000, threeParts])(
    'an abort while the stream hangs after %d bytes ends the put at once and stores nothing',
    async (size) => {
      const stop = new AbortController();
      async function* hanging() {
        yield* patterned(size, 65_536);
        setTimeout(() => stop.abort(), 50);
        yield* never();
      }

      const put = vault().put(objectKey(`aborted/${size}`), hanging(), tags, stop.signal);
      const outcome = put.catch((error: unknown) => error);
      await Promise.race([once(stop.signal, 'abort'), outcome]);

      expect(await endsSoon(outcome)).toBe(true);
      expect(await outcome).toMatchObject({ code: 'aborted' });
      expect(await keysOf(vault(), 'aborted/')).toEqual([]);
      expect(await under().leftovers()).toEqual([]);
    },
  );

  test('a signal that is aborted already starts nothing', async () => {
    const stopped = AbortSignal.abort();
    const key = objectKey('stopped/object');

    for (const act of [
      () => vault().put(key, patterned(10, 10), tags, stopped),
      () => vault().putIfAbsent(key, Buffer.from('x'), tags, stopped),
      () => vault().read(key, stopped),
      () => keysOf(vault(), '', stopped),
      () => contentOf(vault().get(key, stopped)),
    ]) {
      await expect(act()).rejects.toMatchObject({ code: 'aborted' });
    }

    expect(await keysOf(vault(), 'stopped/')).toEqual([]);
  });

  test('tags stay with every object: small, large, put if absent, replaced', async () => {
    const { version } = await vault().putIfAbsent(objectKey('tagged/lease'), Buffer.from('1'), tags, signal);
    await vault().putIfUnchanged(objectKey('tagged/lease'), Buffer.from('2'), version, signal);
    await vault().putIfAbsent(objectKey('tagged/absent'), Buffer.from('1'), tags, signal);
    await vault().put(objectKey('tagged/small'), patterned(10, 10), tags, signal);
    await vault().put(objectKey('tagged/large'), patterned(9 * MiB, 65_536), tags, signal);
    const keys = await keysOf(vault(), 'tagged/');

    const found = await Promise.all(keys.map((key) => under().tagsOf?.(key)));

    expect(keys).toHaveLength(4);
    expect(found).toEqual(keys.map(() => (under().tagsOf === undefined ? undefined : tags)));
  });

  test('a reader that stops early leaves nothing open', async () => {
    const key = objectKey('early/object');
    await vault().put(key, patterned(9 * MiB, 65_536), tags, signal);

    for (let round = 0; round < 60; round += 1) for await (const _ of vault().get(key, signal)) break;

    expect(await bytesOf(vault(), key)).toBe(9 * MiB);
  });
}
