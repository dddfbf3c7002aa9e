import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { rotate } from '../../../../core/commands/rotate.ts';
import type { SourceName } from '../../../../core/domain/keys.ts';
import { s3Vault } from '../../../../core/vaults/s3/s3.ts';
import { startCeph } from '../../../servers/s3/ceph.ts';
import { startMoto } from '../../../servers/s3/moto.ts';
import type { S3Server } from '../../../servers/server.ts';
import { inCommon, sealedScene } from '../../../support/files/sealed.ts';
import { bash, seenByStock } from '../../../support/files/stock.ts';
import { policyOf } from '../../../support/vaults/history.ts';
import { depsOf, limit } from '../../../support/vaults/vault.ts';
import { bucket, clientOf } from './servers.ts';

// encrypted backups of a folder in real stores

describe.each<[string, () => Promise<S3Server>]>([
  ["Ceph's gateway", startCeph],
  ['moto', startMoto],
])('%s', (_, start) => {
  let server: S3Server;
  const sceneIn = (name: string) =>
    sealedScene(() => {
      const vault = s3Vault({ client: clientOf(server), bucket: name, prefix: 'team' });
      const files = () => Array.fromAsync(vault.list('', limit()), ({ key }) => String(key));
      return { vault, deps: (other = vault) => depsOf(other), files, remove: async () => {} };
    });
  beforeAll(async () => {
    server = await start();
    await server.createBucket(bucket);
    await server.createBucket('locked', { objectLock: true });
  }, 600_000);
  afterAll(() => server?.stop(), 60_000);

  test('what has not changed is stored once, and comes back when the backup before is rotated away', async () => {
    const scene = await sceneIn(bucket);
    await bash('head -c 6000000 /dev/urandom > a; printf 1 > b', scene.media);
    const first = await scene.night();
    await bash('printf 2 > b', scene.media);
    const second = await scene.night();
    expect(inCommon(second, first)).toEqual(['data/0001.tar.zst.age']);
    const packs = (await scene.vault.files()).filter((key) => key.includes('/packs/'));
    expect(packs).toHaveLength(2);
    const rotation = { dryRun: false, anyShare: true };
    await rotate('shop' as SourceName, policyOf({ count: 1 }), rotation, scene.depsOf(), limit());

    expect((await scene.restored(second, 'back')).proof).toMatchObject({ differences: [] });
    expect(await seenByStock(scene.path('back'))).toEqual(await seenByStock(scene.media));
    expect(scene.told()).toEqual([]);
    await scene.close();
  });

  test('in a bucket with Object Lock everything is stored each time, and no key is kept', async () => {
    const scene = await sceneIn('locked');
    await bash('printf 1 > a', scene.media);
    const [first, second] = [await scene.night(), await scene.night()];

    expect(inCommon(second, first)).toEqual([]);
    expect(second.encryption).not.toHaveProperty('ownLists');
    await scene.close();
  });
});
