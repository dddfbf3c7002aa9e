import { expect, test } from '@jest/globals';
import { estimateCost } from '../../../core/domain/cost/cost.ts';
import type { CostPlan, SourcePlan } from '../../../core/domain/cost/cost.ts';
import { keptOf } from '../../../core/domain/cost/kept.ts';
import { costNotes } from '../../../core/domain/cost/notes.ts';
import { pricesOf } from '../../../core/domain/cost/prices.ts';

const GiB = 1024 ** 3;
const shop: SourcePlan = {
  source: 'shop',
  perMonth: 30,
  kept: 10,
  bytes: 4 * GiB,
  storedBytes: GiB,
  objects: 4,
  seconds: 120,
  memoryMb: 1024,
  timeoutSeconds: 900,
  measured: true,
};
const plan: CostPlan = {
  region: 'us-east-1',
  sources: [shop],
  checksPerMonth: 720,
  ownKey: false,
  signingKey: false,
  heldDays: 0,
  logMonths: 3,
  tracing: false,
  mails: 0,
  secrets: 0,
  endpoints: 0,
  alarmsOfEach: true,
};
const gfs = { last: 0, hourly: 0, daily: 7, weekly: 4, monthly: 12, yearly: 5, keepWithinMs: 0 };
const now = new Date('2026-11-20T12:00:00Z');

const dollarsOf = (item: string, changed: Partial<CostPlan> = {}) =>
  estimateCost({ ...plan, ...changed }).lines.find((line) => line.item === item);

test('storage is what is kept, by GB of 2^30 bytes: 10 × 1 GB × $0.023', () => {
  expect(dollarsOf('S3 storage')?.dollars).toBeCloseTo(0.23, 10);
});

test('what rotation deletes is paid for as long as the bucket holds it: 30 a month for 365/12 days are 30 more', () => {
  expect(dollarsOf('S3 storage', { heldDays: 365 / 12 })?.dollars).toBeCloseTo(0.92, 10);
  expect(estimateCost({ ...plan, heldDays: 365 / 12 }).sources[0]?.held).toBeCloseTo(30, 10);
});

test('requests are those of uploads, leases, lists, tags and manifests', () => {
  // a backup: 128 uploads of 8 MiB, 2 for each of 4 objects, 8 for lease and lists, 2 minutes of lease; a rotation a
  // day: 4 + 2 × 4; a check: a list of 40 keys, and 2
  const writes = 30 * (128 + 8 + 8 + 2) + (365 / 12) * 12 + 720 * 1 + 720 * 2;
  // a backup: 5; a rotation: 10 manifests; a check: 8 manifests, and what it remembers
  const reads = 30 * 5 + (365 / 12) * 10 + 720 * 8 + 720;
  const tags = 10 * 4 * 2;

  expect(dollarsOf('S3 requests')?.dollars).toBeCloseTo(writes * 0.000005 + reads * 0.0000004 + tags * 0.00000065, 10);
  expect(dollarsOf('S3 requests')?.what).toBe('6,905 writes, 6,934 reads');
});

test('functions are paid by memory and time, and for a small stack the free tier takes all of it: 30 × 120 s × 1 GB', () => {
  const line = dollarsOf('Lambda, backups');

  expect(line?.dollars).toBeCloseTo(3600 * 0.0000133334, 10);
  expect(line?.free).toBe(line?.dollars);
});

test('beyond 400,000 GB-seconds the free tier takes off only so much', () => {
  const line = dollarsOf('Lambda, backups', {
    sources: Array.from({ length: 200 }, () => ({ ...shop, memoryMb: 2048 })),
  });

  expect(line?.dollars).toBeCloseTo(1_440_000 * 0.0000133334, 6);
  expect(line?.free).toBeCloseTo(400_000 * 0.0000133334, 6);
});

test.each([
  ['KMS key', { ownKey: true }, 1, 1],
  ['KMS key that signs', { signingKey: true }, 1, 1],
  ['KMS requests', { ownKey: true }, 0.0234, 0],
  ['CloudWatch alarms', {}, 1.3, 0.3],
  ['CloudWatch metrics', {}, 3.3, 0.3],
  ['CloudWatch dashboard', {}, 3, 0],
  ['Interface endpoints', { endpoints: 2 }, 14.6, 14.6],
  ['Secrets Manager', { secrets: 2 }, 0.8078, 0.8078],
  ['Scheduler', {}, 0.0008, 0],
] as const)('%s with %j comes to $%d, after the free tier to $%d', (item, changed, dollars, after) => {
  const line = dollarsOf(item, changed);

  expect(line?.dollars).toBeCloseTo(dollars, 4);
  expect(line!.dollars - line!.free).toBeCloseTo(after, 4);
});

