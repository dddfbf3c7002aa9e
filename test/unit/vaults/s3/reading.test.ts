import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { abortError } from '../../../../core/domain/errors.ts';
import type { BackupError } from '../../../../core/domain/errors.ts';
import { requirePage } from '../../../../core/vaults/s3/reading/listing.ts';
import { contentOf, contentOfPattern, keysOf, patterned } from '../../../contract/vault/vault-data.ts';
import { inStore, is, key, large, spoiledStore, tags, withHeaders } from '../../../support/s3-store/spoiled.ts';
import { failed } from '../../../support/s3-store/store.ts';
import type { Spoil } from '../../../support/s3-store/store.ts';

const MiB = 1024 ** 2;
const signal = new AbortController().signal;
const { under, vaultOf, put, spoiled } = spoiledStore();

describe('a download', () => {
  const cut: Spoil = async (_, usual) => ({ ...(await usual()), cut: MiB + 1 });

  test('that breaks is taken up where it broke, of the same version', async () => {
    await vaultOf().put(key, patterned(large, 65_536), tags, signal);
    under.store.asked.length = 0;
    spoiled((one) => is(one, 'GET'), cut, 3);

    expect(await contentOf(vaultOf().get(key, signal))).toEqual(await contentOfPattern(large));
    const [first, ...later] = under.store.asked;
    expect(first!.headers).not.toHaveProperty('range');
    for (const { headers } of later)
      expect(headers).toMatchObject({ range: expect.stringMatching(/^bytes=\d+-$/), 'if-match': expect.any(String) });
  });

  describe('that breaks again and again', () => {
    const { setTimeout: start } = globalThis;
    const waits: number[] = [];
    beforeEach(() => {
      waits.length = 0;
      globalThis.setTimeout = ((work: () => void, ms: number) => {
        if (![200, 400, 800, 1600, 3200].includes(ms)) return start(work, ms);
        waits.push(ms);
        return start(work, 0);
      }) as typeof start;
    });
    afterEach(() => {
      globalThis.setTimeout = start;
    });
    const cutAt =
      (bytes: number): Spoil =>
      async (_, usual) => {
        const answer = await usual();
        return answer.body!.length > bytes ? { ...answer, cut: bytes } : answer;
      };
    const asked = () => under.store.asked.filter((one) => is(one, 'GET'));

    test('goes on as long as each connection gives a megabyte', async () => {
      await vaultOf().put(key, patterned(large, 65_536), tags, signal);
      // what a connection has given, and nobody has taken yet, goes with it
      spoiled((one) => is(one, 'GET'), cutAt(1.4 * MiB));

      expect(await contentOf(vaultOf().get(key, signal))).toEqual(await contentOfPattern(large));

      expect(waits.length).toBeGreaterThan(5);
      expect(new Set(waits)).toEqual(new Set([200]));
    });

    test('and gives less is left after five more tries, each after a longer wait', async () => {
      await vaultOf().put(key, patterned(large, 65_536), tags, signal);
      spoiled((one) => is(one, 'GET'), cutAt(MiB - 1));

      await expect(contentOf(vaultOf().get(key, signal))).rejects.toMatchObject({ code: 'vault-unreachable' });

      expect([asked().length, waits]).toEqual([6, [200, 400, 800, 1600, 3200]]);
    });

    test('is left at once where the store then says no', async () => {
      await vaultOf().put(key, patterned(large, 65_536), tags, signal);
      spoiled(
        (one) => is(one, 'GET'),
        (one, usual) => (one.headers.range === undefined ? cut(one, usual) : failed(403, 'AccessDenied')),
      );

      await expect(contentOf(vaultOf().get(key, signal))).rejects.toMatchObject({ code: 'vault-denied' });

      expect(asked()).toHaveLength(2);
    });

    test('ends when it is stopped, with that', async () => {
      await vaultOf().put(key, patterned(large, 65_536), tags, signal);
      const stop = new AbortController();
      const reading = async () => {
        for await (const _ of vaultOf().get(key, stop.signal)) stop.abort();
      };

      await expect(reading()).rejects.toEqual(abortError(stop.signal));
    });
  });

  test('of nothing is nothing, and without a length none', async () => {
    await put('');
    expect(await Array.fromAsync(vaultOf().get(key, signal))).toEqual([]);
    spoiled(
      (one) => is(one, 'GET'),
      async (_, usual) => ({ ...(await usual()), body: 'text', lengthless: true }),
    );
    await expect(vaultOf().read(key, signal)).rejects.toMatchObject({
      code: 'vault-failed',
      message: 'read s3://acme-backups/prod/shop/object: the answer has no length',
    });
  });

  test('of what changed meanwhile is an error, and so is one whose sizes do not agree', async () => {
    await vaultOf().put(key, patterned(large, 65_536), tags, signal);
    spoiled(
      (one) => is(one, 'GET'),
      async (one, usual) => {
        const answer = await cut(one, usual);
        under.store.objects.get(inStore)!.etag = '"another"';
        return answer;
      },
      1,
    );
    await expect(contentOf(vaultOf().get(key, signal))).rejects.toMatchObject({
      code: 'vault-failed',
      message: 'read s3://acme-backups/prod/shop/object: it changed while it was read',
    });

    spoiled(
      (one) => is(one, 'GET'),
      async (one, usual) => {
        const answer = await cut(one, usual);
        under.store.objects.get(inStore)!.body = Buffer.alloc(2 * large);
        return answer;
      },
      1,
    );
    await expect(contentOf(vaultOf().get(key, signal))).rejects.toMatchObject({
      code: 'vault-failed',
      message: expect.stringMatching(/: asked for the bytes from \d+ of 9437184, the store gives \d+$/),
    });
  });

  test('without a length or an entity tag is none', async () => {
    await put('1');
    spoiled(
      (one) => is(one, 'GET'),
      async (_, usual) => {
        const { etag: _etag, ...headers } = (await usual()).headers!;
        return { headers, body: '1' };
      },
    );
    await expect(vaultOf().read(key, signal)).rejects.toMatchObject({
      code: 'vault-failed',
      message: 'read s3://acme-backups/prod/shop/object: the store gave no entity tag',
    });
  });

  test('of a small object says its lock and whether versions stay', async () => {
    await put('1');
    const body = Buffer.from('1');
    const read = (headers: Record<string, string>) => {
      spoiled((one) => is(one, 'GET'), withHeaders(headers));
      return vaultOf().read(key, signal);
    };
    const until = '2027-01-01T00:00:00.000Z';
    const version = expect.any(String);

    expect(await read({})).toEqual({ body, version });
    expect(await read({ 'x-amz-version-id': 'null' })).toEqual({ body, version });
    expect(await read({ 'x-amz-version-id': 'v1' })).toEqual({ body, version, stays: true });
    expect(await read({ 'x-amz-object-lock-legal-hold': 'OFF' })).toEqual({ body, version });
    expect(await read({ 'x-amz-object-lock-legal-hold': 'ON' })).toEqual({ body, version, lock: { hold: true } });
    expect(await read({ 'x-amz-object-lock-retain-until-date': until })).toEqual({
      body,
      version,
      lock: { hold: false, until: new Date(until) },
    });
  });

  test('of a large object as a small one is refused', async () => {
    under.store.objects.set(inStore, { body: Buffer.alloc(64 * MiB + 1), etag: '"e"', tags: {} });
    await expect(vaultOf().read(key, signal)).rejects.toMatchObject({
      code: 'object-too-large',
      message: 's3://acme-backups/prod/shop/object is too large for a small object: 67108865 bytes',
    });
  });
});

