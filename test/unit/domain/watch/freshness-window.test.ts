import { expect, test } from '@jest/globals';
import { checkConfig } from '../../../../core/contract/config/config.ts';
import { limitOf } from '../../../../core/domain/watch/freshness.ts';
import type { SourceName } from '../../../../core/domain/keys.ts';

const hourMs = 3_600_000;
const source = { postgres: { host: 'db', database: 'shop', user: 'backup' } };

test.each([
  ['the hour that a schedule leaves, without a cloud', { schedule: '0 4 * * *' }, undefined, 25],
  ['the window of AWS on top of it', { schedule: '0 4 * * *' }, { flexibleWindow: '4h' }, 29],
  ['a quarter of an hour by default', { schedule: '0 4 * * *' }, {}, 25.25],
  [
    'a limit that was written, as it was written',
    { schedule: '0 4 * * *', freshness: '26h' },
    { flexibleWindow: '4h' },
    26,
  ],
  ['25 hours where no schedule is known', {}, { flexibleWindow: '4h' }, 25],
])('a backup may be as old as %s', (_, own, cloud, hours) => {
  const result = checkConfig({ vault: './backups', sources: { shop: { ...source, ...own } }, ...(cloud && { cloud }) });
  if ('problems' in result) throw new Error(JSON.stringify(result.problems));
  const { watch, timeZone } = result.config.sources.get('shop' as SourceName)!;

  expect(
    limitOf(
      { source: 'shop' as SourceName, place: './backups', watch, timeZone },
      new Date('2026-11-20T04:00:00Z'),
      0,
    ) / hourMs,
  ).toBe(hours);
});
