import {
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectTaggingCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectLockConfigurationCommand,
  PutObjectRetentionCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mapConcurrently } from '../../../core/pipeline/concurrency.ts';
import { BackupError } from '../../../core/domain/errors.ts';
import { objectKey } from '../../../core/domain/keys.ts';
import type { BackupId, SourceName } from '../../../core/domain/keys.ts';
import { manifestKey, partKey } from '../../../core/domain/layout/places.ts';
import { s3Vault } from '../../../core/vaults/s3/s3.ts';
import { startCeph } from '../../servers/s3/ceph.ts';
import type { S3Server } from '../../servers/server.ts';
import { dailyIds, none, policyOf, putBackup, rotatingIn, signal } from '../../support/vaults/history.ts';
import { clientOf } from '../vaults/s3/servers.ts';

const shop = 'shop' as SourceName;
/** Far ahead: what the server stores now is old. */
const later = '2030-01-01T00:00:00Z';
let server: S3Server;
let client: S3Client;

beforeAll(async () => {
  server = await startCeph();
  client = clientOf(server);
}, 600_000);
afterAll(async () => {
  client?.destroy();
  await server?.stop();
});

/** Locks every object of a bucket for a month, as the bucket of the stack does (cloud.objectLock). */
const lockAll = (bucket: string, mode: 'GOVERNANCE' | 'COMPLIANCE') =>
  new PutObjectLockConfigurationCommand({
    Bucket: bucket,
    ObjectLockConfiguration: {
      ObjectLockEnabled: 'Enabled',
      Rule: { DefaultRetention: { Mode: mode, Days: 30 } },
    },
  });

async function sceneIn(bucket: string, options: { versioned?: boolean; objectLock?: boolean } = {}, now = later) {
  await server.createBucket(bucket, options);
  const vault = s3Vault({ client, bucket, prefix: 'team' });
  return { vault, ...rotatingIn(vault, now), uploads: async () => Array.fromAsync(vault.unfinished('', signal)) };
}

test('8: with more than a thousand objects, the oldest are the oldest and the newest the newest', async () => {
  const { vault, rotating, ids } = await sceneIn('many');
  const all = dailyIds(340);
  await mapConcurrently(16, all, (id) => putBackup(vault, 'shop', id, { tiers: ['last'] }), signal);
  expect(await Array.fromAsync(vault.list('shop/', signal))).toHaveLength(1020);

  const rotation = await rotating('shop', policyOf({ count: 325 }));

  expect(rotation).toMatchObject({ failures: [], retagged: 0 });
  expect(await ids('shop')).toEqual(all.slice(15));
  expect(await Array.fromAsync(vault.list('shop/', signal))).toHaveLength(975);
}, 120_000);

test('tags follow what a backup counts for, on every object of it, and are left alone when nothing has changed', async () => {
  const { vault, rotating } = await sceneIn('tagged');
  const all = dailyIds(3);
  for (const id of all) await putBackup(vault, 'shop', id);
  const policy = policyOf({ ...none, daily: 3, monthly: 1 });

  const first = await rotating('shop', policy);
  const second = await rotating('shop', policy);

  expect([first.retagged, second.retagged]).toEqual([3, 0]);
  for (const [id, tier, tiers] of [
    [all[2], 'monthly', 'daily-monthly'],
    [all[1], 'daily', 'daily'],
    [all[0], 'daily', 'daily'],
  ] as const) {
    for (const key of [
      manifestKey(shop, id!),
      partKey(shop, id!, 'data/0001.sql.zst'),
      partKey(shop, id!, 'catalog.json.zst'),
    ]) {
      const { TagSet } = await client.send(new GetObjectTaggingCommand({ Bucket: 'tagged', Key: `team/${key}` }));
      expect(Object.fromEntries((TagSet ?? []).map(({ Key, Value }) => [Key, Value]))).toEqual({
        'nightjar-tier': tier,
        'nightjar-tiers': tiers,
      });
    }
  }
});

