import { describe, expect, test } from '@jest/globals';
import { objectKey } from '../../../../core/domain/keys.ts';
import { keysOf } from '../../../contract/vault/vault-data.ts';
import { answering, inStore, key, spoiledStore, tags } from '../../../support/s3-store/spoiled.ts';
import { failed } from '../../../support/s3-store/store.ts';
import type { Vault } from '../../../../core/vault.ts';

const signal = new AbortController().signal;
const { under, vaultOf, put, spoiled } = spoiledStore();
const place = 's3://acme-backups/prod';
const upload = { key, upload: 'u1', begun: new Date() };
const locked = { objectLock: { mode: 'governance', daily: 3 } } as const;

/** Everything that is asked of a bucket, and what is said to have been tried. */
const calls: [string, string, (vault: Vault) => Promise<unknown>][] = [
  ['putIfAbsent', `write ${place}/${key}`, (vault) => vault.putIfAbsent(key, Buffer.from('1'), tags, signal)],
  [
    'putIfUnchanged',
    `read tags of ${place}/${key}`,
    (vault) => vault.putIfUnchanged(key, Buffer.from('1'), '"e"', signal),
  ],
  ['put', `write ${place}/${key}`, () => put('1')],
  ['read', `read ${place}/${key}`, (vault) => vault.read(key, signal)],
  ['get', `read ${place}/${key}`, (vault) => Array.fromAsync(vault.get(key, signal))],
  ['list', `list ${place}/shop/`, (vault) => keysOf(vault, 'shop/')],
  ['delete', `delete ${place}/${key}`, (vault) => vault.delete(key, signal)],
  ['tags', `read tags of ${place}/${key}`, (vault) => vault.tags(key, signal)],
  ['retag', `tag ${place}/${key}`, (vault) => vault.retag(key, tags, signal)],
  ['hold', `put a legal hold on ${place}/${key}`, (vault) => vault.hold!(key, true, signal)],
  ['lock', `lock ${place}/${key}`, (vault) => vault.locks!.lengthen(key, new Date(), signal)],
  [
    'unfinished',
    `list unfinished uploads of ${place}/shop/`,
    (vault) => Array.fromAsync(vault.unfinished('shop/', signal)),
  ],
  ['abandon', `end an unfinished upload of ${place}/${key}`, (vault) => vault.abandon(upload, signal)],
];

test.each(calls)('a refusal of %s says what was tried', async (_, what, call) => {
  spoiled(() => true, answering(failed(400, 'MalformedXML')));

  await expect(call(vaultOf(locked))).rejects.toMatchObject({
    code: 'vault-failed',
    message: expect.stringMatching(new RegExp(`^${what}: MalformedXML`)),
  });
});

test.each([
  ['', 's3://acme-backups', ''],
  ['/', 's3://acme-backups', ''],
  ['prod', 's3://acme-backups/prod', 'prod/'],
  ['//team/prod//', 's3://acme-backups/team/prod', 'team/prod/'],
])('below the prefix %j a vault is %s', async (prefix, name, above) => {
  const vault = vaultOf({ prefix });

  await vault.putIfAbsent(key, Buffer.from('1'), {}, signal);

  expect([vault.place, [...under.store.objects.keys()].filter((one) => one.endsWith(key))]).toEqual([
    name,
    [`${above}${key}`],
  ]);
});

describe('unfinished uploads', () => {
  const begun = (...names: string[]) =>
    names.map((name, index) =>
      under.store.uploads.set(`u${index}`, { key: `prod/${name}`, tags: {}, parts: new Map() }),
    );
  const unfinished = () => Array.fromAsync(vaultOf().unfinished('shop/', signal), ({ key: name }) => name);
  const rewritten = (of: (body: string) => string): void =>
    spoiled(
      ({ key: name, method }) => name === '' && method === 'GET',
      async (_, usual) => ({ body: of(String((await usual()).body)) }),
    );

  test.each(['Key', 'UploadId', 'Initiated'])('one without its %s is nobody’s to end', async (part) => {
    begun('shop/a', 'shop/b');
    rewritten((body) => body.replace(new RegExp(`<${part}>[^<]*</${part}>`), ''));

    expect(await unfinished()).toHaveLength(1);
  });

  test('a store that gives the same page again and again is told, not asked for ever', async () => {
    begun('shop/a');
    const more = (markers: string) =>
      rewritten((body) =>
        body.replace(/<IsTruncated>false<\/IsTruncated>/, `<IsTruncated>true</IsTruncated>${markers}`),
      );
    const said = {
      code: 'vault-failed',
      message: `list unfinished uploads of ${place}/shop/: the store says there is more, and not where`,
    };

    more('<NextKeyMarker>prod/shop/a</NextKeyMarker><NextUploadIdMarker>u0</NextUploadIdMarker>');
    await expect(unfinished()).rejects.toMatchObject(said);
    more('<NextKeyMarker>prod/shop/a</NextKeyMarker>');
    await expect(unfinished()).rejects.toMatchObject(said);
    more('<NextUploadIdMarker>u0</NextUploadIdMarker>');
    await expect(unfinished()).rejects.toMatchObject(said);
  });

  test('of one key there may be many, and each page goes on where the last one ended', async () => {
    begun(...Array.from({ length: 7 }, () => 'shop/a'));
    const asked = under.store.asked;

    expect(await unfinished()).toEqual(Array(7).fill(objectKey('shop/a')));

    const pages = asked.filter(({ query }) => query.has('uploads'));
    expect(pages[0]!.query.has('key-marker')).toBe(false);
    for (const { query } of pages.slice(1)) expect(query.get('key-marker')).toBe(inStore.replace('object', 'a'));
    expect(new Set(pages.map(({ query }) => query.get('upload-id-marker'))).size).toBe(pages.length);
    expect(pages.length).toBeGreaterThan(1);
  });
});
