import { DeleteBucketPolicyCommand, PutBucketPolicyCommand } from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { backup } from '../../../core/commands/backup.ts';
import { listBackups } from '../../support/vaults/listed.ts';
import { verify } from '../../../core/commands/proof/verify.ts';
import type { BackupError } from '../../../core/domain/errors.ts';
import { manifestKey } from '../../../core/domain/layout/places.ts';
import type { BackupId, SourceName } from '../../../core/domain/keys.ts';
import type { Vault } from '../../../core/vault.ts';
import { s3Vault } from '../../../core/vaults/s3/s3.ts';
import { startCeph } from '../../servers/s3/ceph.ts';
import type { CephServer } from '../../servers/s3/ceph.ts';
import { startPostgres } from '../../servers/databases/postgres.ts';
import { policyOf, rotatingIn } from '../../support/vaults/history.ts';
import { acting, makeShop, stoppedOften } from '../../support/faults/kills.ts';
import { brokenTools, limit, postgresScene, runSql } from '../../support/postgres.ts';
import type { PostgresScene } from '../../support/postgres.ts';
import { s3Scene } from '../../support/vaults/s3.ts';
import type { S3Scene } from '../../support/vaults/s3.ts';
import { clientOf } from '../../real/vaults/s3/servers.ts';

const shop = 'shop' as SourceName;

let scene: PostgresScene;
let store: CephServer;
let bucket: S3Scene;
let owner: S3Client;

beforeAll(async () => {
  scene = await postgresScene(17);
  await makeShop(scene, 75_000);
  store = await startCeph();
  bucket = await s3Scene(store, 'kills');
  owner = clientOf(store);
}, 1_200_000);

afterAll(async () => {
  owner?.destroy();
  await bucket?.remove();
  await store?.stop();
  await scene?.stop();
});

/** Removes what dead runs have left, without the grace that a rotation gives them. */
const rotated = () =>
  rotatingIn(bucket.vault, new Date().toISOString()).rotating('shop', policyOf({ count: 1000 }, { graceMs: 0 }));
/** The vault; once a part of data is on its way, something happens. */
const meanwhile = (act: () => Promise<void>, vault: Vault = bucket.vault): Vault => ({
  ...vault,
  put: (key, body, tags, signal) => vault.put(key, key.includes('/data/0002') ? acting(body, act) : body, tags, signal),
});
const failed = (work: Promise<unknown>): Promise<BackupError | undefined> =>
  work.then(
    () => undefined,
    (error: unknown) => error as BackupError,
  );

async function policy(...Statement: object[]): Promise<void> {
  await owner.send(
    new PutBucketPolicyCommand({ Bucket: bucket.bucket, Policy: JSON.stringify({ Version: '2012-10-17', Statement }) }),
  );
}

async function objectsOfBackups(): Promise<string[]> {
  const backups = await listBackups(shop, bucket.vault, limit());
  return backups
    .flatMap((listed) =>
      listed.status === 'complete'
        ? ['manifest.json', ...listed.manifest.parts.map(({ file }) => file)].map((file) => `shop/${listed.id}/${file}`)
        : [],
    )
    .sort();
}

test('a server that is killed while it is dumped leaves nothing in S3, the upload that had begun included', async () => {
  const server = await startPostgres({ major: 17 });
  try {
    const before = await bucket.files();
    bucket.uploads.length = 0;
    const source = scene.source('shop', { login: { port: server.port, password: server.password } });
    await makeShop({ sql: (database, text) => runSql(server, database, text) }, 75_000);

    const error = await failed(backup(source, bucket.deps(meanwhile(() => server.kill())), limit()));

    expect(error?.code).toMatch(/dump-failed|source-unreachable/);
    expect(await bucket.files()).toEqual(before);
  } finally {
    await server.stop();
  }
});

