import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { backup } from '../../../core/commands/backup.ts';
import { findManifest, listBackups } from '../../support/vaults/listed.ts';
import { restoreRecorded } from '../../../core/commands/restore/restore.ts';
import { verifyRecorded } from '../../../core/commands/proof/verify.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { objectKey } from '../../../core/domain/keys.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import type { Vault } from '../../../core/vault.ts';
import { startCeph } from '../../servers/s3/ceph.ts';
import type { S3Server } from '../../servers/server.ts';
import { limit, postgresScene } from '../../support/postgres.ts';
import type { PostgresScene } from '../../support/postgres.ts';
import { depsOf } from '../../support/vaults/vault.ts';
import type { ProxyOptions } from '../vaults/proxy.ts';
import { openOn } from '../vaults/s3/servers.ts';
import { through } from '../vaults/s3/through.ts';

const shop = 'shop' as SourceName;
let server: S3Server;
let direct: Vault;
let scene: PostgresScene;
let good: Manifest;

beforeAll(async () => {
  server = await startCeph();
  ({ vault: direct } = await openOn(server));
  scene = await postgresScene(18);
  await scene.sql('postgres', 'create database shop');
  await scene.sql(
    'shop',
    'create table orders as select g as id, md5(g::text) as note from generate_series(1, 5000) g',
  );
  good = await backup(scene.source('shop'), depsOf(direct), limit());
}, 1_200_000);
afterAll(async () => {
  await scene?.stop();
  await server?.stop();
});

/** Flips a bit in the bodies of answers to requests that fit, as often as this; another one each time. */
function flipping(fits: RegExp, times: number): ProxyOptions['down'] {
  let left = times;
  return (chunk, { request, down }) => {
    const head = chunk.indexOf('\r\n\r\n');
    const body = chunk.toString('latin1', 0, 5) === 'HTTP/' ? head + 4 : 0;
    if (!fits.test(request) || left === 0 || body >= chunk.length || (body === 0 && down === chunk.length))
      return chunk;
    left -= 1;
    const changed = Buffer.from(chunk);
    changed[body + Math.floor(((chunk.length - body) * (left + 1)) / (times + 2))]! ^= 1;
    return changed;
  };
}

const parts = [
  ['its rows', /^GET \S*data\/0002/],
  ['its definitions', /^GET \S*schema\.pgdump/],
  ['its catalog', /^GET \S*catalog/],
] as const;
const looks = async () =>
  (await listBackups(shop, direct, limit())).map(({ proof }) => proof && `${proof.kind} ${proof.outcome}`);
const forget = async () => {
  for (const { key } of await Array.fromAsync(direct.list('shop/', limit())))
    if (key.includes('/proofs/')) await direct.delete(key, limit());
};
const restored = async (vault: Vault) => {
  await scene.sql('postgres', 'drop database if exists copy');
  return restoreRecorded(
    good,
    scene.source('copy').engine,
    { replace: false, owners: true, proof: true },
    { ...depsOf(vault), parallel: 2 },
    limit(),
  );
};

test.each(parts)(
  'museum: a bit that flips once on the way, in %s, brands no backup: verify reads again and says so',
  async (_, part) => {
    await forget();
    const warnings: string[] = [];
    await through(server, { down: flipping(part, 1) }, async (vault) => {
      const { problems } = await verifyRecorded(
        good,
        { ...depsOf(vault), report: (event) => event.type === 'warning' && warnings.push(event.message) },
        limit(),
      );

      expect(problems).toEqual([]);
    });
    expect(warnings).toEqual([expect.stringMatching(/changed on its way: read again, it is whole$/)]);
    expect(await looks()).toEqual(['verify passed']);
  },
);

test.each(parts.slice(0, 2))(
  'museum: the same while it is restored, in %s: the restore fails, can be tried again, and says nothing ' +
    'against the backup',
  async (_, part) => {
    await forget();
    await through(server, { down: flipping(part, 1) }, async (vault) => {
      await expect(restored(vault)).rejects.toMatchObject({
        code: 'vault-failed',
        message: expect.stringContaining('was changed on its way: read again, it is whole'),
        hint: 'run it again',
      });

      expect(await looks()).toEqual([undefined]);
      expect((await restored(vault)).proof).toMatchObject({ differences: [] });
    });
  },
);

test('a catalog that changes on its way is read again before anything has begun', async () => {
  await through(server, { down: flipping(parts[2][1], 1) }, async (vault) => {
    expect((await restored(vault)).proof).toMatchObject({ differences: [] });
  });
});

test('bytes that are others at each reading are the fault of the way, and no record against the backup', async () => {
  await forget();
  await through(server, { down: flipping(parts[0][1], 100) }, async (vault) => {
    await expect(verifyRecorded(good, depsOf(vault), limit())).rejects.toMatchObject({
      code: 'vault-failed',
      message: expect.stringContaining('reads differently each time'),
    });
  });
  expect(await looks()).toEqual([undefined]);
});

test('a manifest that changes on its way is read again', async () => {
  await through(server, { down: flipping(/^GET \S*manifest\.json/, 1) }, async (vault) => {
    expect(await findManifest(shop, 'latest', vault, limit())).toEqual(good);
  });
});

test('bytes that are wrong twice, and the same, are damage for good', async () => {
  await forget();
  const key = objectKey(`shop/${good.id}/data/0002.sql.zst`);
  const whole = Buffer.concat(await Array.fromAsync(direct.get(key, limit())));
  const changed = Buffer.from(whole);
  changed[Math.floor(whole.length / 2)]! ^= 1;
  async function* of(bytes: Buffer) {
    yield bytes;
  }
  await direct.delete(key, limit());
  await direct.put(key, of(changed), {}, limit());
  try {
    expect((await verifyRecorded(good, depsOf(direct), limit())).problems).toMatchObject([
      { file: 'data/0002.sql.zst', error: { code: 'part-corrupt' } },
    ]);
    expect(await looks()).toEqual(['verify failed']);
    await expect(restored(direct)).rejects.toMatchObject({ code: 'part-corrupt' });
  } finally {
    await direct.delete(key, limit());
    await direct.put(key, of(whole), {}, limit());
  }
});
