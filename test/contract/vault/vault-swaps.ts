import { expect, test } from '@jest/globals';
import { isBackupError } from '../../../core/domain/errors.ts';
import { objectKey } from '../../../core/domain/keys.ts';
import { contentOf, count, counted } from './vault-data.ts';
import type { VaultUnderTest } from './vault-contract.ts';

const tags = { tier: 'daily' };
const signal = new AbortController().signal;

/** What a vault promises of small objects that several write at once. */
export function swapPromises(under: () => VaultUnderTest): void {
  const vault = () => under().vault;
  /** Where each write takes a claim, those at once take one another's turns: what each costs grows with their number. */
  const fewer = (count: number, claimed: number): number => (vault().weaker === undefined ? count : claimed);

  test('of twenty who put a small object if absent, or six where each takes a claim, one wins and the others are told', async () => {
    const key = objectKey('race/lease.json');
    const bodies = Array.from({ length: fewer(20, 6) }, (_, index) => Buffer.from(`racer ${index}`));

    const results = await Promise.allSettled(bodies.map((body) => vault().putIfAbsent(key, body, tags, signal)));

    const winners = bodies.filter((_, index) => results[index]!.status === 'fulfilled');
    const losers = results.filter(
      (result) => result.status === 'rejected' && isBackupError(result.reason, 'object-exists'),
    );
    expect([winners.length, losers.length]).toEqual([1, bodies.length - 1]);
    expect((await vault().read(key, signal)).body.toString()).toBe(winners[0]!.toString());
    expect(await under().leftovers()).toEqual([]);
  });

  test('the version that a put returns replaces the object, once', async () => {
    const key = objectKey('chain/lease.json');
    const steps = fewer(20, 5);
    let { version } = await vault().putIfAbsent(key, Buffer.from('0'), tags, signal);
    const first = version;

    for (let step = 1; step <= steps; step += 1) {
      ({ version } = await vault().putIfUnchanged(key, Buffer.from(`${step}`), version, signal));
      expect(await vault().read(key, signal)).toEqual({ body: Buffer.from(`${step}`), version });
    }

    await expect(vault().putIfUnchanged(key, Buffer.from('late'), first, signal)).rejects.toMatchObject({
      code: 'object-exists',
    });
    expect(await contentOf(vault().get(key, signal))).toEqual(await contentOf([Buffer.from(`${steps}`)]));
    expect(await vault().read(key, signal)).toMatchObject({ version });
    expect(await Array.fromAsync(vault().list('chain/', signal))).toMatchObject([{ key, bytes: `${steps}`.length }]);
  });

  test('no increment of a shared counter is lost', async () => {
    const key = objectKey('counter/lease.json');
    await vault().putIfAbsent(key, Buffer.from('0'), tags, signal);

    const each = fewer(5, 3);
    await Promise.all(Array.from({ length: each }, () => count(vault(), key, each, signal)));

    expect(counted((await vault().read(key, signal)).body)).toBe(each * each);
  });

  test('a removed object can not be replaced, and can be made anew; the old version does not fit the new one', async () => {
    const key = objectKey('removed/lease.json');
    const { version } = await vault().putIfAbsent(key, Buffer.from('first'), tags, signal);
    const { version: second } = await vault().putIfUnchanged(key, Buffer.from('second'), version, signal);
    await vault().delete(key, signal);

    await expect(vault().putIfUnchanged(key, Buffer.from('third'), second, signal)).rejects.toMatchObject({
      code: 'object-exists',
    });
    await expect(vault().read(key, signal)).rejects.toMatchObject({ code: 'object-missing' });
    await vault().putIfAbsent(key, Buffer.from('anew'), tags, signal);
    await expect(vault().putIfUnchanged(key, Buffer.from('third'), second, signal)).rejects.toMatchObject({
      code: 'object-exists',
    });

    expect((await vault().read(key, signal)).body.toString()).toBe('anew');
  });
}
