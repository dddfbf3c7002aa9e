import { expect, test } from '@jest/globals';
import { objectKey } from '../../../../core/domain/keys.ts';
import { chunks } from '../../../contract/vault/vault-data.ts';
import { conditions, inStore, is, isWrite, key, spoiledStore, tags } from '../../../support/s3-store/spoiled.ts';
import { failed } from '../../../support/s3-store/store.ts';
import type { Asked } from '../../../support/s3-store/store.ts';

// what else a store without conditions may do: claims.test.ts has what keeps two runs apart
const signal = new AbortController().signal;
const { under, vaultOf, heedsNot } = spoiledStore();
const vault = () => vaultOf({ conditionalWrites: false, settleMs: 50 });
const put = (text = '1', on = vault()) => on.putIfAbsent(key, Buffer.from(text), tags, signal);
const isOf = (one: Asked, method: string, at: string) => is(one, method) && one.key.startsWith(at);
const left = () => [...under.store.objects.keys()].filter((name) => name.includes('.claims/'));
const trials = () => under.store.asked.filter((one) => isOf(one, 'PUT', 'prod/.claims/.trial/'));

test('a trial that failed is made anew, and one that went well is not', async () => {
  const on = vault();
  heedsNot(conditions, (one, usual) => (one.method === 'DELETE' ? failed(403, 'AccessDenied') : usual()));
  await expect(put('1', on)).rejects.toMatchObject({ code: 'vault-denied' });
  heedsNot();
  await put('1', on);
  const tried = trials().length;
  await expect(put('2', on)).rejects.toMatchObject({ code: 'object-exists' });

  expect(trials()).toHaveLength(tried);
});

test('a trial whose objects are gone already has removed them', async () => {
  heedsNot(conditions, async (one, usual) => {
    const answer = await usual();
    return one.method === 'DELETE' ? failed(404, 'NoSuchKey') : answer;
  });

  await put();

  expect(under.store.objects.has(inStore)).toBe(true);
});

test('what dead trials have left is taken away, and what others are at stays', async () => {
  const [dead, dying, alive] = ['dead', 'dying', 'alive'].map((name) => `prod/.claims/.trial/${name}`);
  for (const name of [dead!, dying!, alive!])
    under.store.objects.set(name, { body: Buffer.alloc(0), etag: '"e"', tags: {} });
  heedsNot(conditions, async (one, usual) => {
    const answer = await usual();
    // 35 minutes before what was just written, and a second more
    const since = (name: string, at: string) => (body: string) =>
      body.replace(new RegExp(`(/${name}</Key>.*?<LastModified>)[^<]*`, 's'), `$12026-11-20T${at}.000Z`);
    const older = (body: string) => since('dying', '01:25:00')(since('dead', '01:24:59')(body));
    return one.query.has('list-type') ? { ...answer, body: older(String(answer.body)) } : answer;
  });

  await put();

  expect(left()).toEqual([dying, alive]);
});

test.each(conditions)('%s may be a header that the store does not know, beside one that it heeds', async (unknown) => {
  under.store.state.spoil = (one, usual) =>
    isWrite(one) && unknown in one.headers ? failed(405, 'MethodNotAllowed') : usual();

  await put();
  await expect(put('2')).rejects.toMatchObject({ code: 'object-exists' });
  expect(under.store.objects.get(inStore)!.body.toString()).toBe('1');
});

test('a trial that fails for another reason is no answer', async () => {
  under.store.state.spoil = (one, usual) => (isWrite(one) ? failed(400, 'QuotaExceeded') : usual());
  await expect(put()).rejects.toMatchObject({ code: 'vault-full' });
  under.store.state.spoil = (one, usual) =>
    isWrite(one) && 'if-none-match' in one.headers ? failed(403, 'AccessDenied') : usual();
  await expect(put()).rejects.toMatchObject({ code: 'vault-denied' });
  expect([...under.store.objects.keys()]).toEqual([]);
});

test('a stream goes where nothing lies, and nowhere else', async () => {
  const heard: string[] = [];
  heedsNot();
  const { spoil } = under.store.state;
  under.store.state.spoil = (one, usual) => {
    if (isOf(one, 'PUT', inStore)) heard.push(...conditions.filter((name) => name in one.headers));
    return spoil!(one, usual);
  };
  const stream = (text: string) => vault().put(key, chunks(Buffer.from(text)), tags, signal);

  expect(await stream('one')).toEqual({ bytes: 3 });
  await expect(stream('another')).rejects.toMatchObject({
    code: 'object-exists',
    message: 'write s3://acme-backups/prod/shop/object: it is there already',
  });
  expect(under.store.objects.get(inStore)!.body.toString()).toBe('one');
  expect(heard).toEqual([]);
});

test('a replacement keeps the tags, of a store that has some, and is none of what is gone', async () => {
  heedsNot();
  const { version } = await put();
  await vault().putIfUnchanged(key, Buffer.from('2'), version, signal);
  expect(under.store.objects.get(inStore)).toMatchObject({ body: Buffer.from('2'), tags });
  const asked = under.store.asked.length;
  const untagged = vaultOf({ conditionalWrites: false, tags: false });
  await untagged.putIfUnchanged(key, Buffer.from('3'), (await untagged.read(key, signal)).version, signal);
  expect(under.store.asked.slice(asked).filter(({ query }) => query.has('tagging'))).toEqual([]);

  under.store.objects.delete(inStore);
  await expect(vault().putIfUnchanged(key, Buffer.from('4'), version, signal)).rejects.toMatchObject({
    code: 'object-exists',
    message: 'write s3://acme-backups/prod/shop/object: somebody else has written or removed it',
  });
});

test('a claim that can’t be taken away is left, and what was written counts', async () => {
  heedsNot();
  const on = vault();
  await on.putIfAbsent(objectKey('shop/first'), Buffer.from('1'), {}, signal);
  heedsNot(conditions, (one, usual) => (one.method === 'DELETE' ? failed(400, 'MalformedXML') : usual()));

  await put('1', on);

  expect(left()).toHaveLength(1);
});

test('a write that is refused says so, and takes its claim back', async () => {
  heedsNot();
  const on = vault();
  await on.putIfAbsent(objectKey('shop/first'), Buffer.from('1'), {}, signal);
  heedsNot(conditions, (one, usual) => (isOf(one, 'PUT', inStore) ? failed(403, 'AccessDenied') : usual()));
  await expect(put('1', on)).rejects.toMatchObject({ code: 'vault-denied' });
  heedsNot(conditions, (one, usual) => (isOf(one, 'PUT', 'prod/.claims/shop') ? failed(403, 'No') : usual()));
  await expect(put('1', on)).rejects.toMatchObject({
    code: 'vault-denied',
    message: expect.stringMatching(/^claim s3:\/\/acme-backups\/prod\/shop\/object: /),
  });
  heedsNot(conditions, (one, usual) => (isOf(one, 'HEAD', inStore) ? failed(400, 'Odd') : usual()));
  await expect(put('1', on)).rejects.toMatchObject({
    code: 'vault-failed',
    message: expect.stringMatching(/^look at s3:\/\/acme-backups\/prod\/shop\/object: /),
  });

  expect(left()).toEqual([]);
});
