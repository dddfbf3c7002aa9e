import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { s3Vault } from '../../../../core/vaults/s3/s3.ts';
import type { DatabaseServer } from '../../../servers/server.ts';
import { dailyIds, putBackup } from '../../../support/vaults/history.ts';
import { clientOf } from '../../vaults/s3/servers.ts';
import { errorOf, valueOf } from '../sandbox/outcome.ts';
import { openScene, type Scene } from '../scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
}, 20 * 60_000);
afterAll(() => scene?.close());

test('the bundled function shows, refuses and rotates, and asks no database and no secret', async () => {
  const client = clientOf(scene.aws);
  const vault = s3Vault({ client, bucket: 'vault', prefix: '' });
  const ids = dailyIds(6, '2026-11-10');
  for (const id of ids) await putBackup(vault, 'shop', id);
  client.destroy();
  const nowhere = {
    server: { host: 'db.invalid', port: 5432 } as DatabaseServer,
    engine: 'postgres',
    database: 'shop',
    secret: 'missing',
  } as const;
  const rotate = await scene.deploy('rotate', { shop: nowhere }, { config: { defaults: { retention: { count: 2 } } } });

  const looked = valueOf(await rotate.invoke({ source: 'shop', dryRun: true }));
  const refused = errorOf(await rotate.invoke({ source: 'shop' }));
  const before = (await scene.keys()).filter((key) => key.endsWith('/manifest.json'));
  const rotated = valueOf(await rotate.invoke({ source: 'shop', anyShare: true }));
  const unknown = errorOf(await rotate.invoke({ source: 'shpo' }));

  const removed = ids.slice(0, 4).map((id) => expect.objectContaining({ id, state: 'gone' }) as unknown);
  expect(looked).toMatchObject({
    status: 'dry-run',
    backups: 6,
    kept: 2,
    removed,
    refusal: expect.stringContaining('more than 60 % at once'),
  });
  expect(refused).toMatchObject({
    errorType: 'rotation-refused',
    errorMessage: expect.stringContaining('4 of 6 backups would be removed'),
  });
  expect(before).toHaveLength(6);
  expect(rotated).toMatchObject({
    status: 'rotated',
    source: 'shop',
    backups: 6,
    kept: 2,
    removed,
    retagged: 2,
    swept: { state: 'none' },
  });
  expect((await scene.keys()).filter((key) => key.endsWith('/manifest.json'))).toEqual(
    ids.slice(4).map((id) => `shop/${id}/manifest.json`),
  );
  expect(unknown).toMatchObject({
    errorType: 'input-invalid',
    errorMessage: expect.stringContaining('did you mean "shop"?'),
  });
}, 120_000);
