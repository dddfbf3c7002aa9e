import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { behindOthers, isBackupId, newBackupId } from '../../../core/domain/keys.ts';
import type { BackupId } from '../../../core/domain/keys.ts';

const second = new Date('2026-11-20T02:00:00.400Z');
const random = () => fc.double({ min: 0, max: 0.999999, noNaN: true });

test('backups of one second sort as they were made', () => {
  fc.assert(
    fc.property(fc.array(random(), { minLength: 2, maxLength: 8 }), (draws) => {
      const made: BackupId[] = [newBackupId(new Date('2026-11-20T01:59:59Z'), 0.9)];
      for (const draw of draws) made.push(behindOthers(newBackupId(second, draw), made));

      expect(made.every(isBackupId)).toBe(true);
      expect([...made].sort()).toEqual(made);
    }),
  );
});

test('a name has six digits even where the second has no room left', () => {
  const last = newBackupId(second, 0.99999999);
  expect(last).toBe('20261120T020000Z-ffffff');
  expect(behindOthers(newBackupId(second, 0.5), [last])).toBe(last);
  expect(behindOthers(newBackupId(new Date('2026-11-20T02:00:01Z'), 0), [last])).toBe('20261120T020001Z-000000');
});