test('the total is the sum of its lines, with and without the free tier', () => {
  const { lines, dollars, afterFree } = estimateCost({
    ...plan,
    ownKey: true,
    heldDays: 30,
    secrets: 3,
    endpoints: 1,
    mails: 10,
  });

  expect(dollars).toBeCloseTo(
    lines.reduce((sum, line) => sum + line.dollars, 0),
    10,
  );
  expect(afterFree).toBeCloseTo(
    lines.reduce((sum, line) => sum + line.dollars - line.free, 0),
    10,
  );
  expect(lines.filter(({ dollars: list, free }) => free > list + 1e-12 || free < 0)).toEqual([]);
});

test('a region without prices gets the dearest, and a note that says so', () => {
  expect(pricesOf('eu-west-1')).toMatchObject({ storage: 0.023, logs: 0.57, known: true });
  expect(pricesOf('mx-central-1')).toEqual({
    storage: 0.025,
    put: 0.0055e-3,
    get: 0.00044e-3,
    logs: 0.67,
    endpointHour: 0.013,
    natGb: 0.059,
    known: false,
  });
  expect(costNotes({ ...plan, region: 'mx-central-1' }, estimateCost(plan))[0]).toContain('No prices of mx-central-1');
});

test('what can’t end in its time has its price: 30 nights of half of 90 GiB, held for 31 days, and 30 whole runs', () => {
  const tried = { ...shop, perMonth: 30, storedBytes: 90 * GiB, seconds: 1800, timeoutSeconds: 900, memoryMb: 1024 };
  const notes = (seconds: number): string => {
    const endless = { ...plan, heldDays: 30, sources: [{ ...tried, seconds }] };
    return costNotes(endless, estimateCost(endless)).join('\n');
  };

  // 30 × 45 GiB × $0.023, and 30 × 900 s × 1 GB × $0.0000133334
  expect(notes(1800)).toContain(
    "shop can't end in time: each run would be cut off and leave about 48.3 GB, which the bucket holds for 31 days: about " +
      '$31.41 a month for no backup at all',
  );
  expect(notes(880)).not.toContain('no backup at all');
});

test('notes tell what a sum hides', () => {
  const large = {
    ...plan,
    ownKey: true,
    heldDays: 30,
    sources: [{ ...shop, bytes: 40 * GiB, storedBytes: 20 * GiB, seconds: 850, measured: false }],
  };

  const notes = costNotes(large, estimateCost(large)).join('\n');

  expect(notes).toContain('$13.61 of the storage is what rotation has deleted and the bucket holds for 30 days more');
  expect(notes).toContain('$3 from the third year on');
  expect(notes).toContain('Through a NAT gateway, the 644 GB that go to S3 each month would cost $28.99 more');
  expect(notes).toContain('shop takes an estimated 850 s of the 900 s that its function may run');
  expect(notes).toContain('Not measured, but taken from the size of the source: shop (42.9 GB)');
});

test.each([
  ['0 2 * * *', { ...gfs, weekly: 0, monthly: 0, yearly: 0 }, 365 / 12, 7],
  ['0 2 * * *', { count: 10 }, 365 / 12, 10],
  ['0 2 * * *', { ...gfs, daily: 0, weekly: 0, monthly: 0, yearly: 5 }, 365 / 12, 5],
  ['0 2 * * *', { ...gfs, daily: 0, weekly: 0, monthly: 0, yearly: 0, keepWithinMs: 14 * 86_400_000 }, 365 / 12, 14],
  // 7 days; of 4 weeks 3 end before them; of 12 months 10 end before those weeks; of 5 years 3 end before those months
  ['0 2 * * *', gfs, 365 / 12, 7 + 3 + 10 + 3],
  ['0 */6 * * *', gfs, (4 * 365) / 12, 7 + 3 + 10 + 3],
  ['0 */6 * * *', { ...gfs, hourly: 24, daily: 0, weekly: 0, monthly: 0, yearly: 0 }, (4 * 365) / 12, 24],
  ['*/15 * * * *', { count: 200 }, (96 * 365) / 12, 200],
  ['0 2 * * 1-5', { count: 3 }, 261 / 12, 3],
  ['0 2 1 * *', { count: 3 }, 1, 3],
])('%s with %j makes %d a month and keeps %d', (schedule, retention, perMonth, kept) => {
  const found = keptOf(schedule, retention, now);

  expect(found.kept).toBe(kept);
  expect(found.perMonth).toBeCloseTo(perMonth, 0);
});
