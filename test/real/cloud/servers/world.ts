import { randomBytes } from 'node:crypto';
import { createBucket } from '../../../servers/s3/client.ts';
import { startPostgres } from '../../../servers/databases/postgres.ts';
import { startRegistry } from '../../../servers/images/registry.ts';
import type { RegistryServer } from '../../../servers/images/registry.ts';
import type { DatabaseServer } from '../../../servers/server.ts';
import { ociTypes, pushBlob, pushDocument } from '../../../support/image/pushing.ts';
import type { Described } from '../../../support/image/pushing.ts';
import { postgresSql } from '../../lambda/sql.ts';
import type { DeployedFunction } from '../function.ts';
import { openCloud, type Cloud } from '../scene.ts';
import { databaseHost, encryptionKey } from '../shop.ts';

/** A whole server and an image, which keeps packs beside its backups, and the stack of both. */
export type ServersWorld = {
  cloud: Cloud;
  server: DatabaseServer;
  registry: RegistryServer;
  fn(name: string): DeployedFunction;
  close(): Promise<void>;
};

export const further = 'acme-offsite';

/** Starts everything. */
export async function openServersWorld(): Promise<ServersWorld> {
  const [server, registry] = await Promise.all([startPostgres({ major: 18 }), startRegistry()]);
  await postgresSql(server, 'postgres', 'create role app login', 'create database shop', 'create database blog');
  for (const database of ['shop', 'blog'])
    await postgresSql(server, database, 'create table orders as select g as id from generate_series(1, 500) g');
  const login = { secret: 'rds/main' };
  const cloud = await openCloud({
    databaseHost,
    secrets: { 'rds/main': { username: server.user, password: server.password } },
    async configure(aws) {
      const [secretKey, key] = [await encryptionKey(aws), await encryptionKey(aws)];
      // without locks: packs lie there, too
      await createBucket(aws, further);
      const at = {
        host: databaseHost,
        port: server.port,
        tls: 'off',
        databases: 'all',
        user: { ...login, field: 'username' },
        password: { ...login, field: 'password' },
      };
      const ref = `${databaseHost}:${new URL(registry.url).port}/shop/app:1`;
      return {
        configuration: {
          vault: 's3://acme-backups/prod',
          vaults: { offsite: { s3: { bucket: further, prefix: 'prod', kmsKey: key } } },
          defaults: { schedule: '0 3 * * *', retention: { count: 1 }, copies: [{ vault: 'offsite' }] },
          sources: {
            main: { postgres: at, drillEvery: '365d', cloud: { size: '500MB' } },
            app: { image: { ref, tls: 'off' }, cloud: { size: '500MB' } },
          },
          cloud: {
            account: '123456789012',
            region: 'eu-central-1',
            email: ['ops@acme.example'],
            secretKeys: [secretKey],
          },
        },
        secretKey,
        signingKey: secretKey,
        further: { bucket: further, key },
      };
    },
  });
  return {
    cloud,
    server,
    registry,
    fn: (name) => cloud.functions.get(`Nightjar-${name}`)!,
    async close() {
      await cloud.close();
      await Promise.all([server.stop(), registry.stop()]);
    },
  };
}

/** Layers of the image: one so large that it is sent in pieces, which stays, and one for each time. */
let base: Described | undefined;

/** Pushes the image anew, with a layer that it has not had. */
export async function pushApp({ url }: Pick<RegistryServer, 'url'>): Promise<void> {
  const to = { url, repository: 'shop/app' };
  base ??= await pushBlob(to, randomBytes(9 * 1024 ** 2), ociTypes.layer);
  const layers = [base, await pushBlob(to, randomBytes(100_000), ociTypes.layer)];
  const about = {
    architecture: 'amd64',
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: layers.map((one) => one.digest) },
  };
  const config = await pushBlob(to, JSON.stringify(about), ociTypes.config);
  await pushDocument(to, { schemaVersion: 2, mediaType: ociTypes.manifest, config, layers }, ociTypes.manifest, '1');
}
