import { vaultContract } from '../../../contract/vault/vault-contract.ts';
import type { VaultUnderTest } from '../../../contract/vault/vault-contract.ts';
import { startCeph } from '../../../servers/s3/ceph.ts';
import { startMoto } from '../../../servers/s3/moto.ts';
import type { S3Server } from '../../../servers/server.ts';
import { openOn } from './servers.ts';
import { startUnheeding } from './unheeding.ts';

/** A vault whose store is reached through a proxy that takes its conditions from it. */
async function without(server: S3Server, how: 'ignored' | 'refused'): Promise<VaultUnderTest> {
  const proxy = await startUnheeding(server.endpoint, how);
  const opened = await openOn(server, { endpoint: proxy.endpoint, conditionalWrites: false, pageSize: 10 });
  return {
    ...opened,
    close: async () => {
      await opened.close();
      await proxy.close();
    },
  };
}

vaultContract('a bucket of moto that ignores conditions', async () => without(await startMoto(), 'ignored'));

vaultContract("a bucket of Ceph's gateway that knows none", async () => without(await startCeph(), 'refused'));
