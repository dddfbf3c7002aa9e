import { expect, test } from '@jest/globals';
import { dueWork } from '../../../../core/domain/by-tag/due.ts';
import type { TimedSource } from '../../../../core/domain/by-tag/due.ts';
import type { SourceName } from '../../../../core/domain/keys.ts';

const minute = 60_000;
const shop: TimedSource = {
  name: 'rds.shop' as SourceName,
  schedule: '30 2 * * *',
  timeZone: 'Europe/Amsterdam',
  rotate: undefined,
  drill: undefined,
  copied: false,
  drillEveryMs: undefined,
  since: new Date('2026-11-01T00:00:00Z'),
};

/** What is started in so many looks, a quarter of an hour each; `lost` of them never come. */
function looked(source: TimedSource, from: string, looks: number, lost: (at: Date) => boolean = () => false): string[] {
  let until = new Date(from);
  const started: string[] = [];
  for (let look = 1; look <= looks; look += 1) {
    const now = new Date(Date.parse(from) + look * 15 * minute);
    if (lost(now)) continue;
    started.push(...dueWork([source], until, now).map(({ job, at }) => `${job} ${at.toISOString().slice(0, 16)}`));
    until = now;
  }
  return started;
}

test('each night has one backup and one rotation, at the times of the source’s own zone', () => {
  expect(looked(shop, '2026-11-20T00:05:00Z', 4 * 48)).toEqual([
    'backup 2026-11-20T01:30',
    'rotate 2026-11-20T04:30',
    'backup 2026-11-21T01:30',
    'rotate 2026-11-21T04:30',
  ]);
});

test('copies and drills come as a deployment would have scheduled them', () => {
  const all = { ...shop, copied: true, drillEveryMs: 36 * 60 * minute };

  expect(looked(all, '2026-11-20T00:05:00Z', 4 * 24).toSorted()).toEqual([
    'backup 2026-11-20T01:30',
    'copy 2026-11-20T02:30',
    'copy 2026-11-20T03:30',
    'drill 2026-11-20T06:30',
    'rotate 2026-11-20T04:30',
  ]);
});

test('looks that never came cost no night: the backup is started by the next one, and once', () => {
  const isLost = (at: Date): boolean => at.toISOString() < '2026-11-20T09:00';

  expect(looked(shop, '2026-11-20T00:05:00Z', 4 * 24, isLost)).toEqual([
    'backup 2026-11-20T01:30',
    'rotate 2026-11-20T04:30',
  ]);
});

test('after days without a look, a day back is enough, and of each job the newest moment', () => {
  const now = new Date('2026-11-24T12:00:00Z');
  const due = dueWork([shop, { ...shop, schedule: '0 * * * *' }], new Date('2026-11-20T00:00:00Z'), now);

  expect(due.map(({ job, at }) => `${job} ${at.toISOString().slice(0, 16)}`)).toEqual([
    'backup 2026-11-24T01:30',
    'rotate 2026-11-24T04:30',
    'backup 2026-11-24T12:00',
    'rotate 2026-11-24T04:30',
  ]);
});

test('what was found after its moment begins with the next one', () => {
  const found = { ...shop, since: new Date('2026-11-20T01:40:00Z') };

  expect(looked(found, '2026-11-20T01:00:00Z', 8)).toEqual([]);
});
