import { expect, test } from '@jest/globals';
import { lockWanted } from '../../../core/domain/retention/locks.ts';
import { planRetention } from '../../../core/domain/retention/retention.ts';
import { BackupError, messageOf } from '../../../core/domain/errors.ts';
import { objectKey, startOf } from '../../../core/domain/keys.ts';
import type { BackupId, ObjectKey } from '../../../core/domain/keys.ts';
import { dailyIds, none, policyOf, putBackup, rotatingIn } from '../../support/vaults/history.ts';
import { memoryScene } from '../../support/vaults/vault.ts';

const policy = { ...none, daily: 3, monthly: 3, yearly: 2 };
const idAt = (day: string) => `${day.replaceAll('-', '')}T020000Z-aaaaaa` as BackupId;

/** Until which day each of these is to be locked; `-`: not at all. */
function locked(days: readonly string[], locks: object): Record<string, string> {
  const ids = days.map(idAt).map((id) => ({ id, start: startOf(id) }));
  return Object.fromEntries(
    planRetention(ids, policy, 'UTC').map(({ reasons }, index) => [
      days[index]!,
      lockWanted(ids[index]!, reasons, locks)?.toISOString().slice(0, 10) ?? '-',
    ]),
  );
}

test('a backup is locked by the longest tier that it counts for for good: once a newer day, month or year has one', () => {
  const days = ['2025-12-31', '2026-10-30', '2026-10-31', '2026-11-28', '2026-11-29'];

  expect(locked(days, { daily: 10, monthly: 100, yearly: 1000 })).toEqual({
    '2025-12-31': '2028-09-26', // the last of its year
    '2026-10-30': '-', // of no tier
    '2026-10-31': '2027-02-08', // the last of its month
    '2026-11-28': '2026-12-08', // the last of its day
    '2026-11-29': '-', // of a day, a month and a year that may still get another one
  });
  expect(locked(days, { yearly: 1 })).toMatchObject({ '2025-12-31': '2026-01-01', '2026-10-31': '-' });
});

test('one that holds a free place of its tier for the time being is not locked for it', () => {
  expect(locked(['2026-11-27', '2026-11-28', '2026-11-29'], { monthly: 100, yearly: 1000 })).toEqual({
    '2026-11-27': '-',
    '2026-11-28': '-',
    '2026-11-29': '-',
  });
});

test('rotation locks parts before the manifest, nothing that it removes, and nothing that would be over already', async () => {
  const { vault: memory } = memoryScene();
  const asked: [ObjectKey, string][] = [];
  const locks = {
    days: { daily: 1, monthly: 30 },
    lengthen: async (key: ObjectKey, until: Date) => void asked.push([key, until.toISOString()]),
  };
  const vault = { ...memory, locks };
  const ids = [...dailyIds(1, '2026-10-31'), ...dailyIds(3, '2026-11-20')];
  for (const id of ids) await putBackup(vault, 'shop', id);

  const rotating = rotatingIn(vault, '2026-11-20T12:00:00Z').rotating;
  const { locked: count, failures } = await rotating('shop', policyOf({ ...none, daily: 2, monthly: 2 }));

  expect({ count, failures }).toEqual({ count: 1, failures: [] });
  const files = ['catalog.json.zst', 'data/0001.sql.zst', 'manifest.json'];
  expect(asked).toEqual(files.map((file) => [objectKey(`shop/${ids[0]}/${file}`), '2026-11-30T02:00:00.000Z']));
  await expect(rotating('shop', policyOf({ count: 9 }))).resolves.not.toHaveProperty('locked');
});

test('a backup whose lock is refused keeps no other from being locked, and each refusal is told', async () => {
  const { vault: memory } = memoryScene();
  const ids = ['2026-07-31', '2026-08-31', '2026-09-30', '2026-10-31', '2026-11-30'].map(idAt);
  const [first, second] = ids as [BackupId, BackupId];
  const asked: string[] = [];
  let code: 'vault-denied' | 'vault-unreachable' = 'vault-denied';
  const lengthen = async (key: ObjectKey) => {
    const refused = [first, second].find((id) => key.startsWith(`shop/${id}/`));
    if (refused !== undefined) throw new BackupError(code, `no lock of ${refused}`);
    asked.push(key);
  };
  const vault = { ...memory, locks: { days: { monthly: 300 }, lengthen } };
  for (const id of ids) await putBackup(vault, 'shop', id);

  const rotating = () => rotatingIn(vault, '2026-11-30T12:00:00Z').rotating('shop', policyOf({ ...none, monthly: 9 }));
  const { locked: count, failures } = await rotating();

  expect(count).toBe(2);
  expect(failures.map(messageOf).toSorted()).toEqual([first, second].map((id) => `no lock of ${id}`));
  expect(asked.filter((key) => key.endsWith('manifest.json')).toSorted()).toEqual(
    ids.slice(2, 4).map((id) => `shop/${id}/manifest.json`),
  );

  code = 'vault-unreachable';
  expect((await rotating()).failures).toHaveLength(1);
});
