import { vaultContract } from '../../../contract/vault/vault-contract.ts';
import { startCeph } from '../../../servers/s3/ceph.ts';
import { startMoto } from '../../../servers/s3/moto.ts';
import { openOn } from './servers.ts';

vaultContract("a bucket of Ceph's gateway", async () => openOn(await startCeph()));

vaultContract('a bucket of moto', async () => openOn(await startMoto()));

vaultContract('a bucket of a store without the checksums of today', async () => ({
  ...(await openOn(await startCeph({ suite: 'trixie' }), { checksums: 'when-required' })),
  completesOver: true,
}));
