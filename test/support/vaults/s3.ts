import { s3Vault } from '../../../core/vaults/s3/s3.ts';
import type { Vault } from '../../../core/vault.ts';
import type { S3Server } from '../../servers/server.ts';
import { clientOf } from '../../real/vaults/s3/servers.ts';
import { depsOf } from './vault.ts';
import type { VaultScene } from './vault.ts';

const prefix = 'team/backups';

/** A bucket of its own on a server as the vault. */
export async function s3Scene(server: S3Server, bucket: string) {
  await server.createBucket(bucket);
  const client = clientOf(server);
  const vault = s3Vault({ client, bucket, prefix });
  const uploads: string[] = [];
  client.middlewareStack.add(
    (next, { commandName }) =>
      (args) => {
        if (commandName === 'CreateMultipartUploadCommand')
          uploads.push((args.input as { Key: string }).Key.slice(prefix.length + 1));
        return next(args);
      },
    { step: 'initialize' },
  );
  return {
    bucket,
    url: `s3://${bucket}/${prefix}`,
    vault,
    deps: (other: Vault = vault) => depsOf(other),
    /** Objects whose upload in parts has begun so far, however it went on. */
    uploads,
    async files(): Promise<string[]> {
      const signal = AbortSignal.timeout(30_000);
      const objects = await Array.fromAsync(vault.list('', signal), ({ key }) => String(key));
      const unfinished = await Array.fromAsync(vault.unfinished('', signal), ({ key }) => `upload of ${key}`);
      return [
        ...objects.filter((key) => !key.endsWith('/lease.json') && !key.includes('/starts/')),
        ...unfinished,
      ].sort();
    },
    remove: async () => client.destroy(),
  } satisfies VaultScene & Record<string, unknown>;
}

export type S3Scene = Awaited<ReturnType<typeof s3Scene>>;
