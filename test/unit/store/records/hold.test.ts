import { beforeEach, expect, test } from '@jest/globals';
import { BackupError } from '../../../../core/domain/errors.ts';
import { objectKey } from '../../../../core/domain/keys.ts';
import type { BackupId } from '../../../../core/domain/keys.ts';
import { holdBackup } from '../../../../core/store/records/hold.ts';
import type { Vault } from '../../../../core/vault.ts';
import { dailyIds, putBackup, signal } from '../../../support/vaults/history.ts';
import { shop } from '../../../support/vaults/seen.ts';
import { memoryScene } from '../../../support/vaults/vault.ts';

const [id, other] = dailyIds(2) as [BackupId, BackupId];
let vault: Vault;
let asked: string[];
beforeEach(async () => {
  ({ vault } = memoryScene());
  asked = [];
  for (const one of [id, other]) await putBackup(vault, 'shop', one);
  for (const file of ['manifest.sig', 'pin.json', 'notes.txt', 'proofs/20261120T031500Z-verify-passed.json'])
    await vault.putIfAbsent(objectKey(`shop/${id}/${file}`), Buffer.from('x'), {}, signal);
});

const holding = (answer: (path: string) => boolean | BackupError = () => true): Vault => ({
  ...vault,
  async hold(key, on) {
    const path = key.slice(`shop/${id}/`.length);
    asked.push(`${path} ${on}`);
    const said = answer(path);
    if (typeof said === 'boolean') return said;
    throw said;
  },
});
const hold = (on: Vault, isOn = true) => holdBackup(on, shop, id, isOn, signal);
const gone = new BackupError('object-missing', 'gone');
const denied = new BackupError('vault-denied', 'you may not');

test.each([true, false])(
  'everything that a backup consists of is held, or not (%p), the manifest first',
  async (on) => {
    expect(await hold(holding(), on)).toBe(true);

    expect(asked[0]).toBe(`manifest.json ${on}`);
    const rest = ['catalog.json.zst', 'data/0001.sql.zst', 'manifest.sig'].map((path) => `${path} ${on}`);
    expect(asked.slice(1).toSorted()).toEqual(rest);
  },
);

test('where there are no locks nothing is held, and nothing more is asked', async () => {
  expect(await hold(vault)).toBe(false);
  expect(await hold(holding(() => false))).toBe(false);
  expect(asked).toEqual(['manifest.json true']);
});

test('what is gone meanwhile needs no hold; but for the manifest, without which there is no backup', async () => {
  expect(await hold(holding((path) => (path === 'catalog.json.zst' ? gone : true)))).toBe(true);
  await expect(hold(holding(() => gone))).rejects.toBe(gone);
});

test('who may not is told so, of a part as well', async () => {
  await expect(hold(holding((path) => (path === 'data/0001.sql.zst' ? denied : true)))).rejects.toBe(denied);
});
