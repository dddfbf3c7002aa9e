import { describe, expect, test } from '@jest/globals';
import { objectKey } from '../../../../core/domain/keys.ts';
import { chunks, patterned } from '../../../contract/vault/vault-data.ts';
import { answering, is, key, large, spoiledStore, tags } from '../../../support/s3-store/spoiled.ts';
import { failed } from '../../../support/s3-store/store.ts';

const signal = new AbortController().signal;
const { under, vaultOf, put, spoiled } = spoiledStore();

describe('conditions', () => {
  test('a store that does not heed them is refused', async () => {
    spoiled(
      (one) => is(one, 'PUT'),
      (one, usual) => {
        delete one.headers['if-none-match'];
        return usual();
      },
    );
    await expect(vaultOf().putIfAbsent(key, Buffer.from('run 1'), tags, signal)).rejects.toMatchObject({
      code: 'vault-failed',
      message:
        'write s3://acme-backups/prod/shop/object: the store overwrites an object although it was told not to (If-None-Match)',
      hint:
        'two runs could work on one source at once: use a store that honours conditional writes, or write ' +
        'conditionalWrites: false in the vault, which keeps runs apart in a weaker way (docs/stores.md)',
    });
  });

  test('whether it heeds them is tried once for a vault', async () => {
    const vault = vaultOf();
    await vault.putIfAbsent(key, Buffer.from('1'), tags, signal);
    await vault.putIfAbsent(objectKey('shop/other'), Buffer.from('2'), tags, signal);
    expect(under.store.asked.map(({ method }) => method)).toEqual(['PUT', 'PUT', 'PUT']);
  });

  test('a store that has refused to write where something lies need not be tried', async () => {
    await vaultOf().putIfAbsent(key, Buffer.from('1'), tags, signal);
    under.store.asked.length = 0;
    const vault = vaultOf();
    await expect(vault.putIfAbsent(key, Buffer.from('2'), tags, signal)).rejects.toMatchObject({
      code: 'object-exists',
    });
    await vault.putIfAbsent(objectKey('shop/other'), Buffer.from('2'), tags, signal);
    expect(under.store.asked.map((one) => one.key)).toEqual(['prod/shop/object', 'prod/shop/other']);
  });

  test('any other refusal shows nothing: it is tried', async () => {
    await vaultOf().putIfAbsent(key, Buffer.from('1'), tags, signal);
    const vault = vaultOf();
    const old = '"0123456789abcdef0123456789abcdef"';
    await expect(vault.putIfUnchanged(key, Buffer.from('2'), old, signal)).rejects.toMatchObject({
      code: 'object-exists',
    });
    spoiled((one) => is(one, 'PUT'), answering(failed(403, 'AccessDenied')), 1);
    await expect(vault.putIfAbsent(objectKey('shop/new'), Buffer.from('2'), tags, signal)).rejects.toMatchObject({
      code: 'vault-denied',
    });
    under.store.asked.length = 0;
    await vault.putIfAbsent(objectKey('shop/other'), Buffer.from('2'), tags, signal);
    expect(under.store.asked.map((one) => one.key)).toEqual(['prod/shop/other', 'prod/shop/other']);
  });

  test('one that refuses that, and overwrites an old version, is refused', async () => {
    const { version } = await vaultOf().putIfAbsent(key, Buffer.from('1'), tags, signal);
    const vault = vaultOf();
    await expect(vault.putIfAbsent(key, Buffer.from('2'), tags, signal)).rejects.toMatchObject({
      code: 'object-exists',
    });
    spoiled(
      (one) => is(one, 'PUT'),
      (one, usual) => {
        delete one.headers['if-match'];
        return usual();
      },
    );
    await expect(vault.putIfUnchanged(key, Buffer.from('2'), version, signal)).rejects.toMatchObject({
      code: 'vault-failed',
      message: expect.stringContaining('although it was told not to (If-Match)'),
    });
  });

  test('another write that is under way is waited for', async () => {
    spoiled((one) => is(one, 'PUT'), answering(failed(409, 'ConditionalRequestConflict')), 2);
    expect(await put('mine')).toEqual({ bytes: 4 });
    spoiled((one) => is(one, 'PUT'), answering(failed(409, 'ConditionalRequestConflict')));
    under.store.objects.clear();
    await expect(put('mine')).rejects.toMatchObject({ code: expect.stringMatching(/^(object-exists|vault-failed)$/) });
    expect(under.store.objects.size).toBe(0);
  });

  test('a store that knows none when parts are put together is asked without one', async () => {
    spoiled(
      (one) => one.method === 'POST' && one.headers['if-none-match'] !== undefined,
      answering(failed(501, 'NotImplemented')),
    );
    expect(await vaultOf().put(key, patterned(large, 65_536), tags, signal)).toEqual({ bytes: large });
  });

  test('older gateways get a version without its quotes', async () => {
    const vault = vaultOf({ checksums: 'when-required' }, { checksums: 'when-required' });
    const { version } = await vault.putIfAbsent(key, Buffer.from('1'), tags, signal);
    await vault.putIfUnchanged(key, Buffer.from('2'), version, signal);
    expect(under.store.asked.at(-1)!.headers).toMatchObject({ 'if-match': version.replaceAll('"', '') });
    await vaultOf().putIfUnchanged(key, Buffer.from('3'), (await vaultOf().read(key, signal)).version, signal);
    expect(under.store.asked.at(-1)!.headers['if-match']).toMatch(/^".*"$/);
  });
});

