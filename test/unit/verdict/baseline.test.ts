import { expect, test } from '@jest/globals';
import type { Baseline } from '../../../core/contract/memory/ledger.ts';
import { acceptedBaseline, grown, isLess, otherThan, shrinkingAgainst } from '../../../core/domain/verdict/baseline.ts';
import type { BackupFacts } from '../../../core/domain/verdict/baseline.ts';
import { newBackupId } from '../../../core/domain/keys.ts';
import { familiesOf } from '../../../core/domain/verdict/table-levels.ts';
import { medianOf } from '../../../core/domain/units.ts';
import { drawing } from '../../support/random/drawing.ts';

const shares = { rows: 50, bytes: 50 };
const id = newBackupId(new Date('2026-11-20T02:00:00Z'), 0);

function contentOf(
  tables: Record<string, number>,
  { bytes = 1_000_000, engine = 'postgres', database = 'shop', server = undefined as string | undefined } = {},
): BackupFacts {
  const rows = Object.values(tables).reduce((sum, one) => sum + one, 0);
  return {
    facts: {
      start: '2026-11-20T02:00:00.000Z',
      end: '2026-11-20T02:01:00.000Z',
      rows,
      bytes,
      parts: '1-x',
      engine,
      database,
      ...(server !== undefined && { server }),
    },
    families: familiesOf(Object.entries(tables).map(([table, count]) => ({ table, rows: count }))),
  };
}

/**
 * What is found of each of these backups, as checks would; a full one moves the baseline, and one that is accepted
 * does.
 */
function lived(contents: readonly BackupFacts[], limits = shares, accepts: readonly number[] = []) {
  let baseline: Baseline | undefined;
  const back = new Set<string>();
  return contents.map((content, night) => {
    const found = shrinkingAgainst(baseline, content, limits);
    if (found?.table !== undefined) back.add(found.table);
    if (found !== undefined && !accepts.includes(night)) return found;
    baseline = found === undefined ? grown(baseline, id, content, back) : acceptedBaseline(baseline, id, content);
    back.clear();
    return found;
  });
}

/** The nights in which a table beside a large one was told. */
function toldOf(
  rows: readonly number[],
  { accepts = [] as number[], name = 'few', beside = {} as Record<string, number> } = {},
): number[] {
  const found = lived(
    rows.map((few) => contentOf({ many: 5_000_000, ...beside, [name]: few })),
    shares,
    accepts,
  );
  return found.flatMap((one, night) => (one?.what === 'table' && one.table === name ? [night] : []));
}

const calm = (count: number, rows = 100_000): number[] => Array.from({ length: count }, () => rows);

const rowsOf = (...rows: number[]): BackupFacts[] => rows.map((count) => contentOf({ many: count }));

test.each([
  ['the first one', [1000], undefined],
  ['as usual', [1000, 1010, 990], undefined],
  ['exactly half', [1000, 1000, 500], undefined],
  ['less than half', [1000, 1000, 499], { what: 'rows', now: 499, before: 1000 }],
  ['less than half of the only one before', [1000, 499], { what: 'rows', now: 499, before: 1000 }],
  ['none where there were few', [12, 12, 0], { what: 'rows', now: 0, before: 12 }],
  ['few where there were few', [12, 12, 3], undefined],
  ['none from day one', [0, 0, 0], { what: 'rows', now: 0, before: 0 }],
  ['after one night of many more', [1000, 1000, 9000, 1000], undefined],
  ['after three nights of many more', [1000, 9000, 9000, 9000, 1000], { what: 'rows', now: 1000, before: 9000 }],
  ['a loss that lasts', [1000, 1000, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10], { what: 'rows', now: 10, before: 1000 }],
  ['back again', [1000, 1000, 10, 10, 1000], undefined],
  ['15 % less each night', [1000, 850, 722, 614, 522, 444], { what: 'rows', now: 444, before: 1000 }],
])('rows: %s', (_, rows, found) => {
  expect(lived(rowsOf(...rows)).at(-1)).toEqual(found);
});

test('bytes are compared where rows are not enough, and small ones not at all', () => {
  expect(lived([1_000_000, 1_000_000, 400_000].map((bytes) => contentOf({ many: 1000 }, { bytes }))).at(-1)).toEqual({
    what: 'bytes',
    now: 400_000,
    before: 1_000_000,
  });
  expect(lived([10_000, 10_000, 4000].map((bytes) => contentOf({ many: 1000 }, { bytes }))).at(-1)).toBeUndefined();
});

test('a share of 0 switches it off, tables too, and one of 90 sees more', () => {
  expect(lived(rowsOf(1000, 1000, 0), { ...shares, rows: 0 }).at(-1)).toBeUndefined();
  expect(
    lived(
      Array.from({ length: 5 }, (_, night) => contentOf({ many: 100_000, few: night < 4 ? 500 : 0 })),
      { ...shares, rows: 0 },
    ).at(-1),
  ).toBeUndefined();
  expect(lived(rowsOf(1000, 1000, 850), { ...shares, rows: 90 }).at(-1)).toEqual({
    what: 'rows',
    now: 850,
    before: 1000,
  });
});

test('a table that held its rows for three nights and has lost 99 % of them is told, with how many more have', () => {
  const night = { many: 1_000_000, few: 5000, fewer: 300, least: 99 };

  expect(
    lived([night, night, night, { ...night, few: 49, fewer: 0, least: 0 }].map((one) => contentOf(one))).at(-1),
  ).toEqual({ what: 'table', table: 'few', more: 1, now: 49, before: 5000 });
  expect(lived([night, night, night, { ...night, few: 50 }].map((one) => contentOf(one))).at(-1)).toBeUndefined();
  expect(lived([night, night, { ...night, few: 0 }].map((one) => contentOf(one))).at(-1)).toBeUndefined();
});

