import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { DeleteBucketPolicyCommand, PutBucketPolicyCommand } from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { check } from '../../../core/commands/check/check.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import type { Message } from '../../../core/contract/events/message.ts';
import type { Vault } from '../../../core/vault.ts';
import { s3Vault } from '../../../core/vaults/s3/s3.ts';
import { openStore } from '../../../core/store/store.ts';
import { startCeph } from '../../servers/s3/ceph.ts';
import type { S3Server } from '../../servers/server.ts';
import { watching } from '../../support/vaults/seen.ts';
import { storeBackup } from '../../support/vaults/stored.ts';
import { clientOf } from '../../real/vaults/s3/servers.ts';

const bucket = 'nightjar-vault';
let server: S3Server;
let client: S3Client;
let heard: string[] = [];

beforeAll(async () => {
  server = await startCeph();
  client = clientOf(server);
}, 20 * 60_000);
afterAll(async () => {
  client?.destroy();
  await server?.stop();
});

const vaultAt = (prefix: string): Vault => s3Vault({ client, bucket, prefix });

/** The states of `shop` and `blog`, why one of them is unknown, and what was told. */
async function looked(vault: Vault) {
  heard = [];
  const sources = ['shop', 'blog'].map((name) => ({ ...watching(), source: name as SourceName }));
  const listener = {
    name: 'listener',
    notify: async ({ severity, source, kind }: Message) => void heard.push(`${severity} ${source ?? 'all'} ${kind}`),
  };
  const { judgements, vault: unreadable } = await check(
    sources,
    { whole: true },
    { store: openStore(vault), clock: { now: () => new Date() }, notifiers: [listener], meter: () => {} },
    AbortSignal.timeout(90_000),
  );
  const whys = judgements.flatMap(({ findings }) =>
    findings.flatMap((one) => (one.kind === 'unknown' ? [one.why] : [])),
  );
  return { states: judgements.map(({ state }) => state), whys, whole: unreadable !== undefined, heard };
}

async function deny(...statements: object[]): Promise<void> {
  const Statement = statements.map((one) => ({ Effect: 'Deny', Principal: '*', ...one }));
  await client.send(
    new PutBucketPolicyCommand({ Bucket: bucket, Policy: JSON.stringify({ Version: '2012-10-17', Statement }) }),
  );
}

/** What lies below the bucket. */
const below = (path: string) => `arn:aws:s3:::${bucket}/${path}`;

test('museum 18: a bucket that is missing, empty, forbidden or out of reach: each is told apart, and none reads as another', async () => {
  const vault = vaultAt('revoked');
  const missing = await looked(vault);
  await server.createBucket(bucket);
  const empty = await looked(vault);
  for (const source of ['shop', 'blog']) await storeBackup(vault, source, new Date());
  const fresh = await looked(vault);

  expect(missing).toMatchObject({ states: ['unknown', 'unknown'], whole: true, heard: ['problem all unknown'] });
  expect(missing.whys[0]).toMatch(/nightjar-vault.*\(vault-\w+\)$/);
  expect(empty).toMatchObject({
    states: ['never', 'never'],
    whys: [],
    heard: ['problem shop never', 'problem blog never'],
  });
  expect(fresh).toMatchObject({
    states: ['fresh', 'fresh'],
    heard: ['recovered shop recovered', 'recovered blog recovered'],
  });
});

test('museum 18: a permission to list that is revoked is told once, as what it is, and when it is given back', async () => {
  const vault = vaultAt('revoked');
  await deny({ Action: 's3:ListBucket', Resource: `arn:aws:s3:::${bucket}` });
  const revoked = await looked(vault);
  const again = await looked(vault);
  await client.send(new DeleteBucketPolicyCommand({ Bucket: bucket }));
  const back = await looked(vault);

  expect(revoked).toMatchObject({
    states: ['unknown', 'unknown'],
    whys: [expect.stringContaining('(vault-denied)'), expect.anything()],
    whole: true,
    heard: ['problem all unknown'],
  });
  expect(again).toMatchObject({ states: ['unknown', 'unknown'], heard: [] });
  expect(back).toMatchObject({ states: ['fresh', 'fresh'], heard: ['recovered all recovered'] });
});

test('museum 18: manifests of one source that may not be read make that source unknown, and no other', async () => {
  const vault = vaultAt('revoked');
  await deny({ Action: 's3:GetObject', Resource: below('revoked/shop/*') });
  const revoked = await looked(vault);
  await client.send(new DeleteBucketPolicyCommand({ Bucket: bucket }));
  const back = await looked(vault);

  expect(revoked).toMatchObject({
    states: ['unknown', 'fresh'],
    whys: [expect.stringContaining('(vault-denied)')],
    whole: false,
    heard: ['problem shop unknown'],
  });
  expect(back).toMatchObject({ states: ['fresh', 'fresh'], heard: ['recovered shop recovered'] });
});

test('a check needs no more rights than docs/freshness.md lists', async () => {
  const remembered = [below('*/ledger.json'), below('*/.outbox/*')];
  await deny(
    { Action: 's3:GetObject', NotResource: [below('*/manifest.json'), below('*/lease.json'), ...remembered] },
    { Action: ['s3:PutObject', 's3:GetObjectTagging'], NotResource: remembered },
    { Action: ['s3:DeleteObject', 's3:PutObjectTagging', 's3:ListBucketMultipartUploads'], Resource: below('*') },
  );
  const vault = vaultAt('limited');
  const [never, again] = [await looked(vault), await looked(vault)];
  const [part] = await Promise.allSettled([storeBackup(vault, 'shop', new Date())]);
  const usual = await looked(vaultAt('revoked'));
  await client.send(new DeleteBucketPolicyCommand({ Bucket: bucket }));

  expect([never.heard, again.heard]).toEqual([['problem shop never', 'problem blog never'], []]);
  expect(part).toMatchObject({ status: 'rejected', reason: { code: 'vault-denied' } });
  expect(usual).toMatchObject({ states: ['fresh', 'fresh'], heard: [] });
});

test('museum 18: a store that does not answer is unreachable, not empty', async () => {
  await server.kill();

  const gone = await looked(vaultAt('revoked'));

  expect(gone).toMatchObject({
    states: ['unknown', 'unknown'],
    whys: [expect.stringContaining('(vault-unreachable)'), expect.anything()],
    whole: true,
    heard: ['problem all unknown'],
  });
});
