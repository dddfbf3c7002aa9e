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
const none = { ...gfs, daily: 0, weekly: 0, monthly: 0, yearly: 0 };
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
  // as many as there are places, however far back those reach
  ['0 2 * * *', { count: 1000 }, 365 / 12, 1000],
  ['0 */6 * * *', { count: 3000 }, (4 * 365) / 12, 3000],
  ['0 2 * * *', { ...none, daily: 1200 }, 365 / 12, 1200],
  ['0 2 * * *', { ...none, monthly: 48 }, 365 / 12, 48],
  ['0 2 * * *', { ...none, weekly: 210 }, 365 / 12, 210],
  ['0 */6 * * *', { ...none, keepWithinMs: 1000 * 86_400_000 }, (4 * 365) / 12, 4000],
  ['0 */6 * * *', { ...none, keepWithinMs: 90 * 86_400_000 }, (4 * 365) / 12, 360],
  ['30 * * * *', { ...none, hourly: 2400 }, (24 * 365) / 12, 2400],
  ['15 3,15 * * *', { ...none, hourly: 2000 }, (2 * 365) / 12, 2000],
  ['*/30 2 * * *', { ...none, hourly: 100 }, (2 * 365) / 12, 100],
  ['0 */6 * * *', { ...none, last: 3000 }, (4 * 365) / 12, 3000],
  ['0 2 1 * *', { count: 24 }, 1, 24],
  ['0 2 * * 0', { count: 200 }, 52 / 12, 200],
  ['0 2 * * 0', { ...none, daily: 300 }, 52 / 12, 300],
  ['0 2 1 * *', { ...none, weekly: 60 }, 1, 60],
  ['0 2 1 */3 *', { ...none, monthly: 12 }, 4 / 12, 12],
  ['  0   2  *  *  1-5 ', { ...none, daily: 7 }, 261 / 12, 7],
  ['0 2 1 * *', { count: 3 }, 1, 3],
])('%s with %j makes %d a month and keeps %d', (schedule, retention, perMonth, kept) => {
  const found = keptOf(schedule, retention, now);

  expect(found.kept).toBe(kept);
  expect(found.perMonth).toBeCloseTo(perMonth, 0);
});

// two sources in eu-central-1 with all that can be had; worked out by hand, by what the price pages say
const all: CostPlan = {
  ...plan,
  region: 'eu-central-1',
  sources: [
    shop,
    {
      ...shop,
      source: 'blog',
      perMonth: 60,
      kept: 20,
      bytes: 8e9,
      storedBytes: 2e9,
      objects: 3,
      seconds: 60,
      memoryMb: 2048,
    },
  ],
  ownKey: true,
  signingKey: true,
  heldDays: 30,
  tracing: true,
  mails: 10,
  secrets: 3,
  endpoints: 2,
  copies: { perMonth: 60, seconds: 3600, memoryMb: 1024, bytes: 50e9 },
};

test('a bill has a line for each thing, with what it counts', () => {
  const { lines, sources } = estimateCost(all);

  expect(lines.map(({ item, what, dollars, free }) => [item, what, dollars.toFixed(4), free.toFixed(4)])).toEqual([
    ['S3 storage', '201 GB', '4.5832', '0.0000'],
    ['S3 requests', '23,169 writes, 13,603 reads', '0.1311', '0.0000'],
    ['Lambda, backups', '10,800 GB-seconds', '0.1440', '0.1440'],
    ['Lambda, the rest', '4,688 GB-seconds, 931 runs', '0.0627', '0.0627'],
    ['KMS key', '1 key', '1.0000', '0.0000'],
    ['KMS requests', '9,308 requests', '0.0279', '0.0279'],
    ['KMS key that signs', '1 key', '1.0000', '0.0000'],
    ['Scheduler', '931 starts', '0.0009', '0.0009'],
    ['CloudWatch alarms', '18 metrics in alarms', '1.8000', '1.0000'],
    ['CloudWatch metrics', '11 figures of the check', '3.3000', '3.0000'],
    ['CloudWatch dashboard', '1 of 16 metrics', '3.0000', '3.0000'],
    ['CloudWatch logs', '3.3 MB', '0.0024', '0.0024'],
    ['SNS', '10 mails', '0.0002', '0.0002'],
    ['Secrets Manager', '3 secrets of yours, 1,862 reads', '1.2093', '0.0000'],
    ['X-Ray', '931 traces', '0.0047', '0.0047'],
    ['Interface endpoints', '2, each in each zone', '17.5200', '0.0000'],
  ]);
  expect(sources.map(({ source, held, runs }) => [source, held.toFixed(2), runs.toFixed(4)])).toEqual([
    ['shop', '29.59', '0.0480'],
    ['blog', '59.18', '0.0960'],
  ]);
});

