import { GetObjectTaggingCommand, ListMultipartUploadsCommand, type S3Client } from '@aws-sdk/client-s3';
import { s3Client, type S3ClientOptions } from '../../../../core/vaults/s3/client.ts';
import { s3Vault } from '../../../../core/vaults/s3/s3.ts';
import type { VaultUnderTest } from '../../../contract/vault/vault-contract.ts';
import type { S3Server } from '../../../servers/server.ts';

export const bucket = 'nightjar-vault';

/** Our client for a test's server. */
export function clientOf(server: S3Server, options: S3ClientOptions = {}): S3Client {
  const { endpoint, region, accessKeyId, secretAccessKey } = server;
  return s3Client({ endpoint, region, credentials: { accessKeyId, secretAccessKey }, ...options });
}

/** The names of objects whose upload in parts has begun and not ended. */
export async function uploadsIn(client: S3Client): Promise<string[]> {
  const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
  return (Uploads ?? []).map(({ Key }) => Key ?? '');
}

/**
 * A vault on a fresh bucket of a server, for the contract. `pageSize`: how many keys its client asks for at once, so that
 * a list of several pages takes few objects.
 */
export async function openOn(
  server: S3Server,
  { pageSize = 1_000, ...options }: S3ClientOptions & { conditionalWrites?: boolean; pageSize?: number } = {},
): Promise<VaultUnderTest> {
  await server.createBucket(bucket);
  const client = clientOf(server, options);
  client.middlewareStack.add(
    (next, { commandName }) =>
      ({ input, ...rest }) =>
        next({ ...rest, input: commandName === 'ListObjectsV2Command' ? { ...input, MaxKeys: pageSize } : input }),
    { step: 'initialize' },
  );
  const { checksums, conditionalWrites } = options;
  return {
    pageSize,
    vault: s3Vault({ client, bucket, prefix: 'team/backups', checksums, conditionalWrites }),
    missing: s3Vault({ client, bucket: 'not-there', prefix: 'team', checksums }),
    leftovers: () => uploadsIn(client),
    tagsOf: async (key) => {
      const { TagSet } = await client.send(new GetObjectTaggingCommand({ Bucket: bucket, Key: `team/backups/${key}` }));
      return Object.fromEntries((TagSet ?? []).map(({ Key, Value }) => [Key ?? '', Value ?? '']));
    },
    close: async () => {
      client.destroy();
      await server.stop();
    },
  };
}
