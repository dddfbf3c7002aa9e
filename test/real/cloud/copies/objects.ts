import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { s3Client } from '../../../servers/s3/client.ts';
import type { World } from '../world.ts';

export const first = 'acme-backups';
export const offsite = 'acme-offsite';

/** A version of an object: what is there, or lies behind a marker. */
export type Version = { key: string; version: string; etag: string };

/** As somebody who may do everything. */
export async function asAdmin<T>({ cloud: { aws, admin } }: World, use: (client: S3Client) => Promise<T>): Promise<T> {
  const client = s3Client({ ...aws, ...admin });
  try {
    return await use(client);
  } finally {
    client.destroy();
  }
}

/** Every version below the prefix of a vault; markers are none. */
export async function versionsIn(world: World, bucket: string, of = ''): Promise<Version[]> {
  const { Versions = [], IsTruncated } = await asAdmin(world, (client) =>
    client.send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix: `prod/${of}` })),
  );
  if (IsTruncated) throw new Error(`there are more than ${Versions.length} versions in ${bucket}`);
  return Versions.map(({ Key = '', VersionId = '', ETag = '' }) => ({ key: Key, version: VersionId, etag: ETag }));
}

export async function bytesOf(world: World, bucket: string, { key, version }: Omit<Version, 'etag'>): Promise<Buffer> {
  return asAdmin(world, async (client) => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key, VersionId: version }));
    return Buffer.from(await Body!.transformToByteArray());
  });
}

export async function lockOf(world: World, { key }: Version): Promise<string | undefined> {
  return asAdmin(
    world,
    async (client) => (await client.send(new HeadObjectCommand({ Bucket: offsite, Key: key }))).ObjectLockMode,
  );
}

/** Puts an object where no role of the stack may. */
export async function put(world: World, bucket: string, key: string, body: Uint8Array): Promise<void> {
  await asAdmin(world, (client) => client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body })));
}

/** Hides an object under a marker. */
export async function hide(world: World, bucket: string, key: string): Promise<void> {
  await asAdmin(world, (client) => client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key })));
}

export async function uploadsIn(world: World, bucket: string): Promise<string[]> {
  const { Uploads = [] } = await asAdmin(world, (client) =>
    client.send(new ListMultipartUploadsCommand({ Bucket: bucket })),
  );
  return Uploads.map(({ Key = '' }) => Key);
}