test('unfinished uploads of dead runs are ended, those of a young run and of others are not', async () => {
  const { vault, rotating, uploads } = await sceneIn('uploads');
  for (const id of dailyIds(2)) await putBackup(vault, 'shop', id);
  const dead = '20261101T020000Z-dddddd';
  const young = '20291231T230000Z-eeeeee';
  for (const key of [
    `shop/${dead}/data/0001.sql.zst`,
    `shop/${young}/data/0001.sql.zst`,
    `shop2/${dead}/data/0001.sql.zst`,
    `shop/${dead}/photo.jpg`,
  ]) {
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket: 'uploads', Key: `team/${key}` }));
    await client.send(
      new UploadPartCommand({
        Bucket: 'uploads',
        Key: `team/${key}`,
        UploadId,
        PartNumber: 1,
        Body: Buffer.alloc(5 * 1024 * 1024),
      }),
    );
  }

  const looked = await rotating('shop', policyOf({ count: 2 }), { dryRun: true });
  const rotation = await rotating('shop', policyOf({ count: 2 }));

  expect(looked.swept).toMatchObject({ state: 'found', uploads: 1 });
  expect(rotation).toMatchObject({ failures: [], swept: { state: 'swept', uploads: 1, objects: 0 } });
  expect((await uploads()).map(({ key }) => String(key)).sort()).toEqual([
    `shop/${dead}/photo.jpg`,
    `shop/${young}/data/0001.sql.zst`,
    `shop2/${dead}/data/0001.sql.zst`,
  ]);
});

test('in a versioned bucket, what is removed is hidden and not gone, and its space is not said to be free', async () => {
  const { vault, rotating, ids } = await sceneIn('versioned', { versioned: true });
  const all = dailyIds(3);
  for (const id of all) await putBackup(vault, 'shop', id);

  const looked = await rotating('shop', policyOf({ count: 2 }), { dryRun: true });
  const rotation = await rotating('shop', policyOf({ count: 2 }));

  expect(looked).toMatchObject({ freed: 0, hidden: rotation.hidden, removals: [{ id: all[0], state: 'hidden' }] });
  expect(rotation).toMatchObject({ failures: [], freed: 0, removals: [{ id: all[0], state: 'hidden' }] });
  expect(rotation.hidden).toBeGreaterThan(0);
  expect(await ids('shop')).toEqual(all.slice(1));
  expect(await bytesBehindMarkers('versioned')).toBe(rotation.hidden);
  expect((await rotating('shop', policyOf({ count: 2 }))).removals).toEqual([]);
});

test('locked backups are hidden, and it is told until when they stay; that is no error', async () => {
  const { vault, rotating, ids } = await sceneIn('locked', { objectLock: true });
  await client.send(lockAll('locked', 'COMPLIANCE'));
  const all = dailyIds(3);
  for (const id of all) await putBackup(vault, 'shop', id);

  const looked = await rotating('shop', policyOf({ count: 2 }), { dryRun: true });
  const rotation = await rotating('shop', policyOf({ count: 2 }));

  const until = rotation.removals[0]!.lock!.until!;
  expect(rotation).toMatchObject({
    failures: [],
    freed: 0,
    removals: [{ id: all[0], state: 'hidden', lock: { hold: false } }],
  });
  expect(looked.removals[0]!.lock!.until).toEqual(until);
  expect(Math.round((until.getTime() - Date.now()) / 86_400_000)).toBe(30);
  expect(await ids('shop')).toEqual(all.slice(1));
  expect(await bytesBehindMarkers('locked')).toBe(rotation.hidden);
});

const versionsOf = async (bucket: string) =>
  (await client.send(new ListObjectVersionsCommand({ Bucket: bucket }))).Versions ?? [];
/** Somebody with every right of the bucket's owner deletes every version for good: which are gone, and which refused. */
async function razed(bucket: string, part = '', bypass = false): Promise<Set<string>> {
  const ends = (await versionsOf(bucket))
    .filter(({ Key = '' }) => Key.includes(part))
    .map(({ Key, VersionId }) =>
      client
        .send(
          new DeleteObjectCommand({
            Bucket: bucket,
            Key,
            VersionId,
            ...(bypass && { BypassGovernanceRetention: true }),
          }),
        )
        .then(
          () => 'gone',
          ({ name }: Error) => name,
        ),
    );
  return new Set(await Promise.all(ends));
}

