import { expect, test } from '@jest/globals';
import { objectKey } from '../../../core/domain/keys.ts';
import { chunks, contentOf, keysOf, patterned } from './vault-data.ts';
import type { VaultUnderTest } from './vault-contract.ts';

const tags = { tier: 'daily' };
const signal = new AbortController().signal;

/** What a vault promises of keys, lists and what is not there. */
export function placePromises(under: () => VaultUnderTest): void {
  const vault = () => under().vault;

  test('an object that is not there is missing to read and get, and no error to delete', async () => {
    const key = objectKey('nothing/here');

    await expect(vault().read(key, signal)).rejects.toMatchObject({
      code: 'object-missing',
      message: expect.stringContaining('nothing/here'),
    });
    await expect(contentOf(vault().get(key, signal))).rejects.toMatchObject({ code: 'object-missing' });
    await vault().delete(key, signal);
  });

  test('a deleted object is gone, its neighbours stay', async () => {
    for (const name of ['a', 'b']) await vault().put(objectKey(`delete/x/${name}`), patterned(10, 10), tags, signal);

    await vault().delete(objectKey('delete/x/a'), signal);

    expect(await keysOf(vault(), 'delete/')).toEqual(['delete/x/b']);
  });

  test('a list is of exactly the keys that start with the prefix', async () => {
    for (const key of ['shop/1/a', 'shop/10/a', 'shop_archive/1/a', 'shop.json']) {
      await vault().putIfAbsent(objectKey(`prefix-${key}`), Buffer.from(key), tags, signal);
    }

    expect(await keysOf(vault(), 'prefix-shop/')).toEqual(['prefix-shop/1/a', 'prefix-shop/10/a']);
    expect(await keysOf(vault(), 'prefix-shop/1')).toEqual(['prefix-shop/1/a', 'prefix-shop/10/a']);
    expect(await keysOf(vault(), 'prefix-shop/1/')).toEqual(['prefix-shop/1/a']);
    expect(await keysOf(vault(), 'prefix-shop')).toHaveLength(4);
    expect(await keysOf(vault(), 'prefix-none/')).toEqual([]);
  });

  test('unusual keys are kept apart and come back as they are', async () => {
    const keys = ['odd/a%2Fb', 'odd/a/b', 'odd/%C3%A4~@+=,_', 'odd/a+b', 'odd/a%20b', 'odd/..a', 'odd/A', 'odd/x.json'];
    for (const key of keys) await vault().put(objectKey(key), chunks(Buffer.from(key)), tags, signal);

    expect(await keysOf(vault(), 'odd/')).toEqual(expect.arrayContaining(keys));
    for (const key of keys) expect((await vault().read(objectKey(key), signal)).body.toString()).toBe(key);
  });

  test('a list has all objects of more than one page', async () => {
    const { pageSize = 1_000 } = under();
    const keys = Array.from({ length: pageSize + 30 }, (_, index) => `many/${index}`);
    const left = [...keys];
    const work = async () => {
      for (let key = left.pop(); key !== undefined; key = left.pop())
        await vault().putIfAbsent(objectKey(key), Buffer.from(key), tags, signal);
    };
    await Promise.all(Array.from({ length: 4 }, work));

    expect(await keysOf(vault(), 'many/')).toEqual(keys.toSorted());
  }, 120_000);

  test('a place that is not there is an error to list, read, get and delete, never empty', async () => {
    const key = objectKey('any/key');

    for (const act of [
      () => keysOf(under().missing, ''),
      () => under().missing.read(key, signal),
      () => contentOf(under().missing.get(key, signal)),
      () => under().missing.delete(key, signal),
    ]) {
      await expect(act()).rejects.toMatchObject({
        code: 'vault-unreachable',
        message: expect.stringContaining('not-there'),
      });
    }
  });
}
