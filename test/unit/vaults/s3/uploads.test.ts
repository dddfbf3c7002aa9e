import { describe, expect, test } from '@jest/globals';
import { crc32 } from 'hash-wasm';
import { objectKey } from '../../../../core/domain/keys.ts';
import { chunks, contentOf, contentOfPattern, patterned } from '../../../contract/vault/vault-data.ts';
import {
  answering,
  inStore,
  is,
  key,
  large,
  lost,
  spoiledStore,
  tags,
  withHeaders,
} from '../../../support/s3-store/spoiled.ts';
import { failed } from '../../../support/s3-store/store.ts';
import type { Asked } from '../../../support/s3-store/store.ts';

const signal = new AbortController().signal;
const { under, vaultOf, put, spoiled } = spoiledStore();
const place = 's3://acme-backups/prod/shop/object';
const upload = (vault = vaultOf()) => vault.put(key, patterned(large, 65_536), tags, signal);
const asked = (fits: (one: Asked) => boolean) => under.store.asked.filter(fits);
const isBegin = (one: Asked) => one.method === 'POST' && one.query.has('uploads');
const isComplete = (one: Asked) => one.method === 'POST' && one.query.has('uploadId');
/** In their order: they may arrive in any. */
const partsSent = () =>
  asked(isPart).sort((a, b) => Number(a.query.get('partNumber')) - Number(b.query.get('partNumber')));
const isPart = (one: Asked) => is(one, 'PUT', 'partNumber');
const nothingLeft = () => expect([under.store.objects.size, under.store.uploads.size]).toEqual([0, 0]);
/** CRC-32C by another implementation, in base64. */
const crc = async (bytes: Buffer) => Buffer.from(await crc32(bytes, 0x82f63b78), 'hex').toString('base64');

describe('an upload in parts', () => {
  test('says what it is checked by: each part, and the whole', async () => {
    await upload();

    const parts = partsSent();
    const whole = Buffer.concat(parts.map(({ body }) => body));
    expect(parts.map(({ body }) => body.length)).toEqual([8 * 1024 ** 2, 1024 ** 2]);
    for (const { body, headers } of parts) expect(headers['x-amz-checksum-crc32c']).toBe(await crc(body));
    expect(asked(isBegin)[0]!.headers).toMatchObject({
      'x-amz-checksum-algorithm': 'CRC32C',
      'x-amz-checksum-type': 'FULL_OBJECT',
      'x-amz-tagging': 'tier=daily',
    });
    expect(asked(isComplete)[0]!.headers).toMatchObject({
      'x-amz-checksum-crc32c': await crc(whole),
      'x-amz-checksum-type': 'FULL_OBJECT',
      'x-amz-mp-object-size': String(large),
      'if-none-match': '*',
    });
    for (const { body } of parts) expect(asked(isComplete)[0]!.body.toString()).toContain(await crc(body));
    expect(await contentOf([under.store.objects.get(inStore)!.body])).toEqual(await contentOfPattern(large));
  });

  test('that the store gives no name, or a part of it no tag, is none', async () => {
    spoiled(isBegin, answering({ body: '<InitiateMultipartUploadResult></InitiateMultipartUploadResult>' }));
    await expect(upload()).rejects.toMatchObject({
      code: 'vault-failed',
      message: `write ${place}: the store began an upload without a name for it`,
    });
    spoiled(isPart, answering({}));
    await expect(upload()).rejects.toMatchObject({
      code: 'vault-failed',
      message: expect.stringMatching(new RegExp(`^write ${place}: the store took part [12] without a tag for it$`)),
    });
    nothingLeft();
  });

  test('goes where nothing lies, also where something came meanwhile', async () => {
    spoiled(isComplete, (_, usual) => {
      under.store.objects.set(inStore, { body: Buffer.alloc(large), etag: '"e"', tags: {} });
      return usual();
    });

    await expect(upload()).rejects.toMatchObject({
      code: 'object-exists',
      message: `write ${place}: it is there already`,
    });
    expect(under.store.objects.get(inStore)!.body).toEqual(Buffer.alloc(large));
    expect(under.store.uploads.size).toBe(0);
  });

  test('that somebody has ended is none', async () => {
    spoiled(isComplete, (_, usual) => {
      under.store.uploads.clear();
      return usual();
    });

    await expect(upload()).rejects.toMatchObject({
      code: 'vault-failed',
      message: `write ${place}: NoSuchUpload (HTTP 404)`,
      hint: 'the upload was ended by somebody else, a lifecycle rule of the bucket perhaps: run again',
    });
    nothingLeft();
  });

  test('whose answer is lost is found by the digests of its parts, in a store without checksums', async () => {
    const old = vaultOf({ checksums: 'when-required' }, { checksums: 'when-required' });
    spoiled(isComplete, lost, 1);
    expect(await upload(old)).toEqual({ bytes: large });

    under.store.objects.clear();
    spoiled(isComplete, (_, usual) => {
      under.store.uploads.clear();
      under.store.objects.set(inStore, { body: Buffer.alloc(large), etag: '"e-2"', tags: {} });
      return usual();
    });
    await expect(upload(old)).rejects.toMatchObject({ code: 'vault-failed' });
  });

  test('may be checked by the checksum of its checksums, as stores without those of whole objects do', async () => {
    spoiled(
      (one) => is(one, 'HEAD'),
      async (_, usual) => {
        const sums = await Promise.all(partsSent().map(({ body }) => crc(body)));
        const composite = await crc(Buffer.concat(sums.map((sum) => Buffer.from(sum, 'base64'))));
        const answer = await usual();
        return { ...answer, headers: { ...answer.headers, 'x-amz-checksum-crc32c': `${composite}-${sums.length}` } };
      },
    );
    expect(await upload()).toEqual({ bytes: large });
  });

  test('of a source that breaks is ended; that it can’t be is told with the source’s words', async () => {
    const breaking = async function* () {
      yield* patterned(large, 65_536);
      throw new Error('the source broke');
    };
    const broken = () => vaultOf().put(key, breaking(), tags, signal);
    await expect(broken()).rejects.toThrow(/^the source broke$/);
    nothingLeft();

    spoiled(({ method }) => method === 'DELETE', answering(failed(403, 'AccessDenied')));
    await expect(broken()).rejects.toMatchObject({
      code: 'vault-failed',
      message: expect.stringMatching(
        /^the source broke; besides, the parts sent so far could not be removed: write s3:.*AccessDenied/,
      ),
      hint: "a lifecycle rule that ends incomplete uploads removes them; the store's list of multipart uploads shows them",
      cause: new Error('the source broke'),
    });
    spoiled(({ method }) => method === 'DELETE', answering(failed(404, 'NoSuchUpload')));
    await expect(broken()).rejects.toThrow(/^the source broke$/);
  });

  test('whose tags are all there is not tagged again', async () => {
    await upload();
    expect(asked((one) => is(one, 'PUT', 'tagging'))).toEqual([]);
    under.store.objects.clear();
    spoiled((one) => is(one, 'HEAD'), withHeaders({ 'x-amz-tagging-count': '0' }));
    const untagged = vaultOf({ tags: false });
    await upload(untagged);
    expect(asked((one) => is(one, 'PUT', 'tagging'))).toEqual([]);
  });
});