test('with Object Lock nobody destroys a backup: what was hidden is there again when the markers are gone', async () => {
  const { vault, ids, keys } = await sceneIn('vandal', { objectLock: true });
  await client.send(lockAll('vandal', 'COMPLIANCE'));
  const [id] = dailyIds(1);
  await putBackup(vault, 'shop', id!);
  const before = await keys('shop/');

  for (const key of before) await vault.delete(objectKey(key), signal);
  expect(await ids('shop')).toEqual([]);
  expect(await razed('vandal')).toEqual(new Set(['AccessDenied']));
  expect(await razed('vandal', '', true)).toEqual(new Set(['AccessDenied']));
  for (const { Key, VersionId } of await versionsOf('vandal'))
    await expect(
      client.send(
        new PutObjectRetentionCommand({
          Bucket: 'vandal',
          Key,
          VersionId,
          BypassGovernanceRetention: true,
          Retention: { Mode: 'COMPLIANCE', RetainUntilDate: new Date(Date.now() + 60_000) },
        }),
      ),
    ).rejects.toMatchObject({ name: 'AccessDenied' });
  await expect(
    client.send(new PutBucketVersioningCommand({ Bucket: 'vandal', VersioningConfiguration: { Status: 'Suspended' } })),
  ).rejects.toMatchObject({ name: 'InvalidBucketState' });

  const { DeleteMarkers = [] } = await client.send(new ListObjectVersionsCommand({ Bucket: 'vandal' }));
  for (const { Key, VersionId } of DeleteMarkers)
    await client.send(new DeleteObjectCommand({ Bucket: 'vandal', Key, VersionId }));
  expect(await keys('shop/')).toEqual(before);
  expect(await ids('shop')).toEqual([id]);
});

test('rotation locks what counts for a month that is over, once, and only ever for longer', async () => {
  const { ids } = await sceneIn('tiers', { objectLock: true });
  const century = 36_500;
  const objectLock = { mode: 'compliance' as const, monthly: century };
  const vault = s3Vault({ client, bucket: 'tiers', prefix: 'team', objectLock });
  const { rotating, deps } = rotatingIn(vault, '2026-12-03T12:00:00Z');
  const all = dailyIds(5, '2026-12-02');
  for (const id of all) await putBackup(vault, 'shop', id);
  const policy = policyOf({ ...none, daily: 3, monthly: 2 });

  const first = await rotating('shop', policy);
  const second = await rotating('shop', policy);

  expect(await ids('shop')).toEqual(all.slice(2));
  expect([first, second].map(({ locked, failures }) => ({ locked, failures }))).toEqual([
    { locked: 1, failures: [] },
    { locked: undefined, failures: [] },
  ]);
  const locks = await Promise.all(
    all.slice(2).map(async (id) => (await deps().store.readManifest(shop, id, signal)).lock?.until),
  );
  const until = new Date(Date.parse('2026-11-30T02:00:00Z') + century * 86_400_000);
  expect(locks).toEqual([until, undefined, undefined]);
  expect(await razed('tiers', `${all[2]}/`, true)).toEqual(new Set(['AccessDenied']));
  await expect(
    vault.locks!.lengthen(manifestKey(shop, all[2]!), new Date(until.getTime() - 86_400_000), signal),
  ).rejects.toMatchObject({ code: 'vault-denied' });
});

