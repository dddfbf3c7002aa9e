import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';
import { folderVault } from '../../../core/vaults/folder/folder.ts';
import { s3Vault } from '../../../core/vaults/s3/s3.ts';
import { backupContract } from '../../contract/vault/backup-contract.ts';
import { tamperingContract } from '../../contract/vault/tampering-contract.ts';
import { startCeph } from '../../servers/s3/ceph.ts';
import { startMoto } from '../../servers/s3/moto.ts';
import type { S3Server } from '../../servers/server.ts';
import { bucket, clientOf } from '../vaults/s3/servers.ts';

let folder: string;
let ceph: S3Server;
let moto: S3Server;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-forms-'));
  [ceph, moto] = await Promise.all([startCeph(), startMoto()]);
  for (const server of [ceph, moto]) await server.createBucket(bucket);
}, 600_000);
afterAll(async () => {
  await ceph?.stop();
  await moto?.stop();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

const on = (server: S3Server, prefix: string) => s3Vault({ client: clientOf(server), bucket, prefix });

for (const contract of [backupContract, tamperingContract]) {
  contract('a folder', async (form) => folderVault(join(folder, form)));
  contract("a bucket of Ceph's gateway", async (form) => on(ceph, form));
  contract('a bucket of moto', async (form) => on(moto, form));
}
