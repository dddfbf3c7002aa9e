import { test, expect } from '@jest/globals';
import {
  GetObjectCommand,
  GetObjectLockConfigurationCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { access } from 'node:fs/promises';
import { startCeph } from './ceph.ts';
import { startMoto } from './moto.ts';
import { s3Client } from './client.ts';
import { startLimitMs, type S3Server } from '../server.ts';

const servers: [string, () => Promise<S3Server>][] = [
  ['moto', () => startMoto()],
  ['Ceph', () => startCeph()],
  ['old Ceph', () => startCeph({ suite: 'trixie' })],
];

test.each(servers)(
  '%s starts, keeps an object and gives it back, and leaves no process behind',
  async (_name, start) => {
    const server = await start();
    await server.createBucket('backups');
    const client = s3Client(server);

    await client.send(new PutObjectCommand({ Bucket: 'backups', Key: 'a/b', Body: 'kept' }));
    const found = await read(client, 'a/b');
    client.destroy();
    await server.stop();

    expect(found).toBe('kept');
    expect(await exists(`/proc/${server.pid}`)).toBe(false);
  },
  startLimitMs,
);

test(
  'Ceph refuses a wrong secret, a wrong checksum and a second writer',
  async () => {
    const server = await startCeph();
    await server.createBucket('locked', { objectLock: true });
    const client = s3Client(server);
    const stranger = s3Client({ ...server, secretAccessKey: 'wrong' });
    const put = (by: S3Client, more: object): Promise<unknown> =>
      by.send(new PutObjectCommand({ Bucket: 'locked', Key: 'once', Body: 'first', ...more }));

    await expect(put(stranger, {})).rejects.toMatchObject({ name: 'SignatureDoesNotMatch' });
    await expect(
      put(client, { ChecksumAlgorithm: 'SHA256', ChecksumSHA256: Buffer.alloc(32, 1).toString('base64') }),
    ).rejects.toMatchObject({ $metadata: { httpStatusCode: 400 } });
    await put(client, { IfNoneMatch: '*' });
    await expect(put(client, { IfNoneMatch: '*' })).rejects.toMatchObject({ name: 'PreconditionFailed' });
    const lock = await client.send(new GetObjectLockConfigurationCommand({ Bucket: 'locked' }));
    [client, stranger].forEach((used) => used.destroy());
    await server.stop();

    expect(lock.ObjectLockConfiguration?.ObjectLockEnabled).toBe('Enabled');
  },
  startLimitMs,
);

async function read(client: S3Client, key: string): Promise<string | undefined> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket: 'backups', Key: key }));
  return Body?.transformToString();
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
