import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { S3Client } from '@aws-sdk/client-s3';
import { copyResultSchema } from '../../../../core/contract/events/requests.ts';
import { manifestKey, partKey } from '../../../../core/domain/layout/places.ts';
import type { BackupId, SourceName } from '../../../../core/domain/keys.ts';
import type { Vault } from '../../../../core/vault.ts';
import { s3Vault } from '../../../../core/vaults/s3/s3.ts';
import { startCeph } from '../../../servers/s3/ceph.ts';
import { s3Client } from '../../../servers/s3/client.ts';
import type { DatabaseServer, S3Server } from '../../../servers/server.ts';
import { startEndpoint, type Endpoint } from '../../../support/endpoints/endpoint.ts';
import { dailyIds, putBackup, signal } from '../../../support/vaults/history.ts';
import { halfVisible, hashesOfBackups, manifestsIn, rawBucket } from '../../../support/vaults/raw.ts';
import { clientOf } from '../../vaults/s3/servers.ts';
import type { FunctionSettings, LambdaFunction } from '../sandbox/function.ts';
import { errorOf, valueOf } from '../sandbox/outcome.ts';
import { slowLink, type SlowLink } from '../sandbox/slow-link.ts';
import { openScene, type Scene } from '../scene.ts';

const mebibyte = 1024 ** 2;
const ids = dailyIds(3);
/** Copying never asks the database: nobody listens there. */
const nowhere = { host: 'db.invalid', port: 5432 } as DatabaseServer;
let scene: Scene;
let vendor: S3Server;
let pager: Endpoint;
let link: SlowLink;
let clients: S3Client[] = [];
let first: Vault;

beforeAll(async () => {
  [scene, vendor, pager] = await Promise.all([openScene(), startCeph(), startEndpoint(() => ({ status: 200 }))]);
  await Promise.all([scene.aws.createBucket('offsite'), vendor.createBucket('backups')]);
  const at = new URL(scene.aws.endpoint);
  link = await slowLink({ host: at.hostname, port: Number(at.port) } as DatabaseServer, mebibyte);
  const secrets = new SecretsManagerClient({
    endpoint: scene.aws.endpoint,
    region: scene.aws.region,
    credentials: scene.aws,
  });
  const keys = JSON.stringify({ id: vendor.accessKeyId, secret: vendor.secretAccessKey });
  await secrets.send(new CreateSecretCommand({ Name: 'vendor', SecretString: keys }));
  secrets.destroy();
  clients = [clientOf(scene.aws), s3Client(scene.aws), s3Client(vendor)];
  first = s3Vault({ client: clients[0]!, bucket: 'vault', prefix: 'prod' });
  for (const id of ids) await putBackup(first, 'shop', id);
  for (const id of ids.slice(1)) await putBackup(first, 'blog', id);
  await putBackup(first, 'large', ids[2]!);
  await putLarge('large', ids[1]!, 160 * mebibyte);
}, 20 * 60_000);

afterAll(async () => {
  for (const client of clients) client.destroy();
  await link?.close();
  await Promise.all([scene?.close(), vendor?.stop(), pager?.stop()]);
});

/** What lies there, as Amazon's SDK sees it. */
const raw = {
  vault: () => rawBucket(clients[1]!, 'vault', 'prod').read(),
  offsite: () => rawBucket(clients[1]!, 'offsite', 'copies').read(),
  vendor: () => rawBucket(clients[2]!, 'backups', 'prod').read(),
};

/** Copies of the source into a bucket by the function's role, and one of another vendor by keys of a secret. */
function deployed(
  source: string,
  { offsite = scene.aws.endpoint, ...settings }: Partial<FunctionSettings> & { offsite?: string } = {},
): Promise<LambdaFunction> {
  const { endpoint, region } = scene.aws;
  const keys = {
    accessKeyId: { secret: 'vendor', field: 'id' },
    secretAccessKey: { secret: 'vendor', field: 'secret' },
  };
  const config = {
    vault: { s3: { bucket: 'vault', prefix: 'prod', region, endpoint } },
    vaults: {
      offsite: { s3: { bucket: 'offsite', prefix: 'copies', region, endpoint: offsite } },
      vendor: { s3: { bucket: 'backups', prefix: 'prod', endpoint: vendor.endpoint, region: vendor.region, ...keys } },
    },
    defaults: { copies: ['offsite', { vault: 'vendor', retention: { count: 1 } }] },
    notify: [{ webhook: { url: { env: 'PAGER_URL' }, key: { env: 'PAGER_KEY' } } }],
  };
  const environment = { PAGER_URL: pager.url, PAGER_KEY: 'key' };
  const of = { server: nowhere, engine: 'postgres', database: 'shop', secret: 'missing' } as const;
  return scene.deploy('copy', { [source]: of }, { config, environment, ...settings });
}

