import { expect, test } from '@jest/globals';
import { startOf } from '../../../../core/domain/keys.ts';
import type { BackupId } from '../../../../core/domain/keys.ts';
import { copiesDue } from '../../../../core/domain/retention/copies.ts';
import { planRetention } from '../../../../core/domain/retention/retention.ts';
import { drawing } from '../../../support/random/drawing.ts';
import { dailyIds, none } from '../../../support/vaults/history.ts';

const ids = dailyIds(10);
const shelf = (of: readonly BackupId[]) => ({ ids: of, whole: of });
const due = (first: readonly BackupId[], copy: readonly BackupId[], retention = { count: 3 }) =>
  copiesDue(shelf(first), shelf(copy), retention, 'UTC');

test('a new vault gets what its retention keeps, the newest first', () => {
  expect(due(ids, [])).toEqual([ids[9], ids[8], ids[7]]);
});

test('one that was down for three days gets what it has missed, and what it has is not brought again', () => {
  expect(due(ids, ids.slice(0, 7))).toEqual([ids[9], ids[8], ids[7]]);
  expect(due(ids, ids)).toEqual([]);
});

test('a damaged backup of the first vault is not copied, and one that has lost parts in the copy is brought again', () => {
  const whole = ids.filter((id) => id !== ids[8]);
  expect(copiesDue({ ids, whole }, shelf([]), { count: 3 }, 'UTC')).toEqual([ids[9], ids[7], ids[6]]);
  expect(copiesDue(shelf(ids), { ids, whole }, { count: 3 }, 'UTC')).toEqual([ids[8]]);
});

test('what a copy needs and a rotation there agree: nothing is brought that the next rotation removes', () => {
  const random = drawing(4);
  const retention = { ...none, daily: 3, weekly: 2, monthly: 2 };
  let copy: BackupId[] = [];
  for (let night = 1; night <= 120; night += 1) {
    const all = dailyIds(200).slice(0, night);
    const first = all.filter((_, index) => index > night - 10 || index % 7 === 0);
    const brought = random() < 0.2 ? [] : copiesDue(shelf(first), shelf(copy), retention, 'UTC');
    const there = [...copy, ...brought].sort();
    const plan = planRetention(
      there.map((id) => ({ id, start: startOf(id) })),
      retention,
      'UTC',
    );
    const kept = plan.filter(({ reasons }) => reasons.length > 0).map(({ id }) => id);
    expect(brought.filter((id) => !kept.includes(id))).toEqual([]);
    copy = random() < 0.5 ? there : kept;
  }
  expect(copy.length).toBeGreaterThan(4);
});
