import { expect, test } from '@jest/globals';
import { objectKey } from '../../../../core/domain/keys.ts';
import type { BackupId, SourceName } from '../../../../core/domain/keys.ts';
import { alsoDamaged } from '../../../../core/store/records/also-damaged.ts';
import type { Vault } from '../../../../core/vault.ts';
import { dailyIds, signal } from '../../../support/vaults/history.ts';
import { memoryScene } from '../../../support/vaults/vault.ts';

const shop = 'shop' as SourceName;
const [a, b, made, alike] = dailyIds(4) as [BackupId, BackupId, BackupId, BackupId];
const part = (id: BackupId, nth = 1) => objectKey(`shop/${id}/data/000${nth}.tar.zst`);

/** All have two parts; the first of three is one file, the second of two. One has no manifest yet. */
async function vaultOf(): Promise<Vault> {
  const { vault } = memoryScene();
  const keys = [a, b, made, alike].flatMap((id) => [part(id), part(id, 2)]);
  const manifests = [a, b, alike].map((id) => objectKey(`shop/${id}/manifest.json`));
  for (const key of [...keys, ...manifests]) await vault.putIfAbsent(key, Buffer.from('x'), {}, signal);
  const files = new Map([
    ...[a, b, made].map((id) => [part(id), '7:1'] as const),
    [part(a, 2), '7:2'],
    [part(alike, 2), '7:2'],
  ]);
  return {
    ...vault,
    share: async () => true,
    async *list(prefix, stop) {
      for await (const found of vault.list(prefix, stop)) {
        const file = files.get(found.key);
        yield file === undefined ? found : { ...found, file };
      }
    },
  };
}

test('a damaged part is that of every backup that has the same file, also of one that is being made', async () => {
  const vault = await vaultOf();
  const also = (...damaged: ReturnType<typeof part>[]) => alsoDamaged(vault, shop, a, new Set(damaged), signal);

  expect(await also(part(a))).toEqual([b, made]);
  expect(await also(part(a, 2))).toEqual([alike]);
  expect(await also(part(a), part(a, 2))).toEqual([b, alike, made]);
  expect(await also(part(b))).toEqual([]);
});

test('where nothing is shared, nothing is listed, and equal parts are parts of their own', async () => {
  const { share: _, ...vault } = await vaultOf();
  const unasked: Vault = {
    ...vault,
    list: () => {
      throw new Error('listed');
    },
  };
  expect(await alsoDamaged(unasked, shop, a, new Set([part(a)]), signal)).toEqual([]);
  expect(await alsoDamaged(await vaultOf(), shop, alike, new Set([part(alike)]), signal)).toEqual([]);
});
