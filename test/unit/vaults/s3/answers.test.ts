import { describe, expect, test } from '@jest/globals';
import { contentOf, contentOfPattern, patterned } from '../../../contract/vault/vault-data.ts';
import { inStore, is, key, large, lost, spoiledStore, tags, withHeaders } from '../../../support/s3-store/spoiled.ts';
import { failed } from '../../../support/s3-store/store.ts';

const signal = new AbortController().signal;
const { under, vaultOf, put, spoiled } = spoiledStore();
const held = () => under.store.objects.get(inStore)?.body.toString();

describe('an answer that is lost', () => {
  test('to a small object that was written is found to be ours; what another wrote is not', async () => {
    spoiled((one) => is(one, 'PUT'), lost, 1);
    const { version } = await vaultOf().putIfAbsent(key, Buffer.from('run 1'), tags, signal);
    expect(await vaultOf().read(key, signal)).toEqual({ body: Buffer.from('run 1'), version });

    spoiled((one) => is(one, 'PUT'), lost, 1);
    await expect(vaultOf().putIfAbsent(key, Buffer.from('run 2'), tags, signal)).rejects.toMatchObject({
      code: 'object-exists',
    });
    expect(held()).toBe('run 1');
  });

  test('to a replacement is found to be ours', async () => {
    const first = await vaultOf().putIfAbsent(key, Buffer.from('run 1'), tags, signal);
    spoiled((one) => is(one, 'PUT'), lost, 1);

    const { version } = await vaultOf().putIfUnchanged(key, Buffer.from('run 1, renewed'), first.version, signal);

    expect(await vaultOf().read(key, signal)).toEqual({ body: Buffer.from('run 1, renewed'), version });
    expect(await vaultOf().tags(key, signal)).toEqual(tags);
  });

  test('to a stream, in one piece or in parts, is found to be ours', async () => {
    spoiled((one) => is(one, 'PUT'), lost, 1);
    expect(await put('whole')).toEqual({ bytes: 5 });
    spoiled((one) => is(one, 'PUT'), lost, 1);
    await expect(put('other')).rejects.toMatchObject({ code: 'object-exists' });
    expect(held()).toBe('whole');

    under.store.objects.clear();
    spoiled((one) => one.method === 'POST' && one.query.has('uploadId'), lost, 1);
    expect(await vaultOf().put(key, patterned(large, 65_536), tags, signal)).toEqual({ bytes: large });
    expect(await contentOf(vaultOf().get(key, signal))).toEqual(await contentOfPattern(large));
    expect(under.store.uploads.size).toBe(0);
  });
});

describe('a store that holds something else than was sent', () => {
  const wrong = (headers: Record<string, string>) => spoiled((one) => is(one, 'HEAD'), withHeaders(headers));

  test.each([5, large])('an object of %d bytes with another size is removed', async (bytes) => {
    wrong({ 'content-length': '4' });
    const putting = vaultOf().put(key, patterned(bytes, 65_536), tags, signal);

    await expect(putting).rejects.toMatchObject({
      code: 'vault-failed',
      message: `s3://acme-backups/prod/shop/object: the store holds 4 of ${bytes} bytes; it has been removed`,
      hint: 'run again; if it recurs, the store is broken, or does not know CRC-32C: then set checksums: when-required',
    });
    expect(under.store.objects.size).toBe(0);
  });

  test('one with another checksum is removed', async () => {
    wrong({ 'x-amz-checksum-crc32c': 'AAAAAA==' });
    await expect(put('whole')).rejects.toMatchObject({
      code: 'vault-failed',
      message: expect.stringMatching(/reports checksum AAAAAA==.*, sent was \S{8}; it has been removed$/),
    });
    expect(under.store.objects.size).toBe(0);
  });

  test('what can’t be removed is told with that', async () => {
    wrong({ 'content-length': '4' });
    const { spoil } = under.store.state;
    under.store.state.spoil = (one, usual) =>
      one.method === 'DELETE' ? failed(403, 'AccessDenied') : spoil!(one, usual);
    await expect(put('whole')).rejects.toMatchObject({
      message: expect.stringMatching(
        /it could not be removed \(delete s3:\/\/acme-backups\/prod\/shop\/object: AccessDenied \(HTTP 403\)\)$/,
      ),
    });
  });

  test('a part of which the store reports another checksum fails the upload, and leaves nothing', async () => {
    spoiled((one) => is(one, 'PUT', 'partNumber'), withHeaders({ 'x-amz-checksum-crc32c': 'AAAAAA==' }));
    await expect(vaultOf().put(key, patterned(large, 65_536), tags, signal)).rejects.toMatchObject({
      code: 'vault-failed',
      message: expect.stringMatching(/the store reports checksum AAAAAA== of part \d, sent was \S{8}$/),
    });
    expect([under.store.objects.size, under.store.uploads.size]).toEqual([0, 0]);
  });

  test('tags that a gateway has lost are given again', async () => {
    spoiled(
      (one) => one.method === 'POST' && one.query.has('uploads'),
      (one, usual) => {
        delete one.headers['x-amz-tagging'];
        return usual();
      },
    );
    await vaultOf().put(key, patterned(large, 65_536), tags, signal);
    expect(under.store.objects.get(inStore)!.tags).toEqual({});
    spoiled((one) => is(one, 'HEAD'), withHeaders({ 'x-amz-tagging-count': '0' }));
    under.store.objects.clear();
    await vaultOf().put(key, patterned(large, 65_536), tags, signal);
    expect(under.store.asked.filter((one) => is(one, 'PUT', 'tagging'))).toHaveLength(1);
    expect(under.store.objects.get(inStore)!.tags).toEqual(tags);
  });
});
