import { expect, test } from '@jest/globals';
import { objectKey } from '../../../core/domain/keys.ts';
import { bytesOf, contentOf, contentOfPattern, keysOf, never, patterned } from './vault-data.ts';
import type { VaultUnderTest } from './vault-contract.ts';

const MiB = 1024 * 1024;
const daily = { 'nightjar-tier': 'daily', 'nightjar-tiers': 'daily' };
const yearly = { 'nightjar-tier': 'yearly', 'nightjar-tiers': 'daily-weekly-yearly' };
const signal = new AbortController().signal;

/** What a vault promises of objects that are kept for long, and of what dead runs have left. */
export function carePromises(under: () => VaultUnderTest): void {
  const vault = () => under().vault;

  test.each([10, 9 * MiB])('an object of %d bytes is tagged anew, and is otherwise as it was', async (size) => {
    const key = objectKey(`retagged/${size}`);
    await vault().put(key, patterned(size, 65_536), daily, signal);
    const before = await vault().tags(key, signal);

    await vault().retag(key, yearly, signal);

    const known = under().tagsOf !== undefined;
    expect(before).toEqual(known ? daily : undefined);
    expect(await vault().tags(key, signal)).toEqual(known ? yearly : undefined);
    expect(await under().tagsOf?.(key)).toEqual(known ? yearly : undefined);
    expect(await contentOf(vault().get(key, signal))).toEqual(await contentOfPattern(size));
  });

  test('an object that is not there has no tags to read or replace, and says so', async () => {
    const key = objectKey('retagged/nothing');

    await expect(vault().tags(key, signal)).rejects.toMatchObject({
      code: 'object-missing',
      message: expect.stringContaining('retagged/nothing'),
    });
    await expect(vault().retag(key, daily, signal)).rejects.toMatchObject({ code: 'object-missing' });
    expect(await keysOf(vault(), 'retagged/nothing')).toEqual([]);
  });

  test('a deleted object of a vault without versions is gone', async () => {
    const key = objectKey('deleted/object');
    await vault().put(key, patterned(10, 10), daily, signal);

    expect(await vault().delete(key, signal)).toEqual({ state: 'gone' });
    expect(await bytesOf(vault(), key)).toBeUndefined();
  });

  test('a write that is under way shows as unfinished where the vault leaves that to us, and no longer once it has ended', async () => {
    const stop = new AbortController();
    const key = objectKey('unfinished/1/large');
    const sent = Promise.withResolvers<void>();
    async function* hanging() {
      yield* patterned(20 * MiB, 65_536);
      sent.resolve();
      yield* never();
    }
    const writing = vault()
      .put(key, hanging(), daily, stop.signal)
      .catch(() => undefined);
    await sent.promise;
    const found = await Array.fromAsync(vault().unfinished('unfinished/1/', signal));
    const elsewhere = await Array.fromAsync(vault().unfinished('unfinished/10/', signal));
    stop.abort();
    await writing;

    expect(found.map((one) => one.key)).toEqual(under().tagsOf === undefined ? [] : [key]);
    // moto says 2010 of every upload
    expect(found.every(({ begun }) => begun.getTime() < Date.now() + 3_600_000)).toBe(true);
    expect(elsewhere).toEqual([]);
    expect(await Array.fromAsync(vault().unfinished('', signal))).toEqual([]);
    for (const upload of found) await vault().abandon(upload, signal);
  });

  test('a place that is not there is an error to look for unfinished uploads and tags, never empty', async () => {
    await expect(Array.fromAsync(under().missing.unfinished('', signal))).rejects.toMatchObject({
      code: 'vault-unreachable',
    });
    await expect(under().missing.tags(objectKey('any/key'), signal)).rejects.toMatchObject({
      code: 'vault-unreachable',
    });
    await expect(under().missing.retag(objectKey('any/key'), daily, signal)).rejects.toMatchObject({
      code: 'vault-unreachable',
    });
  });
}