describe('a small write', () => {
  const write = (text: string, on = vaultOf(), to = key) => on.putIfAbsent(to, Buffer.from(text), tags, signal);
  const puts = () => asked((one) => is(one, 'PUT'));

  test('that is not seen to be refused a second time, nor to go through, is tried again at the next one', async () => {
    const vault = vaultOf();
    let times = 0;
    spoiled(
      (one) => is(one, 'PUT'),
      (_, usual) => ((times += 1) === 2 ? failed(403, 'AccessDenied') : usual()),
    );

    await write('1', vault);
    await write('2', vault, objectKey('shop/other'));
    await write('3', vault, objectKey('shop/third'));

    expect(puts()).toHaveLength(5);
  });

  test('that a store lets through a second time is removed, and an old version that it lets through is not', async () => {
    const heedsNot = (name: string) =>
      spoiled(
        (one) => is(one, 'PUT'),
        (one, usual) => {
          delete one.headers[name];
          return usual();
        },
      );
    heedsNot('if-none-match');
    await expect(write('1')).rejects.toMatchObject({ code: 'vault-failed' });
    nothingLeft();

    spoiled(() => false, lost);
    const { version } = await write('1');
    heedsNot('if-match');
    await expect(vaultOf().putIfUnchanged(key, Buffer.from('2'), version, signal)).rejects.toMatchObject({
      code: 'vault-failed',
    });
    expect(under.store.objects.get(inStore)!.body.toString()).toBe('2');
  });

  test('of the same bytes says nothing of a store, and is not tried again', async () => {
    const { version } = await write('1');
    const before = puts().length;

    expect(await vaultOf().putIfUnchanged(key, Buffer.from('1'), version, signal)).toEqual({ version });

    expect(puts()).toHaveLength(before + 1);
  });

  test('in the place of what is gone, or is another version, is refused', async () => {
    const { version } = await write('1');
    await vaultOf().putIfUnchanged(key, Buffer.from('2'), version, signal);
    const refused = {
      code: 'object-exists',
      message: `write ${place}: somebody else has written or removed it`,
    };

    await expect(vaultOf().putIfUnchanged(key, Buffer.from('3'), version, signal)).rejects.toMatchObject(refused);
    under.store.objects.clear();
    await expect(vaultOf().putIfUnchanged(key, Buffer.from('3'), version, signal)).rejects.toMatchObject(refused);
    nothingLeft();
  });

  test('that meets another one is tried five times in all', async () => {
    spoiled((one) => is(one, 'PUT'), answering(failed(409, 'ConditionalRequestConflict')));

    await expect(put('mine')).rejects.toMatchObject({
      code: 'object-exists',
      message: `write ${place}: it is there already`,
    });

    expect(puts()).toHaveLength(5);
  });

  test('without an entity tag in the answer is none', async () => {
    spoiled(
      (one) => is(one, 'PUT'),
      async (_, usual) => ({ ...(await usual()), headers: {} }),
    );

    await expect(write('1')).rejects.toMatchObject({
      code: 'vault-failed',
      message: `write ${place}: the store gave no entity tag`,
    });
  });

  test('to a store that answers 501 says what to try', async () => {
    spoiled((one) => is(one, 'PUT'), answering(failed(501, 'Whatever')));

    await expect(write('1')).rejects.toMatchObject({
      code: 'vault-failed',
      hint:
        'does the store know conditional writes? If not, write conditionalWrites: false in the vault, which keeps ' +
        'runs apart in a weaker way (docs/stores.md); if it does, try checksums: when-required, or tags: false',
    });
  });

  test('has no tags where it was given none', async () => {
    await vaultOf().putIfAbsent(key, Buffer.from('1'), {}, signal);
    expect(await vaultOf().tags(key, signal)).toEqual({});
    await vaultOf().put(objectKey('shop/stream'), chunks(Buffer.from('1')), {}, signal);
    expect(await vaultOf().tags(objectKey('shop/stream'), signal)).toEqual({});
  });
});
