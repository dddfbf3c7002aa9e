import { expect, test } from '@jest/globals';
import type { Baseline } from '../../core/contract/ledger.ts';
import { grown, otherThan, shrinkingAgainst } from '../../core/domain/baseline.ts';
import type { Content } from '../../core/domain/baseline.ts';
import { newBackupId } from '../../core/domain/keys.ts';
import { medianOf } from '../../core/domain/units.ts';
import { drawing } from '../support/drawing.ts';

const shares = { rows: 50, bytes: 50 };
const id = newBackupId(new Date('2026-11-20T02:00:00Z'), 0);

function contentOf(tables: Record<string, number>, { bytes = 1_000_000, engine = 'postgres', database = 'shop', server = undefined as string | undefined } = {}): Content {
  const rows = Object.values(tables).reduce((sum, one) => sum + one, 0);
  return { facts: { start: '2026-11-20T02:00:00.000Z', end: '2026-11-20T02:01:00.000Z', rows, bytes, parts: '1-x', engine, database, ...(server !== undefined && { server }) }, families: new Map(Object.entries(tables)) };
}

/** What is found of each of these backups; a full one moves the baseline. */
function lived(contents: readonly Content[], limits = shares) {
  let baseline: Baseline | undefined;
  return contents.map((content) => {
    const found = shrinkingAgainst(baseline, content, limits);
    if (found === undefined) baseline = grown(baseline, id, content);
    return found;
  });
}

const rowsOf = (...rows: number[]): Content[] => rows.map((count) => contentOf({ many: count }));

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
  expect(lived([1_000_000, 1_000_000, 400_000].map((bytes) => contentOf({ many: 1000 }, { bytes }))).at(-1)).toEqual({ what: 'bytes', now: 400_000, before: 1_000_000 });
  expect(lived([10_000, 10_000, 4000].map((bytes) => contentOf({ many: 1000 }, { bytes }))).at(-1)).toBeUndefined();
});

test('a share of 0 switches it off, tables too, and one of 90 sees more', () => {
  expect(lived(rowsOf(1000, 1000, 0), { ...shares, rows: 0 }).at(-1)).toBeUndefined();
  expect(lived(Array.from({ length: 5 }, (_, night) => contentOf({ many: 100_000, few: night < 4 ? 500 : 0 })), { ...shares, rows: 0 }).at(-1)).toBeUndefined();
  expect(lived(rowsOf(1000, 1000, 850), { ...shares, rows: 90 }).at(-1)).toEqual({ what: 'rows', now: 850, before: 1000 });
});

test('a table that held its rows for three nights and has lost 99 % of them is told, with how many more have', () => {
  const night = { many: 1_000_000, few: 5000, fewer: 300, least: 99 };

  expect(lived([night, night, night, { ...night, few: 49, fewer: 0, least: 0 }].map((one) => contentOf(one))).at(-1)).toEqual({ what: 'table', table: 'few', more: 1, now: 49, before: 5000 });
  expect(lived([night, night, night, { ...night, few: 50 }].map((one) => contentOf(one))).at(-1)).toBeUndefined();
  expect(lived([night, night, { ...night, few: 0 }].map((one) => contentOf(one))).at(-1)).toBeUndefined();
});

test('of four hundred queues that are empty every other night, no more than one in eight is ever told, and none again', () => {
  const draw = drawing(1);
  const told = Array.from({ length: 400 }, () => {
    let baseline: Baseline | undefined;
    let before: string | undefined;
    let count = 0;
    for (let night = 0; night < 200; night += 1) {
      const content = contentOf({ orders: 1_000_000, jobs: draw() < 0.5 ? 0 : Math.round(draw() * 20_000) });
      const found = shrinkingAgainst(baseline, content, shares);
      if (found !== undefined && before === undefined) count += 1;
      if (found === undefined) baseline = grown(baseline, id, content, new Set(before === undefined ? [] : [before]));
      before = found?.table;
    }
    return count;
  });

  expect(Math.max(...told)).toBe(1);
  expect(told.filter((count) => count > 0).length).toBeLessThan(50);
});

test('another engine, database or server is another; a server that does not say who it is, is none, and each that was accepted is known', () => {
  const first = grown(undefined, id, contentOf({ many: 1000 }, { server: 'a' }));

  expect(otherThan(first, contentOf({}, { engine: 'mariadb' }).facts)).toEqual({ what: 'engine', now: 'mariadb', before: 'postgres' });
  expect(otherThan(first, contentOf({}, { database: 'shop2' }).facts)).toEqual({ what: 'database', now: 'shop2', before: 'shop' });
  expect(otherThan(first, contentOf({}, { server: 'b' }).facts)).toEqual({ what: 'server', now: 'b', before: 'a' });
  expect(otherThan(first, contentOf({}).facts)).toBeUndefined();
  expect(otherThan({ ...first, servers: ['a', 'b'] }, contentOf({}, { server: 'a' }).facts)).toBeUndefined();
});

test('what is remembered of tables is bounded', () => {
  const many = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`t_${'x'.repeat(index % 50)}${String.fromCharCode(97 + (index % 26))}${index}`.replace(/\d/g, (digit) => String.fromCharCode(65 + Number(digit))), 1000 + index]));

  expect(grown(undefined, id, contentOf(many)).tables).toHaveLength(1000);
});

test.each([[[], undefined], [[3], 3], [[2, 1], 1], [[5, 1, 3], 3], [[4, 1, 2, 3], 2]])('the median of %p is %p', (numbers, middle) => {
  expect(medianOf(numbers as number[])).toBe(middle);
});
