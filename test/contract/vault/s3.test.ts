import { s3Vault } from '../../../core/vaults/s3/s3.ts';
import { s3Store } from '../../support/s3-store/store.ts';
import type { Spoil } from '../../support/s3-store/store.ts';
import { vaultContract } from './vault-contract.ts';
import type { VaultUnderTest } from './vault-contract.ts';

const conditions = ['if-none-match', 'if-match'];

// real stores are under the same contract in test/real/vaults
vaultContract('s3, in this process', () => opened());

vaultContract('s3 that heeds no conditions', () =>
  opened({ conditionalWrites: false }, ({ method, headers }, usual) => {
    if (method !== 'GET') for (const name of conditions) delete headers[name];
    return usual();
  }),
);

async function opened(options: { conditionalWrites?: boolean } = {}, spoil?: Spoil): Promise<VaultUnderTest> {
  // few, where each write takes a claim
  const pageSize = options.conditionalWrites === false ? 20 : 100;
  const store = await s3Store({ pageSize });
  store.state.spoil = spoil;
  const client = store.client();
  const { bucket } = store;
  return {
    pageSize,
    vault: s3Vault({ client, bucket, prefix: 'team/backups', ...options }),
    missing: s3Vault({ client, bucket: 'not-there', prefix: 'team' }),
    leftovers: async () => [...store.uploads.values()].map(({ key }) => key),
    tagsOf: async (key) => store.objects.get(`team/backups/${key}`)!.tags,
    close: async () => {
      client.destroy();
      await store.close();
    },
  };
}
