import { expect, test } from '@jest/globals';
import { BackupError } from '../../../../core/domain/errors.ts';
import type { BackupId } from '../../../../core/domain/keys.ts';
import { partKey } from '../../../../core/domain/layout/places.ts';
import { discardDamaged } from '../../../../core/store/copying/replace.ts';
import { storedBackup } from '../../../../core/store/copying/stored.ts';
import { dailyIds, putBackup, signal } from '../../../support/vaults/history.ts';
import { shop } from '../../../support/vaults/seen.ts';
import { memoryScene, overwrite } from '../../../support/vaults/vault.ts';

const [id] = dailyIds(1) as [BackupId];
const signingOf = () => undefined;

test('a damaged part is taken away where we may, and what keeps us from it is said', async () => {
  const [{ vault: there }, { vault: here }] = [memoryScene(), memoryScene()];
  const { parts } = await putBackup(there, 'shop', id);
  await putBackup(here, 'shop', id);
  const key = partKey(shop, id, parts[0]!.file);
  await overwrite(here, key, 'spoilt');
  const stored = await storedBackup({ vault: there, signingOf }, shop, id, signal);
  const discard = (failure?: BackupError) => {
    const vault = failure === undefined ? here : { ...here, delete: () => Promise.reject(failure) };
    return discardDamaged({ vault, signingOf }, stored, [parts[0]!], { confirm: async () => {} }, signal);
  };
  const away = new BackupError('vault-unreachable', 'away');
  const denied = new BackupError('vault-denied', 'you may not');

  await expect(discard(away)).rejects.toBe(away);
  await expect(discard(denied)).rejects.toMatchObject({
    code: 'vault-failed',
    message: `memory/${key} is damaged, and these credentials may not remove it`,
    cause: denied,
  });
  await discard();
  const left = await Array.fromAsync(here.list('', signal), (one) => one.key);
  expect(left).not.toContain(key);
  expect(left).toHaveLength(2);
});
