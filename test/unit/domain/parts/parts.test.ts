import { expect, test } from '@jest/globals';
import type { Manifest, ManifestPart } from '../../../../core/contract/manifest/manifest.ts';
import { dueWork, stillDue } from '../../../../core/domain/by-tag/due.ts';
import type { DueWork, TimedSource } from '../../../../core/domain/by-tag/due.ts';
import { tagWords } from '../../../../core/domain/by-tag/tag-words.ts';
import { restoreByHand } from '../../../../core/domain/by-hand.ts';
import type { SourceName } from '../../../../core/domain/keys.ts';
import { digestOf, digestOfParts } from '../../../../core/domain/parts/digest.ts';
import { partsInFlight, partSize } from '../../../../core/domain/parts/multipart.ts';
import { contentBytes, sharedBytes, sizesOf } from '../../../../core/domain/parts/sizes.ts';

const part = (file: string, more: Partial<ManifestPart> = {}): ManifestPart => ({
  role: 'data',
  file,
  bytes: 100,
  storedBytes: 10,
  sha256: 'ab'.repeat(32),
  ...more,
});

test('the digest of parts is what vaults remember: of names and sizes, in whatever order', () => {
  expect(['', 'a', 'shop_drill_3f09a1', 'Größe '.repeat(40)].map(digestOf)).toEqual([
    '488bdcb81aee8d83',
    '501c2ba782c97901',
    'b9d848a35b4f54c0',
    'a57e3bb4817c7ce5',
  ]);
  const parts = [
    { file: 'b', bytes: 2 },
    { file: 'a', bytes: 10 },
  ];
  expect([digestOfParts(parts), digestOfParts(parts.toReversed()), digestOfParts([])]).toEqual([
    '2-d70164a86d948316',
    '2-d70164a86d948316',
    '0-488bdcb81aee8d83',
  ]);
});

test('sizes are summed up; of a part that is shared, what of it counts for this backup', () => {
  const parts = [part('a', { bytes: 5, storedBytes: 2 }), part('b', { bytes: 50, storedBytes: 20, live: 30 })];
  const rows = (count: number) => ({ table: 't', columns: '', rows: count, fingerprint: '' });
  const of = { parts, tables: [rows(3), rows(4)], start: '2026-11-20T02:00:00Z', end: '2026-11-20T02:00:07Z' };

  expect(sizesOf(of as unknown as Manifest)).toEqual({ tables: 2, rows: 7, bytes: 35, storedBytes: 22, ms: 7000 });
  expect([contentBytes(parts), sharedBytes(parts)]).toEqual([35, 20]);
});

test('parts of an upload grow, so that ten thousand hold what an object may', () => {
  const MiB = 1024 * 1024;
  expect([0, 1999, 2000, 3999, 4000, 6000, 8000, 9999, 10_000].map((index) => partSize(index) / MiB)).toEqual([
    8, 8, 16, 16, 64, 512, 2048, 2048, 2048,
  ]);
  expect([8, 16, 64].map((size) => partsInFlight(size * MiB))).toEqual([2, 1, 1]);
});

test('by hand: every part is checked first, decrypted where it is encrypted, and then given to the engine’s commands', async () => {
  const commands = (parts: ManifestPart[]) => [
    `zstd -d ${parts.map(({ file }) => file).join(' ')}`,
    { private: "psql -c 'a'" },
  ];
  const plain = await restoreByHand([part('a.zst'), part('b.zst.age')], commands, undefined);

  expect(plain).toEqual([
    'set -euo pipefail',
    `echo '${'ab'.repeat(32)}  a.zst' | sha256sum --check`,
    `echo '${'ab'.repeat(32)}  b.zst.age' | sha256sum --check`,
    'age --decrypt --identity "$IDENTITY" --output b.zst b.zst.age',
    'zstd -d a.zst b.zst',
    "psql -c 'a'",
  ]);
  const sealed = await restoreByHand([part('a.zst')], commands, async (text) => `\nSEALED ${text.length}\n`);
  expect(sealed.at(-1)).toBe(
    `private=$(age --decrypt --identity "$IDENTITY" <<'END'\nSEALED 11\nEND\n)\neval "$private"`,
  );
});

test('by hand: where a part may lie in a pack, links are followed before anything is checked', async () => {
  const shared = await restoreByHand([part('schema.tar'), part('data/0001.tar.zst')], () => [], undefined);

  expect(shared.map((line) => line.split(' ')[0])).toEqual(['set', 'for', 'echo', 'echo']);
  expect(shared[1]).toContain('ln -f');
});