test('what is not had costs nothing, and a large dashboard and many logs are paid', () => {
  const items = (changed: Partial<CostPlan>) => estimateCost({ ...plan, ...changed }).lines.map(({ item }) => item);
  for (const item of [
    'KMS key',
    'KMS requests',
    'KMS key that signs',
    'Secrets Manager',
    'X-Ray',
    'Interface endpoints',
  ])
    expect(items({})).not.toContain(item);
  const many = Array.from({ length: 23 }, () => shop);
  expect(dollarsOf('CloudWatch dashboard', { sources: many.slice(1) })).toMatchObject({
    what: '1 of 54 metrics',
    free: 0,
  });
  expect(dollarsOf('CloudWatch dashboard', { sources: many.slice(3) })).toMatchObject({
    what: '1 of 50 metrics',
    free: 3,
  });
  expect(dollarsOf('Secrets Manager', { secrets: 1 })!.what).toMatch(/^1 secret of yours, /);
  const logs = dollarsOf('CloudWatch logs', { checksPerMonth: 2e6 })!;
  expect(logs.free / logs.dollars).toBeCloseTo(5 / (6.000543 * 4), 4);
  expect(dollarsOf('CloudWatch alarms', { alarmsOfEach: false })!.what).toBe('10 metrics in alarms');
  expect(dollarsOf('SNS', { mails: 2000 })!.free).toBeCloseTo(1000 * (2e-5 + 0.5e-6), 8);
  expect(
    dollarsOf('Lambda, the rest', { sources: Array.from({ length: 120 }, () => ({ ...shop, memoryMb: 1024 })) })!.free,
  ).toBeLessThan(
    dollarsOf('Lambda, the rest', { sources: Array.from({ length: 120 }, () => ({ ...shop, memoryMb: 1024 })) })!
      .dollars,
  );
});

test('every note has its reason, and none is said without', () => {
  const notes = (changed: Partial<CostPlan> = {}) => {
    const of = { ...plan, ...changed };
    return costNotes(of, estimateCost(of));
  };
  const small = { ...shop, bytes: 1e6, storedBytes: 1e6 };
  const last =
    'Not in here: drills and restores, traffic out of AWS (about $0.09 a GB when you download a backup), taxes, and what your databases cost.';

  expect(notes({ sources: [small] })).toEqual([last]);
  expect(notes({ sources: [small], ownKey: true }).slice(0, 1)).toEqual([
    'The KMS key costs $1 more a month after each of its first two yearly rotations: $3 from the third year on.',
  ]);
  expect(notes({ sources: Array.from({ length: 10 }, () => small) })[0]).toBe(
    'Alarms of its own for each source cost $3.00; cloud.alarms: few leaves those of the whole.',
  );
  expect(notes({ sources: Array.from({ length: 9 }, () => small) })).toEqual([last]);
  expect(notes({ sources: Array.from({ length: 10 }, () => small), alarmsOfEach: false })).toEqual([last]);
  expect(notes({ sources: [small], byTag: true })[0]).toBe(
    'Databases that are found by their tag are not in here: their backups, their functions and alarms.',
  );
  expect(notes({ sources: [small], copies: { perMonth: 1, seconds: 1, memoryMb: 1, bytes: 50e9 } })[0]).toBe(
    'Copies: what lies in further vaults is on the bill of whoever has them. The 50.0 GB that go there each month cost ' +
      '$1.00 into another region, about $0.09 a GB out of AWS, and nothing within a region.',
  );
  expect(notes({ sources: [{ ...small, storedBytes: 0.6e9 }] })[0]).toBe(
    'Through a NAT gateway, the 18.0 GB that go to S3 each month would cost $0.81 more; through a gateway endpoint of S3 ' +
      '(cloud.networks, routeTables) or from functions on the public internet, nothing.',
  );
  expect(notes({ sources: [{ ...small, bytes: 1e9 }] })[0]).toBe(
    'The 30.0 GB that are read from databases each month cost nothing within one zone; about $0.60 between zones, from a ' +
      'public address, or from another region, and whatever your host charges for traffic from elsewhere.',
  );
  expect(notes({ sources: [{ ...small, seconds: 721 }] })[0]).toBe(
    'shop takes 721 s of the 900 s that its function may run: give it more memory (cloud.memory), or back it up from a machine.',
  );
  expect(notes({ sources: [{ ...small, seconds: 720 }] })).toEqual([last]);
  expect(
    notes({
      sources: [
        { ...small, measured: false },
        { ...small, source: 'blog', measured: false },
      ],
    })[0],
  ).toBe(
    'Not measured, but taken from the size of the source: shop (1.00 MB), blog (1.00 MB). A backup is taken for half as ' +
      'large, and a processor for 60 MB a second, which nobody has measured on Lambda.',
  );
  const held = notes({ heldDays: 30, sources: [{ ...small, storedBytes: 1e9 }] });
  expect(held[0]).toBe(
    '$0.63 of the storage is what rotation has deleted and the bucket holds for 30 days more (cloud.noncurrent).',
  );
});