test('a store that begins to refuse in the middle of an upload stores nothing, and its refusal is told', async () => {
  const before = await bucket.files();
  bucket.uploads.length = 0;
  const refusing = meanwhile(() =>
    policy({
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:PutObject',
      Resource: `arn:aws:s3:::${bucket.bucket}/*/data/*`,
    }),
  );

  const error = await failed(backup(scene.source('shop'), bucket.deps(refusing), limit()));
  await owner.send(new DeleteBucketPolicyCommand({ Bucket: bucket.bucket }));

  expect(error?.message).toMatch(/\/data\/000[12]\.sql\.zst: AccessDenied/);
  expect(error).toMatchObject({ code: 'vault-denied', hint: expect.any(String) });
  expect(await bucket.files()).toEqual(before);
});

test('a role that may not delete backs up, fails cleanly, and leaves what no listing shows and a rotation sweeps', async () => {
  await policy(
    {
      Effect: 'Allow',
      Principal: { AWS: ['arn:aws:iam:::user/backup'] },
      Action: ['s3:PutObject', 's3:GetObject', 's3:PutObjectTagging', 's3:GetObjectTagging', 's3:AbortMultipartUpload'],
      Resource: `arn:aws:s3:::${bucket.bucket}/team/backups/*`,
    },
    {
      Effect: 'Allow',
      Principal: { AWS: ['arn:aws:iam:::user/backup'] },
      Action: ['s3:ListBucket'],
      Resource: `arn:aws:s3:::${bucket.bucket}`,
    },
    // at Ceph, objects belong to who has written them: who rotates must be let in
    {
      Effect: 'Allow',
      Principal: { AWS: ['arn:aws:iam:::user/nightjar'] },
      Action: 's3:*',
      Resource: `arn:aws:s3:::${bucket.bucket}/*`,
    },
  );
  const client = clientOf(store, { credentials: await store.addUser('backup') });
  const vault = s3Vault({ client, bucket: bucket.bucket, prefix: 'team/backups' });
  const before = await bucket.files();

  const manifest = await backup(scene.source('shop'), bucket.deps(vault), limit());
  const whole = await bucket.files();
  const error = await failed(
    backup(scene.source('shop', { tools: brokenTools(scene.tools, 'pg_dump', 'dies') }), bucket.deps(vault), limit()),
  );
  const left = (await bucket.files()).filter((file) => !whole.includes(file));
  const denied = await failed(vault.delete(manifestKey(shop, manifest.id as BackupId), limit()));
  const { swept } = await rotated();
  client.destroy();

  expect((await verify(manifest, bucket.deps(), limit())).problems).toEqual([]);
  expect(error).toMatchObject({
    code: 'dump-failed',
    message: expect.stringContaining('connection to server was lost'),
  });
  expect(denied?.code).toBe('vault-denied');
  expect(left.length).toBeGreaterThan(0);
  expect(left.filter((file) => file.startsWith('upload') || file.endsWith('manifest.json'))).toEqual([]);
  expect(swept).toMatchObject({ state: 'swept', failures: [], objects: left.length });
  expect(await bucket.files()).toEqual([...before, ...whole.filter((file) => file.includes(manifest.id))].sort());
});

test('9 runs stopped by SIGTERM or SIGKILL at any moment leave complete backups in S3 or none, and a rotation sweeps the rest', async () => {
  const { endpoint, region, accessKeyId, secretAccessKey } = store;
  const s3 = {
    bucket: bucket.bucket,
    prefix: 'team/backups',
    region,
    endpoint,
    accessKeyId: { env: 'KEY_ID' },
    secretAccessKey: { env: 'KEY' },
  };

  await stoppedOften(9, scene, { vault: { s3 }, env: { KEY_ID: accessKeyId, KEY: secretAccessKey } }, bucket);
  const whole = await objectsOfBackups();
  const left = (await bucket.files()).filter((file) => !whole.includes(file) && !file.includes('/failures/'));
  const { failures, swept } = await rotated();

  expect({ failures, state: swept.state, things: swept.objects + swept.uploads }).toEqual({
    failures: [],
    state: left.length > 0 ? 'swept' : 'none',
    things: left.length,
  });
  // what a check still looks back at stays: records of failures are no leftovers
  expect((await bucket.files()).filter((file) => !file.includes('/failures/'))).toEqual(whole);
}, 300_000);