describe('a listing', () => {
  const listed = () => keysOf(vaultOf(), 'shop/');
  const unfinished = () => Array.fromAsync(vaultOf().unfinished('shop/', signal), ({ key: name }) => name);
  const rewritten = (of: (body: string) => string): void =>
    spoiled(
      ({ key: name, method }) => name === '' && method === 'GET',
      async (_, usual) => ({
        body: of(String((await usual()).body)),
      }),
    );

  test('has all pages, of objects and of uploads, and leaves out what is somebody else’s', async () => {
    const names = Array.from({ length: 8 }, (_, index) => `shop/${index}`);
    for (const name of [...names, 'shop/not ours'])
      under.store.objects.set(`prod/${name}`, { body: Buffer.from('1'), etag: '"e"', tags: {} });
    for (const [index, name] of [...names, 'shop/3', 'shop/not ours'].entries())
      under.store.uploads.set(`u${index}`, { key: `prod/${name}`, tags: {}, parts: new Map() });

    expect((await listed()).sort()).toEqual(names);
    expect((await unfinished()).sort()).toEqual([...names, 'shop/3'].sort());
    expect(await keysOf(vaultOf({ prefix: '' }), 'prod/shop/1')).toEqual(['prod/shop/1']);
  });

  test.each<[string, (body: string) => string, RegExp]>([
    [
      'a login page',
      () => '<!DOCTYPE html><p>Sign in</p>',
      /NotAListing: the answer is no listing: <!DOCTYPE html><p>Sign in<\/p>/,
    ],
    ['nothing', () => '', /the answer is no listing: it is empty/],
    ['the other half', (body) => body.slice(body.length / 2), /the answer is no listing: /],
    ['half a document', (body) => body.slice(0, body.length / 2), /the answer is no listing: <List/],
    [
      'another bucket',
      (body) => body.replace('>acme-backups<', '>other<'),
      /it is of "prod\/shop\/" in bucket "other"/,
    ],
    [
      'another prefix',
      (body) => body.replace(/<Prefix>[^<]*</, '<Prefix>team/<'),
      /it is of "team\/" in bucket "acme-backups"/,
    ],
    [
      'no word of more',
      (body) => body.replace(/<IsTruncated>\w+<\/IsTruncated>/, ''),
      /it does not say whether there is more/,
    ],
    [
      'more, and not where',
      (body) => body.replace('<IsTruncated>false', '<IsTruncated>true'),
      /the store says there is more, and not where/,
    ],
  ])('%s is no empty vault', async (_, of, said) => {
    under.store.objects.set(inStore, { body: Buffer.from('1'), etag: '"e"', tags: {} });
    rewritten(of);

    for (const work of [listed, unfinished])
      await expect(work()).rejects.toMatchObject({ code: 'vault-failed', message: expect.stringMatching(said) });
  });

  test('of an object without its size is none', async () => {
    under.store.objects.set(inStore, { body: Buffer.from('1'), etag: '"e"', tags: {} });
    for (const part of ['Key', 'Size', 'LastModified']) {
      rewritten((body) => body.replace(new RegExp(`<${part}>[^<]*</${part}>`), ''));
      await expect(listed()).rejects.toMatchObject({
        code: 'vault-failed',
        message: 'list s3://acme-backups/prod/shop/: the store names an object without its name, size or time',
      });
    }
  });

  test('whose pages lead nowhere is told, not asked for ever', async () => {
    under.store.objects.set(inStore, { body: Buffer.from('1'), etag: '"e"', tags: {} });
    const next = '<NextContinuationToken>prod/shop/a</NextContinuationToken>';
    rewritten((body) => body.replace(/<IsTruncated>false<\/IsTruncated>/, `<IsTruncated>true</IsTruncated>${next}`));

    await expect(listed()).rejects.toMatchObject({
      code: 'vault-failed',
      message: 'list s3://acme-backups/prod/shop/: the store says there is more, and not where',
    });

    expect(under.store.asked).toHaveLength(2);
  });

  test('that is none is asked for four times, and what came is shown where it can be printed, and not all of it', async () => {
    rewritten(() => `\u0007\u001b${'<p>Sign in, please</p>'.repeat(9)}`);

    const { code, message, hint } = (await listed().catch((error: unknown) => error)) as BackupError;

    expect(message).toBe(
      'list s3://acme-backups/prod/shop/: NotAListing: the answer is no listing: ??<p>Sign in, please</p><p>Sign in, plea',
    );
    expect([code, hint]).toEqual([
      'vault-failed',
      "is the vault's endpoint that of an S3 store? A proxy or a login page may answer in its place",
    ]);

    expect(under.store.asked).toHaveLength(4);
  });

  test.each(['arn:aws:s3:eu-west-1:123456789012:accesspoint/nightly', 'nightly-x1y2-s3alias'])(
    'of the access point %s says the name of its bucket',
    (bucket) => {
      const page = { bucket: 'acme', prefix: 'prod/', truncated: false };
      expect(() => requirePage(page, { bucket }, 'prod/', 'list')).not.toThrow();
      expect(() => requirePage({ ...page, prefix: '' }, { bucket }, 'prod/', 'list')).toThrow('no listing of that');
      expect(() => requirePage({ ...page, truncated: undefined }, { bucket }, 'prod/', 'list')).toThrow('no listing');
      expect(() => requirePage(page, { bucket: `x${bucket}x` }, 'prod/', 'list')).toThrow('no listing of that');
    },
  );

  test('of everything names no prefix', () => {
    const page = { bucket: 'acme', prefix: undefined, truncated: false };
    expect(() => requirePage(page, { bucket: 'acme' }, '', 'list')).not.toThrow();
    expect(() => requirePage(page, { bucket: 'acme' }, 'prod/', 'list')).toThrow(
      expect.objectContaining({
        message: 'list: the answer is no listing of that: it is of "" in bucket "acme"',
        hint: expect.stringContaining("is the vault's endpoint that of an S3 store?"),
      }),
    );
  });

  test.each(['<?xml version="1.0"?>\n', '<?xml version="1.0"?>', '\n\n', ''])(
    'may begin with what every document of XML may: %j',
    async (begin) => {
      rewritten((body) => {
        const bare = body.replace(/^<\?xml[^>]*>\s*/, '');
        return `${begin}${bare.replace(/<Prefix>[^<]*<\/Prefix>/, '<Prefix>prod/shop/</Prefix>')}\n`;
      });
      expect(await listed()).toEqual([]);
    },
  );
});
