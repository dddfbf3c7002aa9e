import { vaultContract } from '../../../contract/vault/vault-contract.ts';
import { startCeph } from '../../../servers/s3/ceph.ts';
import { startMoto } from '../../../servers/s3/moto.ts';
import { openOn } from './servers.ts';

const pageSize = 100;

vaultContract("a bucket of Ceph's gateway", async () => openOn(await startCeph(), { pageSize }));

vaultContract('a bucket of moto', async () => openOn(await startMoto(), { pageSize }));

vaultContract('a bucket of a store without the checksums of today', async () => ({
  ...(await openOn(await startCeph({ suite: 'trixie' }), { checksums: 'when-required', pageSize })),
  completesOver: true,
}));
