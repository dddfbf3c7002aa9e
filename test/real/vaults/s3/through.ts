import type { Vault } from '../../../../core/vault.ts';
import type { S3ClientOptions } from '../../../../core/vaults/s3/client.ts';
import { s3Vault } from '../../../../core/vaults/s3/s3.ts';
import type { S3Server } from '../../../servers/server.ts';
import { startProxy, type Proxy, type ProxyOptions } from '../proxy.ts';
import { bucket, clientOf } from './servers.ts';

export type Use = (vault: Vault, proxy: Proxy) => Promise<void>;

/** Runs with a vault that reaches the store through a proxy. */
export async function through(
  server: S3Server,
  faults: ProxyOptions,
  use: Use,
  options: S3ClientOptions = {},
): Promise<void> {
  const proxy = await startProxy(server.endpoint, faults);
  const client = clientOf(server, { endpoint: proxy.endpoint, ...options });
  try {
    await use(s3Vault({ client, bucket, prefix: 'team/backups' }), proxy);
  } finally {
    client.destroy();
    await proxy.close();
  }
}