test('tags are words: when, how long, of which database; what is not understood is told', () => {
  const usual = '30 2 * * *';
  const of = (value: string, more: Record<string, string> = {}, at = usual) =>
    tagWords({ nightjar: value, ...more }, 'nightjar', at);

  expect(tagWords({}, 'nightjar', usual)).toEqual({ meant: 'nothing', unread: [] });
  expect(tagWords({}, 'toString', usual)).toEqual({ meant: 'nothing', unread: [] });
  expect(of(' ignore ')).toEqual({ meant: 'ignored', unread: [] });
  expect(of('')).toEqual({ meant: 'source', schedule: usual, unread: [] });
  expect(
    ['daily', 'hourly', 'weekly', '4:30', '04:05', '19:59', '20:00', '23:59'].map((value) => of(value).schedule),
  ).toEqual([usual, '0 * * * *', '30 2 * * 0', '30 4 * * *', '5 4 * * *', '59 19 * * *', '0 20 * * *', '59 23 * * *']);
  expect(
    ['*/5 2 * * *', '0 2,14 * * *', ' 15  3 * * * ', '7 10 * * *'].map((at) => of('weekly', {}, at).schedule),
  ).toEqual(['0 3 * * 0', '0 3 * * 0', '15 3 * * 0', '7 10 * * 0']);
  expect(['24:00', '4:60', '104:30', '04:301', 'x'].map((value) => of(value))).toEqual(
    ['24:00', '4:60', '104:30', '04:301', 'x'].map((value) => ({
      meant: 'source',
      unread: [`nightjar=${value} (daily, hourly, weekly or a time as 04:30)`],
    })),
  );
  expect([of('', { 'nightjar:database': ' shop ' }).database, of('', { 'nightjar:database': ' ' })]).toEqual([
    'shop',
    of(''),
  ]);
  const kept = (text: string) => of('', { 'nightjar:retention': text });
  expect([kept(' daily=7  weekly=0 ').retention, kept('count=100000').retention]).toEqual([
    { daily: 7, weekly: 0 },
    { count: 100_000 },
  ]);
  for (const wrong of [
    'count=100001',
    'daily=x7',
    'daily=7x',
    'daily=0',
    'count=3 daily=1',
    'count=0',
    'monthly',
    'daily=1=2',
    'other=1',
    'daily=7 other=1',
  ])
    expect(kept(wrong)).toEqual({
      ...of(''),
      unread: [`nightjar:retention=${wrong} (as daily=7 weekly=4, or count=14)`],
    });
});

const at = (day: number, hour: number, minute = 0) => new Date(Date.UTC(2026, 10, day, hour, minute));
const shop: TimedSource = {
  name: 'shop' as SourceName,
  schedule: '30 2 * * *',
  timeZone: 'UTC',
  rotate: undefined,
  drill: undefined,
  copied: false,
  drillEveryMs: undefined,
  since: at(1, 0),
};

test('what became due is started once, of each job the newest moment, and none that is a day old', () => {
  const due = (until: Date, now: Date, more: Partial<TimedSource> = {}) =>
    dueWork([{ ...shop, ...more }], until, now).map(
      (one) => `${one.source} ${one.job} ${one.at.toISOString().slice(8, 16)}`,
    );

  expect(due(at(20, 2), at(20, 2, 30))).toEqual(['shop backup 20T02:30']);
  expect(due(at(20, 2, 30), at(20, 2, 45))).toEqual([]);
  expect(due(at(20, 2), at(20, 6))).toEqual(['shop backup 20T02:30', 'shop rotate 20T05:30']);
  expect(due(at(18, 2), at(20, 2, 29))).toEqual(['shop backup 19T02:30', 'shop rotate 19T05:30']);
  expect(due(at(18, 2), at(20, 2, 29), { schedule: '0 2 * * 4' })).toEqual(['shop rotate 19T05:00']);
  expect(due(at(20, 2), at(20, 6), { since: at(20, 3) })).toEqual(['shop rotate 20T05:30']);
  expect(due(at(20, 2), at(20, 6), { rotate: '0 4 * * *' })).toEqual(['shop backup 20T02:30', 'shop rotate 20T04:00']);
  expect(due(at(20, 2), at(20, 9), { copied: true, drillEveryMs: 86_400_000 })).toEqual([
    'shop backup 20T02:30',
    'shop rotate 20T05:30',
    'shop copy 20T04:30',
    'shop drill 20T07:30',
  ]);
  expect(due(at(20, 2), at(20, 9), { drill: '0 8 * * *', drillEveryMs: 86_400_000 }).at(-1)).toBe(
    'shop drill 20T08:00',
  );
});

test('what could not be started is still due: of sources and jobs that are there, until a newer moment or a day has come', () => {
  const now = at(20, 12);
  const one = (more: Partial<DueWork> = {}): DueWork => ({
    source: shop.name,
    job: 'backup',
    at: at(20, 2, 30),
    ...more,
  });
  const still = (unstarted: DueWork, due: DueWork[] = [], sources = [shop]) =>
    stillDue([unstarted], due, sources, now).length;

  expect([still(one()), still(one(), [], [])]).toEqual([1, 0]);
  expect(still(one({ job: 'copy' }), [], [{ ...shop, name: 'blog' as SourceName, copied: true }, shop])).toBe(0);
  expect([
    still(one(), [one({ at: at(20, 3) })]),
    still(one(), [one({ job: 'rotate' })]),
    still(one(), [one({ source: 'blog' as SourceName })]),
  ]).toEqual([0, 1, 1]);
  expect([still(one({ job: 'drill' })), still(one({ job: 'drill' }), [], [{ ...shop, drillEveryMs: 1 }])]).toEqual([
    0, 1,
  ]);
  expect([still(one({ at: at(19, 12) })), still(one({ at: at(19, 12, 1) }))]).toEqual([0, 1]);
  expect([
    still(one(), [], [{ ...shop, since: at(20, 3) }]),
    still(one(), [], [{ ...shop, since: at(20, 2) }]),
  ]).toEqual([0, 1]);
});