test('a pin is a legal hold where the bucket has locks: it stays for good until it is unpinned, and goes then', async () => {
  const { vault, deps, ids } = await sceneIn('held', { objectLock: true });
  await client.send(lockAll('held', 'GOVERNANCE'));
  const [held, other] = dailyIds(2);
  for (const id of [held!, other!]) await putBackup(vault, 'shop', id);
  const { store } = deps();

  const pin = await store.pin(shop, held!, { reason: 'an audit', by: 'ann' }, deps(), signal);

  expect(pin).toMatchObject({ reason: 'an audit', held: true });
  expect(await store.readPin(shop, held!, signal)).toEqual(pin);
  expect((await store.readManifest(shop, held!, signal)).lock).toMatchObject({ hold: true });
  expect(await razed('held', `${held}/`, true)).toEqual(new Set(['AccessDenied', 'gone'])); // the pin itself is no backup
  expect(await razed('held', `${other}/`, true)).toEqual(new Set(['gone']));
  expect(await ids('shop')).toEqual([held]);

  await store.pin(shop, held!, { reason: 'an audit', by: 'ann' }, deps(), signal);
  expect(await store.unpin(shop, held!, signal)).toBe(true);
  expect((await store.readManifest(shop, held!, signal)).lock).toMatchObject({ hold: false });
  expect(await razed('held', `${held}/`, true)).toEqual(new Set(['gone']));
});

test('in a bucket without locks a pin is what it was, and in one that refuses us the hold it is told', async () => {
  const { vault, deps } = await sceneIn('lockless');
  const [id] = dailyIds(1);
  await putBackup(vault, 'shop', id!);
  const why = { reason: 'an audit', by: 'ann' };

  expect(await deps().store.pin(shop, id!, why, deps(), signal)).toEqual({ ...why, at: expect.any(String) });
  expect(await deps().store.unpin(shop, id!, signal)).toBe(true);

  const denied = () => Promise.reject(new BackupError('vault-denied', 'no right to'));
  const refusing = deps({ ...vault, hold: denied });
  expect(await refusing.store.pin(shop, id!, why, refusing, signal)).toMatchObject({ ...why, refused: true });
  expect(await refusing.store.unpin(shop, id!, signal)).toBe(true);
});

test('a rotation asks for what docs/rotation.md lists as its rights, and for nothing else', async () => {
  const { vault } = await sceneIn('rights');
  for (const id of dailyIds(4)) await putBackup(vault, 'shop', id);
  for (const file of ['data/0001.sql.zst', 'schema.pgdump'])
    await vault.putIfAbsent(
      partKey(shop, '20261101T020000Z-dddddd' as BackupId, file),
      Buffer.from('half'),
      {},
      signal,
    );
  await client.send(
    new CreateMultipartUploadCommand({ Bucket: 'rights', Key: 'team/shop/20261101T020000Z-dddddd/data/0002.sql.zst' }),
  );
  const asked = new Set<string>();
  const own = clientOf(server);
  own.middlewareStack.add(
    (next, { commandName }) =>
      (args) => {
        const { Key = '' } = args.input as { Key?: string };
        asked.add(
          `${commandName} ${Key.split('/')
            .at(-1)!
            .replace(/^(data|catalog|schema|\d).*$/, 'part')}`.trim(),
        );
        return next(args);
      },
    { step: 'initialize' },
  );

  const { rotating } = rotatingIn(s3Vault({ client: own, bucket: 'rights', prefix: 'team' }), later);
  const rotation = await rotating('shop', policyOf({ count: 2 }));
  own.destroy();

  expect(rotation).toMatchObject({ failures: [], retagged: 2, swept: { state: 'swept', objects: 2, uploads: 1 } });
  expect([...asked].sort()).toEqual([
    'AbortMultipartUploadCommand part',
    'DeleteObjectCommand manifest.json',
    'DeleteObjectCommand part',
    'GetObjectCommand manifest.json',
    'GetObjectTaggingCommand lease.json',
    'GetObjectTaggingCommand manifest.json',
    'ListMultipartUploadsCommand',
    'ListObjectsV2Command',
    'PutObjectCommand lease.json',
    'PutObjectTaggingCommand manifest.json',
    'PutObjectTaggingCommand part',
  ]);
});

/** What older versions hold behind delete markers. */
async function bytesBehindMarkers(bucket: string): Promise<number> {
  const { Versions = [], DeleteMarkers = [] } = await client.send(new ListObjectVersionsCommand({ Bucket: bucket }));
  const marked = new Set(DeleteMarkers.filter(({ IsLatest }) => IsLatest).map(({ Key }) => Key));
  return Versions.reduce((sum, { Key, Size = 0 }) => sum + (marked.has(Key) ? Size : 0), 0);
}
