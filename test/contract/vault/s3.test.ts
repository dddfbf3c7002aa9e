import { s3Vault } from '../../../core/vaults/s3/s3.ts';
import { s3Store } from '../../support/s3-store/store.ts';
import { vaultContract } from './vault-contract.ts';

// real stores are under the same contract in test/real/vaults
vaultContract('s3, in this process', async () => {
  const store = await s3Store({ pageSize: 100 });
  const client = store.client();
  const { bucket } = store;
  return {
    vault: s3Vault({ client, bucket, prefix: 'team/backups' }),
    missing: s3Vault({ client, bucket: 'not-there', prefix: 'team' }),
    leftovers: async () => [...store.uploads.values()].map(({ key }) => key),
    tagsOf: async (key) => store.objects.get(`team/backups/${key}`)!.tags,
    close: async () => {
      client.destroy();
      await store.close();
    },
  };
});
