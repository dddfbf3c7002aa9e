import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { objectKey } from '../../../../core/domain/keys.ts';
import { openSecrets } from '../../../../core/secrets/index.ts';
import { surroundings } from '../../../../core/surroundings.ts';
import { vaults } from '../../../../core/vaults/index.ts';
import { openBucket } from '../../../../core/vaults/s3/open.ts';
import { keysOf, patterned } from '../../../contract/vault/vault-data.ts';
import { startMoto } from '../../../servers/s3/moto.ts';
import type { S3Server } from '../../../servers/server.ts';
import { bucket, clientOf } from './servers.ts';
import { through } from './through.ts';

const MiB = 1024 * 1024;
const signal = new AbortController().signal;
const tags = { tier: 'daily' };

let server: S3Server;

beforeAll(async () => {
  server = await startMoto();
  await server.createBucket(bucket);
}, 600_000);
afterAll(() => server?.stop(), 60_000);

async function headOf(key: string) {
  const client = clientOf(server);
  const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
  client.destroy();
  return head;
}

test.each([1000, 9 * MiB])('with a KMS key, an object of %d bytes is encrypted by it', async (size) => {
  const { endpoint, accessKeyId, secretAccessKey } = server;
  const kmsKey = 'arn:aws:kms:eu-central-1:123456789012:key/backup';
  const { vault, close } = openBucket({
    endpoint,
    bucket,
    prefix: '/encrypted/',
    kmsKey,
    credentials: { accessKeyId, secretAccessKey },
  });

  await vault.put(objectKey(`${size}`), patterned(size, 65_536), tags, signal);
  close();

  expect(vault.place).toBe(`s3://${bucket}/encrypted`);
  expect(await headOf(`encrypted/${size}`)).toMatchObject({
    ServerSideEncryption: 'aws:kms',
    SSEKMSKeyId: kmsKey,
    TagCount: 1,
  });
});

test('for a store without tags, none are sent', async () => {
  const { endpoint, accessKeyId, secretAccessKey } = server;
  const { vault, close } = openBucket({
    endpoint,
    bucket,
    prefix: '',
    tags: false,
    credentials: { accessKeyId, secretAccessKey },
  });
  const key = objectKey('untagged/lease');

  const { version } = await vault.putIfAbsent(key, Buffer.from('1'), tags, signal);
  await vault.putIfUnchanged(key, Buffer.from('2'), version, signal);
  await vault.put(objectKey('untagged/part'), patterned(9 * MiB, 65_536), tags, signal);
  close();

  expect(vault.place).toBe(`s3://${bucket}`);
  for (const name of ['untagged/lease', 'untagged/part']) expect((await headOf(name)).TagCount ?? 0).toBe(0);
});

test('a store that ignores conditions is found out before a lease relies on them', async () => {
  const ignored = (chunk: Buffer) =>
    Buffer.from(chunk.toString('latin1').replace(/if-none-match/i, 'x-not-heeded!'), 'latin1');

  await through(server, { up: ignored }, async (vault) => {
    await expect(vault.putIfAbsent(objectKey('unheeded/lease'), Buffer.from('1'), tags, signal)).rejects.toMatchObject({
      code: 'vault-failed',
      message: expect.stringContaining('If-None-Match'),
    });
  });
});

test('a folder is opened by its configuration', async () => {
  const above = await mkdtemp(join(tmpdir(), 'nightjar-open-'));
  const from = surroundings(openSecrets({ env: {}, folder: above }), above);
  const { vault } = await vaults.folder.open({ kind: 'folder', folder: 'vault' }, 'vault', from);

  await vault.put(objectKey('a/b'), patterned(10, 10), tags, signal);

  expect(await keysOf(vault, '')).toEqual(['a/b']);
  await rm(above, { recursive: true });
});
