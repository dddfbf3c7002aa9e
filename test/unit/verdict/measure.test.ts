import { expect, test } from '@jest/globals';
import type { Baseline, Family } from '../../../core/contract/memory/ledger.ts';
import { newBackupId, objectKey } from '../../../core/domain/keys.ts';
import type { BackupId } from '../../../core/domain/keys.ts';
import { acceptedBaseline, grown, isLess, otherThan, shrinkingAgainst } from '../../../core/domain/verdict/baseline.ts';
import type { BackupFacts } from '../../../core/domain/verdict/baseline.ts';
import { historyOf } from '../../../core/domain/verdict/history.ts';
import { plainJudge } from '../../../core/domain/verdict/plain.ts';
import { acceptedTables, tablesAfter } from '../../../core/domain/verdict/table-levels.ts';
import { shop } from '../../support/vaults/seen.ts';

const shares = { rows: 50, bytes: 50 };
const night = (day: number): BackupId => newBackupId(new Date(Date.UTC(2026, 10, day, 2)), 0);

function content(tables: Record<string, number>, server?: string): BackupFacts {
  const rows = Object.values(tables).reduce((sum, one) => sum + one, 0);
  const at = '2026-11-20T02:00:00.000Z';
  const facts = { start: at, end: at, rows, bytes: 1_000_000, parts: '', engine: 'toy', database: 'shop' };
  return { facts: { ...facts, ...(server !== undefined && { server }) }, families: new Map(Object.entries(tables)) };
}
const measure = (more: Partial<Baseline> = {}): Baseline => ({
  ...grown(undefined, night(1), content({ orders: 1_000_000 })),
  ...more,
});
const settled = (name: string, rows: number): Family => [name, rows, rows, 40, 0];

test('no row at all is told before there is any measure, unless nobody asks for rows', () => {
  expect(shrinkingAgainst(undefined, content({}), shares)).toEqual({ what: 'rows', now: 0, before: 0 });
  expect(shrinkingAgainst(undefined, content({}), { rows: 0, bytes: 50 })).toBeUndefined();
  expect(shrinkingAgainst(undefined, content({ orders: 1 }), shares)).toBeUndefined();
});

test('of what was found by itself, no row at all is told once it has held some', () => {
  const found = { ...shares, mayBeginEmpty: true as const };

  expect(shrinkingAgainst(undefined, content({}), found)).toBeUndefined();
  expect(shrinkingAgainst(undefined, content({ orders: 0 }), found)).toBeUndefined();
  expect(shrinkingAgainst(measure({ rows: 1, tables: [] }), content({}), found)).toMatchObject({ now: 0, before: 1 });
});

test('what was found to be less counts by the shares of now', () => {
  const none = { rows: 0, bytes: 0 };
  expect(isLess({ what: 'rows', now: 0, before: 0 }, shares)).toBe(true);
  expect(isLess({ what: 'rows', now: 0, before: 0 }, none)).toBe(false);
  expect(isLess({ what: 'rows', now: 0, before: 0 }, { ...shares, mayBeginEmpty: true })).toBe(false);
  expect(isLess({ what: 'bytes', now: 0, before: 0 }, shares)).toBe(false);
  expect(isLess({ what: 'bytes', now: 0, before: 1 }, shares)).toBe(true);
  expect(isLess({ what: 'bytes', now: 0, before: 1 }, none)).toBe(false);
});

test('of several tables that are empty the largest is named, and how many more there are', () => {
  const baseline = measure({
    rows: 1,
    tables: [settled('small', 2000), settled('large', 9000), settled('other', 3000)],
  });
  const lost = { what: 'table', table: 'large', more: 2, now: 0, before: 9000 };

  expect(shrinkingAgainst(baseline, content({ beside: 9 }), shares)).toEqual(lost);
  expect(
    shrinkingAgainst({ ...baseline, tables: baseline.tables.toReversed() }, content({ beside: 9 }), shares),
  ).toEqual(lost);
  expect(shrinkingAgainst(baseline, content({ beside: 9 }), { rows: 0, bytes: 50 })).toBeUndefined();
});

