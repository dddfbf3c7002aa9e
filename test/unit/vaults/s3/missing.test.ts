import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { objectKey } from '../../../../core/domain/keys.ts';
import { s3Client } from '../../../../core/vaults/s3/client.ts';
import { s3Vault } from '../../../../core/vaults/s3/s3.ts';
import type { Vault } from '../../../../core/vault.ts';

const signal = new AbortController().signal;
const there = objectKey('shop/lease.json');
const gone = objectKey('shop/20261120T020000Z-7f3a9c/manifest.json');
const denied = '<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>';

/**
 * Answers as S3 does to a role that may list below `prod/` alone: "forbidden" for every object, there or not; with
 * `blind`, for the listing too.
 */
const server = createServer(({ url = '' }, response) => {
  const { searchParams } = new URL(url, 'http://store');
  const prefix = searchParams.get('prefix') ?? '';
  const listed = searchParams.has('list-type') && !url.startsWith('/blind');
  const contents = `prod/${there}`.startsWith(prefix)
    ? `<Contents><Key>prod/${there}</Key><Size>1</Size><LastModified>2026-11-20T02:00:00Z</LastModified></Contents>`
    : '';
  response.writeHead(listed ? 200 : 403, { 'content-type': 'application/xml' });
  response.end(
    listed
      ? `<ListBucketResult><Name>backups</Name><Prefix>${prefix}</Prefix><IsTruncated>false</IsTruncated>${contents}</ListBucketResult>`
      : denied,
  );
});

beforeAll(() => new Promise<void>((done) => server.listen(0, '127.0.0.1', done)));
afterAll(() => new Promise((done) => server.close(done)));

function vaultOn(bucket: string): Vault {
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = s3Client({
    endpoint,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'role', secretAccessKey: 'key' },
  });
  return s3Vault({ client, bucket, prefix: 'prod' });
}

test('what is not there is missing, though a role that lists below a prefix is told that it is forbidden', async () => {
  const vault = vaultOn('backups');

  await expect(vault.read(gone, signal)).rejects.toMatchObject({
    code: 'object-missing',
    message: `s3://backups/prod/${gone} is not there`,
    cause: expect.objectContaining({ code: 'vault-denied' }),
  });
  // what is there only begins with this name
  await expect(vault.read(objectKey('shop/lease'), signal)).rejects.toMatchObject({ code: 'object-missing' });
  await expect(vault.tags(gone, signal)).rejects.toMatchObject({ code: 'object-missing' });
  await expect(vault.retag(gone, { tier: 'daily' }, signal)).rejects.toMatchObject({ code: 'object-missing' });
});

test('what is there and forbidden stays forbidden, and so does all where the listing is forbidden too', async () => {
  await expect(vaultOn('backups').read(there, signal)).rejects.toMatchObject({ code: 'vault-denied' });
  await expect(vaultOn('blind').read(gone, signal)).rejects.toMatchObject({ code: 'vault-denied' });
});