const told = () => pager.received.map(({ body }) => (JSON.parse(body) as { kind: string }).kind);
const answerOf = (invocation: Parameters<typeof valueOf>[0]) => copyResultSchema.parse(valueOf(invocation));
const brought = (invocation: Parameters<typeof valueOf>[0]) => {
  const answer = answerOf(invocation);
  if (answer.status !== 'copied') throw new Error(JSON.stringify(answer));
  return Object.fromEntries(answer.copies.map(({ vault, copied }) => [vault, copied.map(({ id }) => id)]));
};

/** A backup of one part of so many bytes that nothing can be saved of, and what belongs to it. */
async function putLarge(source: string, id: BackupId, bytes: number): Promise<void> {
  const manifest = await putBackup(first, source, id);
  const content = randomBytes(bytes);
  async function* pieces() {
    for (let at = 0; at < bytes; at += mebibyte) yield content.subarray(at, at + mebibyte);
  }
  const file = 'data/0002.sql';
  const place = { source: source as SourceName, key: manifestKey(source as SourceName, id) };
  await first.put(partKey(place.source, id, file), pieces(), {}, signal);
  const sha256 = createHash('sha256').update(content).digest('hex');
  const part = { role: 'data' as const, file, bytes, storedBytes: bytes, sha256 };
  await first.delete(place.key, signal);
  const document = JSON.stringify({ ...manifest, parts: [...manifest.parts, part] });
  await first.putIfAbsent(place.key, Buffer.from(document), {}, signal);
}

test('the bundled function brings two further vaults what each keeps, byte for byte, and nothing twice', async () => {
  const copy = await deployed('shop');

  const runs = [await copy.invoke({ source: 'shop' }), await copy.invoke({ source: 'shop' })];

  expect(runs.map(brought)).toEqual([
    { offsite: ids.toReversed(), vendor: [ids[2]] },
    { offsite: [], vendor: [] },
  ]);
  const stored = hashesOfBackups(new Map([...(await raw.vault())].filter(([path]) => path.startsWith('shop/'))));
  expect(hashesOfBackups(await raw.offsite())).toEqual(stored);
  const newest = Object.entries(stored).filter(([path]) => path.includes(ids[2]!));
  expect(hashesOfBackups(await raw.vendor())).toEqual(Object.fromEntries(newest));
  expect(told()).toEqual([]);
}, 120_000);

test('a vault that is down is told, keeps the other from nothing, and its end is told when it has caught up', async () => {
  const before = told().length;

  const without = await deployed('blog', { offsite: 'http://127.0.0.1:9' });
  const away = errorOf(await without.invoke({ source: 'blog' }));
  const reached = manifestsIn(await raw.vendor());
  const back = await (await deployed('blog')).invoke({ source: 'blog' });

  expect(away).toMatchObject({ errorType: 'vault-unreachable', errorMessage: expect.stringContaining('127.0.0.1:9') });
  expect(reached).toContain(`blog/${ids[2]}/manifest.json`);
  expect(brought(back)).toEqual({ offsite: ids.slice(1).toReversed(), vendor: [] });
  expect(told().slice(before)).toEqual(['copy-failed', 'recovered']);
}, 120_000);

test('what is not done in its time is told, and the next attempt goes on: a part of 160 MB passes through 512 MB', async () => {
  const offsite = `http://127.0.0.1:${link.server.port}`;

  const hurried = await deployed('large', { offsite, timeoutMs: 12_000, patienceMs: 30_000 });
  const stopped = errorOf(await hurried.invoke({ source: 'large' }));
  const halfWay = await raw.offsite();
  link.hasten();
  const copy = await deployed('large', { timeoutMs: 120_000 });
  const ended = await copy.invoke({ source: 'large' });

  expect(stopped).toMatchObject({
    errorType: 'deadline',
    errorMessage: expect.stringMatching(/; \d backups? copied in this run, and the next goes on from there/),
  });
  expect(halfVisible(halfWay)).toEqual([]);
  expect(manifestsIn(halfWay)).not.toContain(`large/${ids[1]}/manifest.json`);
  expect(brought(ended)).toMatchObject({ offsite: expect.arrayContaining([ids[1]]) });
  expect(halfVisible(await raw.offsite())).toEqual([]);
  expect(ended.peakNodeMemory).toBeLessThan(256 * mebibyte);
}, 240_000);