describe('tags of what is replaced', () => {
  const tagged = () => under.store.objects.get('prod/shop/object')!.tags;
  const asks = () => under.store.asked.filter((one) => is(one, 'GET', 'tagging')).length;

  test('stay, and are asked for once as long as nobody else writes or tags it', async () => {
    const vault = vaultOf();
    let { version } = await vaultOf().putIfAbsent(key, Buffer.from('0'), tags, signal);
    const replace = async (text: string, by = vault) =>
      ({ version } = await by.putIfUnchanged(key, Buffer.from(text), version, signal));

    for (const text of ['1', '2', '3']) await replace(text);
    expect([asks(), tagged()]).toEqual([1, tags]);

    await vault.retag(key, { tier: 'yearly' }, signal);
    await replace('4');
    expect([asks(), tagged()]).toEqual([2, { tier: 'yearly' }]);

    await vaultOf().retag(key, { tier: 'monthly' }, signal);
    await replace('5', vaultOf());
    await replace('6');
    expect([asks(), tagged()]).toEqual([4, { tier: 'monthly' }]);
  });
});

describe('what is sent', () => {
  test('is guarded by CRC-32C, or by MD5 where the store is old', async () => {
    await put('1');
    expect(under.store.asked[0]!.headers).toMatchObject({
      'x-amz-checksum-crc32c': expect.any(String),
      'x-amz-tagging': 'tier=daily',
    });
    expect(under.store.asked[0]!.headers).not.toHaveProperty('content-md5');
    under.store.asked.length = 0;
    const old = vaultOf({ checksums: 'when-required', tags: false }, { checksums: 'when-required' });
    await old.put(objectKey('old'), patterned(large, 65_536), tags, signal);
    await old.put(objectKey('small'), chunks(Buffer.from('1')), {}, signal);
    const sent = under.store.asked.filter(({ body, method }) => method === 'PUT' && body.length > 0);
    for (const { headers } of sent) expect(headers).toMatchObject({ 'content-md5': expect.any(String) });
    for (const { headers } of under.store.asked)
      for (const name of ['x-amz-checksum-crc32c', 'x-amz-checksum-algorithm', 'x-amz-checksum-mode', 'x-amz-tagging'])
        expect(headers).not.toHaveProperty(name);
    expect(await old.tags(objectKey('old'), signal)).toBeUndefined();
    expect(await old.retag(objectKey('old'), tags, signal)).toBeUndefined();
  });

  test('is signed with its digest, but for parts', async () => {
    await vaultOf().put(key, patterned(large, 65_536), tags, signal);
    await put('1').catch(() => undefined);
    const digestOf = (query?: string) =>
      under.store.asked.find((one) => is(one, 'PUT', query))!.headers['x-amz-content-sha256'];
    expect(digestOf('partNumber')).toBe('UNSIGNED-PAYLOAD');
    expect(digestOf()).toMatch(/^[0-9a-f]{64}$/);
  });

  test('names the key that encrypts', async () => {
    const kms = { 'x-amz-server-side-encryption': 'aws:kms', 'x-amz-server-side-encryption-aws-kms-key-id': 'arn:k' };
    await put('1');
    expect(under.store.asked[0]!.headers).not.toHaveProperty('x-amz-server-side-encryption');
    under.store.asked.length = 0;
    await vaultOf({ kmsKey: 'arn:k' }).put(objectKey('one'), chunks(Buffer.from('1')), {}, signal);
    await vaultOf({ kmsKey: 'arn:k' }).put(objectKey('many'), patterned(large, 65_536), {}, signal);
    for (const one of [under.store.asked[0]!, under.store.asked.find(({ query }) => query.has('uploads'))!])
      expect(one.headers).toMatchObject(kms);
    expect(under.store.asked[0]!.headers).not.toHaveProperty('x-amz-tagging');
  });

  test('is sent again where it arrives damaged, three times in all', async () => {
    spoiled((one) => is(one, 'PUT'), answering(failed(400, 'BadDigest')), 2);
    expect(await put('whole')).toEqual({ bytes: 5 });
    under.store.objects.clear();
    under.store.asked.length = 0;
    spoiled((one) => is(one, 'PUT'), answering(failed(400, 'BadDigest')));
    await expect(put('whole')).rejects.toMatchObject({
      code: 'vault-failed',
      message: 'write s3://acme-backups/prod/shop/object: BadDigest (HTTP 400)',
      hint: 'something on the way to the store changes data: proxy, memory, network',
    });
    expect(under.store.asked.filter((one) => is(one, 'PUT'))).toHaveLength(3);
  });
});
