import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { objectKey } from '../../../../core/domain/keys.ts';
import type { ObjectKey } from '../../../../core/domain/keys.ts';
import { withLinks } from '../../../../core/store/links/links.ts';
import { s3Vault } from '../../../../core/vaults/s3/s3.ts';
import { patterned } from '../../../contract/vault/vault-data.ts';
import { startCeph } from '../../../servers/s3/ceph.ts';
import { startMoto } from '../../../servers/s3/moto.ts';
import type { S3Server } from '../../../servers/server.ts';
import { bucket, clientOf } from './servers.ts';

// second names of parts in real stores, and in buckets that lock what they keep

const signal = AbortSignal.timeout(600_000);
const tags = { 'nightjar-tier': 'daily' };
const part = (day: number): ObjectKey => objectKey(`media/2026112${day}T020000Z-00000a/data/0001.tar.zst`);
const bytes = 9 * 1024 ** 2;

describe.each<[string, () => Promise<S3Server>]>([
  ["Ceph's gateway", startCeph],
  ['moto', startMoto],
])('%s', (_, start) => {
  let server: S3Server;
  const vaultOf = (name: string) =>
    withLinks(s3Vault({ client: clientOf(server), bucket: name, prefix: 'team/backups' }));

  beforeAll(async () => {
    server = await start();
    await server.createBucket(bucket);
    await server.createBucket('locked', { objectLock: true });
  }, 600_000);
  afterAll(() => server?.stop(), 60_000);

  test('a part has several names, and its bytes are stored once', async () => {
    const vault = vaultOf(bucket);
    expect(await vault.mayLock!(signal)).toBe(false);
    expect(await vault.put(part(1), patterned(bytes, 65_536), tags, signal)).toEqual({ bytes });
    expect(await vault.share!([{ from: part(1), to: part(2), bytes }], signal)).toBe(true);
    expect(await vault.delete(part(1), signal)).toEqual({ state: 'gone', shared: true });

    const listed = await Array.fromAsync(vault.list('media/', signal), ({ key, bytes: size, file }) => [
      key,
      size,
      file,
    ]);
    const pack = part(1).replace('media/', 'media/packs/').replace('data/', '');
    expect(listed.sort()).toEqual([
      [part(2), bytes, pack],
      [pack, bytes, undefined],
    ]);
    expect(Buffer.concat(await Array.fromAsync(vault.get(part(2), signal)))).toEqual(
      Buffer.concat(await Array.fromAsync(patterned(bytes, 65_536))),
    );
    await vault.retag(part(2), tags, signal);
    expect(await vault.tags(part(2), signal)).toEqual(tags);
  });

  test('in a bucket with Object Lock each part lies in its own place', async () => {
    const vault = vaultOf('locked');
    expect(await vault.mayLock!(signal)).toBe(true);
    await vault.put(part(1), patterned(10, 10), tags, signal);

    expect(await vault.share!([{ from: part(1), to: part(2), bytes: 10 }], signal)).toBe(false);
    expect((await Array.fromAsync(vault.list('', signal))).map(({ key }) => key)).toEqual([part(1)]);
  });
});
