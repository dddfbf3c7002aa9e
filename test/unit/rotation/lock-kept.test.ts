import { expect, test } from '@jest/globals';
import { BackupError } from '../../../core/domain/errors.ts';
import { objectKey, startOf } from '../../../core/domain/keys.ts';
import type { BackupId } from '../../../core/domain/keys.ts';
import type { RotationPlan } from '../../../core/domain/retention/rotation.ts';
import { lockKept } from '../../../core/store/rotation/lock.ts';
import type { Vault } from '../../../core/vault.ts';
import { dailyIds, signal } from '../../support/vaults/history.ts';
import { shop } from '../../support/vaults/seen.ts';

const dayMs = 24 * 3_600_000;
const [id] = dailyIds(1) as [BackupId];
const made = startOf(id);
const after = (days: number, ms = 0) => new Date(made.getTime() + days * dayMs + ms);
const files = ['data/0001.sql.zst', 'manifest.sig', 'manifest.json', 'pin.json', 'notes.txt'];

/** A rotation that finds this backup to be the last of a month, for which it is locked for 30 days. */
async function locking({
  action = 'keep' as 'keep' | 'remove',
  until = undefined as Date | undefined,
  now = after(2),
  lengthen = async (_: string): Promise<void> => {},
  locks = true,
} = {}) {
  const asked: string[] = [];
  const objects = [...files.map((file) => `shop/${id}/${file}`), 'shop/ledger.json'];
  const found = {
    id,
    start: made,
    objects: objects.map((key) => ({ key: objectKey(key), bytes: 1, modified: made })),
  };
  const reasons = [{ rule: 'monthly', place: 2, of: 9, period: '2026-11', oldest: false }];
  const plan = { source: shop, backups: [{ action, reasons, found }] } as unknown as RotationPlan;
  const vault: Pick<Vault, 'locks'> = !locks
    ? {}
    : {
        locks: {
          days: { monthly: 30 },
          lengthen: async (key, wanted) => {
            asked.push(`${key.slice(`shop/${id}/`.length)} ${wanted.toISOString().slice(0, 10)}`);
            await lengthen(key);
          },
        },
      };
  const result = await lockKept(vault, plan, { until: () => until, now }, signal);
  return { ...result, asked };
}
const all = ['data/0001.sql.zst', 'manifest.sig', 'manifest.json'];

test('a backup that stays is locked: its parts and signature, then its manifest, and no record of ours', async () => {
  expect(await locking()).toEqual({ locked: 1, failures: [], asked: all.map((file) => `${file} 2026-12-20`) });
});

test('nothing is locked that goes, in a vault without locks, or whose lock would be over', async () => {
  const nothing = { locked: 0, failures: [], asked: [] };

  expect(await locking({ action: 'remove' })).toEqual(nothing);
  expect(await locking({ locks: false })).toEqual(nothing);
  expect(await locking({ now: after(30) })).toEqual(nothing);
  expect(await locking({ now: after(30, -1) })).toMatchObject({ locked: 1 });
});

test('a lock that is there is made longer, and left where it is as long', async () => {
  expect(await locking({ until: after(30) })).toMatchObject({ locked: 0, asked: [] });
  expect(await locking({ until: after(31) })).toMatchObject({ locked: 0, asked: [] });
  expect(await locking({ until: after(30, -1) })).toMatchObject({ locked: 1 });
});

test('what is gone meanwhile needs no lock, and keeps nothing else from one', async () => {
  const gone = new BackupError('object-missing', 'gone');
  const lengthen = async (key: string) => {
    if (key.includes('/data/')) throw gone;
  };

  expect(await locking({ lengthen })).toMatchObject({ locked: 1, failures: [], asked: { length: 3 } });
});

test.each(['vault-denied', 'vault-unreachable'] as const)('a lock that fails with %s is told', async (code) => {
  const failed = new BackupError(code, 'no');

  expect(await locking({ lengthen: () => Promise.reject(failed) })).toMatchObject({ locked: 0, failures: [failed] });
});
