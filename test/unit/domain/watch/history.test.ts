import { expect, test } from '@jest/globals';
import { historyOf, lastProof } from '../../../../core/domain/verdict/history.ts';
import { objectKey } from '../../../../core/domain/keys.ts';
import type { SourceName } from '../../../../core/domain/keys.ts';

const modified = new Date('2026-11-20T04:00:00Z');

test.each([
  ['the later of two looks counts', ['20261120T031500Z-verify-failed', '20261120T031501Z-verify-passed'], 'passed'],
  [
    'a failed look counts, whichever of one second it was',
    ['20261120T031500Z-verify-failed', '20261120T031500Z-verify-passed'],
    'failed',
  ],
  [
    'a failed look counts, whatever looked in that second',
    ['20261120T031500Z-restore-failed', '20261120T031500Z-verify-passed'],
    'failed',
  ],
])('%s', (_, records, outcome) => {
  const keys = ['manifest.json', ...records.map((record) => `proofs/${record}.json`)].map((path) =>
    objectKey(`shop/20261120T020000Z-000000/${path}`),
  );

  for (const listed of [keys, keys.toReversed()]) {
    const { backups } = historyOf(
      'shop' as SourceName,
      listed.map((key) => ({ key, bytes: 1, modified })),
    );
    expect(lastProof(backups[0]!)).toMatchObject({ outcome });
  }
});