test.each([
  ['lost in two nights', [...calm(12), 75_000, 0, 0], [13, 14]],
  ['lost by a quarter each night', [...calm(12), 75_000, 56_250, 42_188, 31_641, 1000], [14, 15, 16]],
  ['91 % of it lost', [...calm(12), 9000, 9000], [12, 13]],
  ['just half of it lost', [...calm(12), 50_000], []],
  ['lost, mended, and lost again', [...calm(12), 0, ...calm(2), 0, 0], [12, 15, 16]],
  ['lost, mended, and lost again after a month', [...calm(12), 0, ...calm(30), 0], [12, 43]],
  ['lost slowly, mended, and lost slowly again', [...calm(12), 70_000, 40_000, ...calm(3), 70_000, 40_000], [13, 18]],
  ['lost after an import of one night', [...calm(12), 900_000, 100_000, 0], [14]],
  [
    'lost after many imports of one night',
    [...calm(12), 900_000, 100_000, 900_000, 100_000, 900_000, 100_000, 900_000, 100_000, 9000],
    [20],
  ],
  ['few rows, all lost', [...calm(12, 60), 0, 0], [12, 13]],
  ['few rows, some lost', [...calm(12, 60), 3], []],
])('a table beside a large one: %s', (_, rows, nights) => {
  expect(toldOf(rows)).toEqual(nights);
});

test('what was accepted of a table makes no later loss of it less telling, and its level is what was accepted', () => {
  expect(toldOf([...calm(12), 0, 0, ...calm(5), 0], { accepts: [13] })).toEqual([12, 13, 19]);
  expect(toldOf([...calm(12), 40_000, 40_000, 40_000, 15_000], { accepts: [13] })).toEqual([12, 13, 15]);
  expect(
    toldOf([...calm(12), 0, ...calm(4), 0, ...calm(4), 0, ...calm(4), 0, ...calm(4), 0], { accepts: [12, 17, 22, 27] }),
  ).toEqual([12, 17, 22, 27, 32]);
});

test('of tables whose names differ in digits, one that is emptied is told, and one that is dropped is not: so go partitions', () => {
  expect(toldOf([...calm(12), 0], { name: 't1_orders', beside: { t2_orders: 300_000 } })).toEqual([12]);
  const partitions = (night: number) =>
    contentOf({ many: 5_000_000, [`log_${night}`]: 8000, [`log_${night + 1}`]: 8000, [`log_${night + 2}`]: 8000 });
  expect(
    lived(Array.from({ length: 40 }, (_, night) => partitions(Math.floor(night / 12)))).filter(
      (one) => one !== undefined,
    ),
  ).toEqual([]);
});

test('a table that came back by itself three times is told no more, until it has been calm for thirty backups', () => {
  const dip = [...calm(8), 0];

  expect(toldOf([...dip, ...dip, ...dip, ...dip, ...dip, ...calm(30), 0])).toEqual([8, 17, 26, 75]);
});

test('what was told of a table counts by the share of now', () => {
  const found = { what: 'table', table: 'few', more: 0, now: 40, before: 100 } as const;

  expect([50, 40, 0].map((rows) => isLess(found, { ...shares, rows }))).toEqual([true, false, false]);
});

test('of four hundred queues that are empty every other night, less than one in eight is ever told, and none more than three times', () => {
  const draw = drawing(1);
  const told = Array.from({ length: 400 }, () => {
    const found = lived(
      Array.from({ length: 200 }, () =>
        contentOf({ orders: 1_000_000, jobs: draw() < 0.5 ? 0 : Math.round(draw() * 20_000) }),
      ),
    );
    return found.filter((one, night) => one !== undefined && found[night - 1] === undefined).length;
  });

  expect(Math.max(...told)).toBeLessThanOrEqual(3);
  expect(told.filter((count) => count > 0).length).toBeLessThan(50);
});

test('another engine, database or server is another; a server that does not say who it is, is none, and each that was accepted is known', () => {
  const first = grown(undefined, id, contentOf({ many: 1000 }, { server: 'a' }));

  expect(otherThan(first, contentOf({}, { engine: 'mariadb' }).facts)).toEqual({
    what: 'engine',
    now: 'mariadb',
    before: 'postgres',
  });
  expect(otherThan(first, contentOf({}, { database: 'shop2' }).facts)).toEqual({
    what: 'database',
    now: 'shop2',
    before: 'shop',
  });
  expect(otherThan(first, contentOf({}, { server: 'b' }).facts)).toEqual({ what: 'server', now: 'b', before: 'a' });
  expect(otherThan(first, contentOf({}).facts)).toBeUndefined();
  expect(otherThan({ ...first, servers: ['a', 'b'] }, contentOf({}, { server: 'a' }).facts)).toBeUndefined();
});

test('what is remembered of tables is bounded', () => {
  const many = Object.fromEntries(
    Array.from({ length: 5000 }, (_, index) => [
      `t_${'x'.repeat(index % 50)}${String.fromCharCode(97 + (index % 26))}${index}`.replace(/\d/g, (digit) =>
        String.fromCharCode(65 + Number(digit)),
      ),
      1000 + index,
    ]),
  );

  expect(grown(undefined, id, contentOf(many)).tables).toHaveLength(1000);
});

test.each([
  [[], undefined],
  [[3], 3],
  [[2, 1], 1],
  [[5, 1, 3], 3],
  [[4, 1, 2, 3], 2],
])('the median of %p is %p', (numbers, middle) => {
  expect(medianOf(numbers as number[])).toBe(middle);
});