test('a server is another one only where both are known; of those that were accepted the last thirty-two are', () => {
  const of = (servers: string[], server?: string) =>
    otherThan(measure({ servers }), content({ orders: 1 }, server).facts);

  expect(of([], 'b')).toBeUndefined();
  expect(of(['a'])).toBeUndefined();
  expect(of(['a', 'b'], 'a')).toBeUndefined();
  expect(of(['a', 'b'], 'c')).toEqual({ what: 'server', now: 'c', before: 'b' });
  const servers = (before: string[], server?: string) => {
    const one = content({ orders: 1_000_000 }, server);
    return [
      grown(measure({ servers: before }), night(2), one),
      acceptedBaseline(measure({ servers: before }), night(2), one),
    ].map((found) => found.servers);
  };
  expect(servers(['a', 'b'])).toEqual(Array(2).fill(['a', 'b']));
  expect(servers(['a', 'b'], 'a')).toEqual(Array(2).fill(['b', 'a']));
  const many = Array.from({ length: 32 }, (_, index) => `s${index}`);
  expect(servers(many, 'new')).toEqual(Array(2).fill([...many.slice(1), 'new']));
  expect(grown(undefined, night(1), content({}, 'a')).servers).toEqual(['a']);
  expect(grown(undefined, night(1), content({})).servers).toEqual([]);
});

test('tables are remembered largest first, and in the order of their names', () => {
  const families = new Map([
    ['c', 5],
    ['b', 5],
    ['a', 4],
    ['d', 5],
    ['large', 6],
  ]);
  const names = ['large', 'b', 'c', 'd', 'a'];

  expect(tablesAfter([], families, new Set()).map(([name]) => name)).toEqual(names);
  expect(tablesAfter([], new Map([...families].toReversed()), new Set()).map(([name]) => name)).toEqual(names);
});

test('what is known of how calm a table is stays when less is accepted, also of one that often is empty and is now', () => {
  const before: Family[] = [
    ['calm', 9, 9, 40, 1],
    ['wild', 9, 9, 3, 5],
    ['gone', 9, 9, 40, 0],
  ];
  const made: Family[] = [
    ['calm', 2, 2, 1, 0],
    ['new', 1, 1, 1, 0],
  ];

  const after = acceptedTables(before, made);

  expect(after.find(([name]) => name === 'calm')).toEqual(['calm', 2, 2, 40, 1, 2]);
  expect(after.find(([name]) => name === 'new')).toEqual(['new', 1, 1, 1, 0, 1]);
  expect(after.find(([name]) => name === 'gone')).toBeUndefined();
  expect(after.find(([name]) => name === 'wild')).toEqual(['wild', 0, 0, 0, 5]);
});

test('what is from before the first encrypted backup may be plain; where nobody asks for encryption, everything may', () => {
  const lying = (day: number, ...files: string[]) =>
    ['manifest.json', ...files].map((file) => ({
      key: objectKey(`shop/${night(day)}/${file}`),
      bytes: 1,
      modified: new Date(0),
    }));
  const [plain, sealed] = ['data/0001.sql.zst', 'data/0001.sql.zst.age'];
  const whyOf = (encrypted: boolean | undefined, ...objects: ReturnType<typeof lying>[]) => {
    const { backups } = historyOf(shop, objects.flat());
    const judge = plainJudge({ backups }, { timeZone: 'UTC', ...(encrypted !== undefined && { encrypted }) });
    return backups.map((one) => judge(one) !== undefined);
  };
  const all = [
    lying(16, plain),
    lying(17, sealed),
    lying(18, plain),
    lying(19, sealed, 'data/0002.sql.zst'),
    lying(20, sealed),
  ];

  expect(whyOf(true, ...all)).toEqual([false, false, true, true, false]);
  expect(whyOf(false, ...all)).toEqual(Array(5).fill(false));
  expect(whyOf(undefined, ...all)).toEqual(Array(5).fill(false));
  expect(whyOf(true, lying(16, plain), lying(17, plain))).toEqual([false, false]);
  // no part at all is no encrypted backup, and one that is encrypted in half is not the first one
  expect(whyOf(true, lying(15), lying(16, plain))).toEqual([false, false]);
  expect(whyOf(true, lying(15, sealed, 'data/0002.sql.zst'), lying(16, plain))).toEqual([false, false]);
});
