import { paginateListObjectsV2 } from '@aws-sdk/client-s3';
import type { Bytes } from '../../../core/domain/units.ts';
import { startProxy } from '../../real/vaults/proxy.ts';
import { s3Client } from '../../servers/s3/client.ts';
import { startMoto } from '../../servers/s3/moto.ts';
import type { S3Server } from '../../servers/server.ts';

/** What AWS bills alike: PUT and POST, LIST (the dear ones), GET and HEAD, DELETE (free). Bytes with their heads. */
export type Requests = { put: number; list: number; get: number; delete: number; up: Bytes; down: Bytes };

/** A store behind a proxy that counts. `access.endpoint` is the proxy's. */
export type CountedStore = {
  access: Omit<S3Server, 'createBucket' | 'stop' | 'kill' | 'pid' | 'lastWords'>;
  /** What was asked since the last time. */
  counted(): Requests;
  /** What lies in a bucket. */
  lyingIn(bucket: string): Promise<{ storedBytes: Bytes; objects: number }>;
  stop(): Promise<void>;
};

/** Starts moto with these buckets, and the proxy before it. */
export async function countedStore(buckets: readonly string[]): Promise<CountedStore> {
  const server = await startMoto();
  for (const bucket of buckets) await server.createBucket(bucket);
  const bytes = { up: 0, down: 0 };
  const proxy = await startProxy(server.endpoint, {
    up: (chunk) => ((bytes.up += chunk.length), chunk),
    down: (chunk) => ((bytes.down += chunk.length), chunk),
  });
  const { region, accessKeyId, secretAccessKey } = server;
  return {
    access: { endpoint: proxy.endpoint, region, accessKeyId, secretAccessKey },
    counted() {
      const kinds = proxy.requests.splice(0).map(kindOf);
      const of = (kind: string) => kinds.filter((one) => one === kind).length;
      const { up, down } = bytes;
      Object.assign(bytes, { up: 0, down: 0 });
      return { put: of('put'), list: of('list'), get: of('get'), delete: of('delete'), up, down };
    },
    async lyingIn(bucket) {
      const client = s3Client(server);
      const sizes: Bytes[] = [];
      for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: bucket }))
        sizes.push(...Contents.map(({ Size = 0 }) => Size));
      client.destroy();
      return { storedBytes: sizes.reduce((sum, size) => sum + size, 0), objects: sizes.length };
    },
    async stop() {
      await proxy.close();
      await server.stop();
    },
  };
}

function kindOf(head: string): 'put' | 'list' | 'get' | 'delete' {
  const [method, path = ''] = head.split(' ', 2);
  if (method === 'PUT' || method === 'POST') return 'put';
  if (method === 'DELETE') return 'delete';
  return /[?&](list-type|prefix|uploads)=/.test(path) ? 'list' : 'get';
}
