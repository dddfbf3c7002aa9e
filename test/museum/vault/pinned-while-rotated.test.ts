import { beforeEach, expect, test } from '@jest/globals';
import { BackupError } from '../../../core/domain/errors.ts';
import { manifestKey, partKey } from '../../../core/domain/layout/places.ts';
import { pinKey } from '../../../core/domain/layout/records.ts';
import type { BackupId } from '../../../core/domain/keys.ts';
import type { Vault } from '../../../core/vault.ts';
import { dailyIds, policyOf, putBackup, memoryRotationScene, signal } from '../../support/vaults/history.ts';
import { shop } from '../../support/vaults/seen.ts';

// "nightjar pin shop …" said that it was pinned; the next morning it was gone.
let scene: ReturnType<typeof memoryRotationScene>;
let ids: BackupId[];
beforeEach(async () => {
  scene = memoryRotationScene();
  ids = dailyIds(3);
  for (const id of ids) await putBackup(scene.vault, 'shop', id);
});

const pinning = () => scene.deps().store.pin(shop, ids[0]!, { reason: 'an audit', by: 'ann' }, scene.deps(), signal);

/** The pin is made, and told, when the rotation has looked for one and is about to remove the manifest. */
function pinnedJustNow(vault: Vault): Vault {
  return {
    ...vault,
    async delete(key, stop) {
      if (key === manifestKey(shop, ids[0]!)) await pinning();
      return vault.delete(key, stop);
    },
  };
}

test('a backup that was told as pinned while a rotation was removing it is whole, and stays', async () => {
  const objects = (await scene.keys(`shop/${ids[0]}/`)).length;
  const { body } = await scene.vault.read(manifestKey(shop, ids[0]!), signal);

  const rotation = await scene.rotating('shop', policyOf({ count: 2 }), {}, pinnedJustNow(scene.vault));

  expect([rotation.removals[0]!.state, rotation.freed, rotation.failures]).toEqual(['pinned', 0, []]);
  expect(await scene.ids('shop')).toEqual(ids);
  expect(await scene.keys(`shop/${ids[0]}/`)).toHaveLength(objects + 1);
  expect((await scene.vault.read(manifestKey(shop, ids[0]!), signal)).body).toEqual(body);
  expect((await scene.rotating('shop', policyOf({ count: 2 }))).removals).toEqual([]);
});

test('where the manifest can’t be put back, the rotation fails and says so, and the parts stay', async () => {
  const refused = new BackupError('vault-denied', 'the role may not write it');
  const vault = { ...pinnedJustNow(scene.vault), putIfAbsent: () => Promise.reject(refused) };

  const rotation = await scene.rotating('shop', policyOf({ count: 2 }), {}, vault);

  expect(rotation.failures).toMatchObject([
    { code: 'vault-denied', message: expect.stringContaining('was pinned while it was removed'), cause: refused },
  ]);
  expect(await scene.keys(`shop/${ids[0]}/`)).toEqual(
    ['catalog.json.zst', 'data/0001.sql.zst', 'pin.json'].map((file) => `shop/${ids[0]}/${file}`),
  );
});

/** What another rotation does when ours is about to remove the manifest. */
const meanwhile = (deed: () => Promise<unknown>): Vault => ({
  ...scene.vault,
  async delete(key, stop) {
    if (key !== manifestKey(shop, ids[0]!)) return scene.vault.delete(key, stop);
    await scene.vault.putIfAbsent(pinKey(shop, ids[0]!), Buffer.from('{}'), {}, signal);
    const deleted = await scene.vault.delete(key, stop);
    await deed();
    return deleted;
  },
});

test('a manifest that another rotation has put back is left as it is', async () => {
  const manifest = manifestKey(shop, ids[0]!);
  const { body } = await scene.vault.read(manifest, signal);

  const rotation = await scene.rotating(
    'shop',
    policyOf({ count: 2 }),
    {},
    meanwhile(() => scene.vault.putIfAbsent(manifest, body, {}, signal)),
  );

  expect([rotation.removals[0]!.state, rotation.failures]).toEqual(['pinned', []]);
  expect(await scene.ids('shop')).toEqual(ids);
});

test('a backup whose parts another rotation is removing is not listed again: it was told as gone', async () => {
  const rotation = await scene.rotating(
    'shop',
    policyOf({ count: 2 }),
    {},
    meanwhile(() => scene.vault.delete(partKey(shop, ids[0]!, 'data/0001.sql.zst'), signal)),
  );

  expect([rotation.removals[0]!.state, rotation.failures]).toEqual(['gone', []]);
  expect(await scene.ids('shop')).toEqual(ids.slice(1));
  expect(await scene.keys(`shop/${ids[0]}/`)).toEqual([`shop/${ids[0]}/pin.json`]);
});
