import { beforeEach, expect, test } from '@jest/globals';
import type { Ledger } from '../../../core/contract/memory/ledger.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { newBackupId, objectKey } from '../../../core/domain/keys.ts';
import type { BackupId } from '../../../core/domain/keys.ts';
import { removalKey } from '../../../core/domain/layout/records.ts';
import { historyOf } from '../../../core/domain/verdict/history.ts';
import type { ListedObject, SourceHistory } from '../../../core/domain/verdict/history.ts';
import { contentOf, remember, toRead } from '../../../core/domain/verdict/ledger.ts';
import type { ManifestRead } from '../../../core/domain/verdict/ledger.ts';
import { partsNamed, verdictOf } from '../../../core/domain/verdict/verdict.ts';
import type { SourceRules } from '../../../core/domain/verdict/verdict.ts';
import { none } from '../../support/vaults/history.ts';
import { shop } from '../../support/vaults/seen.ts';

const now = new Date('2026-11-20T12:00:00Z');
const part = { file: 'data/0001.sql.zst', bytes: 4 };
const rules: SourceRules = {
  shrink: { rows: 50, bytes: 50, since: undefined },
  timeZone: 'UTC',
  retention: { ...none, daily: 3 },
};
const at = (day: number) => new Date(Date.UTC(2026, 10, day, 2));
const night = (day: number): BackupId => newBackupId(at(day), 0);

type Lying = { bytes?: number; modified?: Date; parts?: { file: string; bytes: number }[] };
/** What a listing shows of a backup. */
function lying(id: BackupId, { bytes = 10, modified = new Date(0), parts = [part] }: Lying = {}): ListedObject[] {
  const one = (path: string, size: number) => ({ key: objectKey(`shop/${id}/${path}`), bytes: size, modified });
  return [one('manifest.json', bytes), ...parts.map(({ file, bytes: size }) => one(file, size))];
}
const listing = (...objects: (readonly ListedObject[])[]): SourceHistory => historyOf(shop, objects.flat());
const nights = (...days: number[]) => listing(...days.map((day) => lying(night(day))));

type Said = { rows?: number; tables?: Record<string, number>; end?: string; start?: string } & Partial<
  Omit<Manifest, 'tables'>
>;
/** What the manifest of this night says. */
function saying(day: number, { rows = 1000, tables = { orders: rows }, ...more }: Said = {}): ManifestRead {
  const parts = [{ role: 'data', file: part.file, bytes: 1_000_000, storedBytes: part.bytes, sha256: '' }];
  const named = Object.entries(tables).map(([table, count]) => ({ table, rows: count, columns: '', fingerprint: '' }));
  const start = at(day).toISOString();
  const usual = { start, end: start, engine: 'toy', database: 'shop', server: { product: 'Toy', version: '1' } };
  const manifest = { ...usual, parts, tables: named, ...more } as unknown as Manifest;
  return { content: contentOf(manifest), parts: manifest.parts };
}
const reading = (...days: number[]) => new Map(days.map((day) => [night(day), saying(day)]));

/** What is remembered of looks, one after the other: of each what a listing shows, and what was read. */
function looked(looks: [SourceHistory, Map<BackupId, ManifestRead>, Partial<SourceRules>?][], before?: Ledger): Ledger {
  return looks.reduce<Ledger | undefined>(
    (ledger, [history, read, other]) => remember(ledger, history, read, { ...rules, ...other }, now),
    before,
  )!;
}
let first: Ledger;
beforeEach(() => {
  first = looked([[nights(17, 18, 19), reading(17, 18, 19)]]);
});
const shrunkOf = ({ backups }: Ledger) => backups.map(({ shrunk }) => shrunk?.now);

test('what was found by itself may be empty until it holds something: from then on, losing that is told', () => {
  const found = { shrink: { ...rules.shrink, mayBeginEmpty: true as const } };
  const holding = (...rows: number[]) =>
    new Map(rows.map((few, day) => [night(day + 1), saying(day + 1, { rows: few })]));
  const live = (more: Partial<SourceRules>) => looked([[nights(1, 2, 3, 4), holding(0, 0, 20, 0), more]]);

  expect(shrunkOf(live(found))).toEqual([undefined, undefined, undefined, 0]);
  expect(live(found).baseline).toMatchObject({ from: night(3), rows: 20 });
  // one that a person has named is to hold something
  expect(shrunkOf(live({}))).toEqual([0, 0, undefined, 0]);
  expect(shrunkOf(live({ shrink: { ...found.shrink, since: '2026-11-02' } }))).toEqual([
    undefined,
    undefined,
    undefined,
    0,
  ]);
});

const oddOf = ({ backups }: Ledger) => backups.flatMap(({ id, odd }) => (odd === undefined ? [] : [[id, odd]]));

test('of a manifest is remembered what it is judged by, and who the server is where it says so', () => {
  const plain = saying(20, { tables: { orders: 2, items: 3 } }) as ManifestRead & { content: object };
  const parts = [{ file: part.file, storedBytes: part.bytes }];
  const facts = {
    start: '2026-11-20T02:00:00.000Z',
    end: '2026-11-20T02:00:00.000Z',
    rows: 5,
    bytes: 1_000_000,
    parts: partsNamed(parts as Manifest['parts']),
    engine: 'toy',
    database: 'shop',
  };
  expect(plain.content).toMatchObject({
    facts,
    families: new Map([
      ['orders', 2],
      ['items', 3],
    ]),
  });
  expect(plain).not.toHaveProperty('content.facts.server');
  expect(plain).not.toHaveProperty('content.facts.adopted');
  const server = { product: 'Toy', version: '1', identity: 'a1' };
  const adopted = { at: '2026-11-20T02:00:00.000Z', from: 'dump.sql' } as unknown as NonNullable<Manifest['adopted']>;
  expect(saying(20, { server, adopted })).toMatchObject({ content: { facts: { server: 'a1', adopted: true } } });
});

test('a manifest is read that is new or has changed, whose parts lie otherwise, or that others had signed', () => {
  const found = (lie: Lying = {}) => listing(lying(night(17)), lying(night(18), lie));
  const known = { ...first, backups: first.backups.slice(0, 2) };
  const unread = looked([[found(), new Map([...reading(17), [night(18), { unreadable: 'odd' }]])]]);

  expect(toRead(found(), undefined)).toEqual([night(17), night(18)]);
  expect(toRead(found(), known)).toEqual([]);
  expect(toRead(nights(17, 18, 19), known)).toEqual([night(19)]);
  expect(toRead(found({ bytes: 11 }), known)).toEqual([night(18)]);
  expect(toRead(found({ modified: new Date(1) }), known)).toEqual([night(18)]);
  expect(toRead(found({ parts: [] }), known)).toEqual([night(18)]);
  expect(toRead(found({ parts: [] }), unread)).toEqual([night(18)]);
  const lost = looked([[found({ parts: [] }), reading(17, 18)]]);
  expect(toRead(found({ parts: [] }), lost)).toEqual([]);
  expect(toRead(found(), known, 'rules')).toEqual([night(17), night(18)]);
  expect(toRead(found(), { ...known, signing: 'rules' }, 'rules')).toEqual([]);
});

test('what was put behind newer ones is late, but for what was adopted; nothing is at the first look, or of a wrong clock', () => {
  const adopted = { at: '2026-11-20T02:00:00.000Z', from: 'dump.sql' } as unknown as NonNullable<Manifest['adopted']>;
  const taking = (read: ManifestRead, before?: Ledger) =>
    oddOf(looked([[nights(16, 17, 18, 19), new Map([[night(16), read]])]], before));

  expect(oddOf(first)).toEqual([]);
  expect(taking(saying(16))).toEqual([]);
  expect(taking(saying(16), first)).toEqual([[night(16), 'late']]);
  expect(taking({ unreadable: 'odd' }, first)).toEqual([[night(16), 'late']]);
  expect(taking(saying(16, { adopted }), first)).toEqual([]);
  const ahead = looked([[nights(30), reading(30)]]);
  expect(taking(saying(16), ahead)).toEqual([]);
  const unsigned = looked([[nights(19), new Map([[night(19), { unreadable: 'x', unsigned: true as const }]])]]);
  expect(taking(saying(16), unsigned)).toEqual([]);
  const twice = looked(
    [
      [nights(16, 17, 18, 19), reading(16)],
      [nights(15, 16, 17, 18, 19), reading(15)],
    ],
    first,
  );
  expect(oddOf(twice)).toEqual([
    [night(15), 'late'],
    [night(16), 'late'],
  ]);
  const replaced = looked([
    [nights(18, 19), reading(18, 19)],
    [nights(18, 19), new Map([[night(19), saying(19, { rows: 9 })]])],
  ]);
  expect(oddOf(replaced)).toEqual([[night(19), 'replaced']]);
});

test('what can’t be read is remembered as that, with what was known and accepted of it before', () => {
  const entry = { ...first.backups[2]!, accepted: true as const, odd: 'late' as const };
  const before = { ...first, backups: [...first.backups.slice(0, 2), entry] };
  const [, , after] = looked(
    [[nights(17, 18, 19), new Map([[night(19), { unreadable: 'is odd', unsigned: true as const }]])]],
    before,
  ).backups;

  expect(after).toEqual({
    id: night(19),
    manifest: entry.manifest,
    accepted: true,
    unreadable: 'is odd',
    unsigned: true,
    odd: 'late',
  });
  const plain = looked([[nights(19), new Map([[night(19), { unreadable: 'is odd' }]])]]).backups[0]!;
  expect(Object.keys(plain)).toEqual(['id', 'manifest', 'unreadable']);
});

test('what could not be looked at stays as it was known, and is left out where it was not', () => {
  expect(looked([[nights(17, 18, 19), new Map()]], first).backups).toEqual(first.backups);
  expect(looked([[nights(17, 18, 19, 20), new Map()]], first).backups).toEqual(first.backups);
});

test('parts that are gone or cut are remembered as damage, and what is damaged is no measure', () => {
  const cut = { file: part.file, bytes: 3 };
  const see = (parts: Lying['parts']) =>
    looked([[listing(lying(night(19), { parts: parts! })), new Map([[night(19), saying(19, { rows: 9000 })]])]]);

  expect(see([]).backups[0]!.listed!.damage).toEqual({ kind: 'gone', why: `its part ${part.file} is gone` });
  expect(see([cut]).backups[0]!.listed!.damage).toEqual({
    kind: 'cut',
    why: `its part ${part.file} holds 3 B instead of 4 B`,
  });
  expect(see([part, { file: 'data/0002.sql.zst', bytes: 1 }]).backups[0]!.listed).not.toHaveProperty('damage');
  expect(see([part]).backups[0]).not.toHaveProperty('listed');
  expect([see([]).baseline, see([cut]).baseline]).toEqual([undefined, undefined]);
  expect(see([part]).baseline).toMatchObject({ from: night(19), rows: 9000 });
});

test('what holds less is told from what was before, moves no measure, and is not compared once more', () => {
  const less = saying(20, { rows: 100 });
  const seen = looked([[nights(17, 18, 19, 20), new Map([[night(20), less]])]], first);

  expect(seen.backups[3]).toMatchObject({ shrunk: { what: 'rows', now: 100, before: 1000 } });
  expect(seen.baseline).toEqual(first.baseline);
  const again = looked([[nights(17, 18, 19, 20), new Map([[night(20), less]])]], {
    ...seen,
    baseline: { ...seen.baseline!, rows: 100 },
  });
  expect(again.backups[3]).toEqual(seen.backups[3]);
  const other = looked([[nights(17, 18, 19, 20), new Map([[night(20), saying(20, { database: 'blog' })]])]], first);
  expect(other.backups[3]).toMatchObject({ other: { what: 'database', now: 'blog', before: 'shop' } });
  expect(other.baseline).toEqual(first.baseline);
  expect(looked([[nights(17, 18, 19, 20), new Map()]], other).backups[3]).toEqual(other.backups[3]);
  const anew = looked([[nights(17, 18, 19, 20), new Map([[night(20), saying(20, { database: 'blog' })]])]], other);
  expect(anew.backups[3]).toEqual(other.backups[3]);
});

test('a manifest that is read once more moves no measure, and what is of no possible date is none', () => {
  expect(looked([[nights(17, 18, 19), reading(17, 18, 19)]], first).baseline).toEqual(first.baseline);
  const large = new Map([[night(20), saying(20, { rows: 9000, end: '2026-11-20T01:00:00.000Z' })]]);
  expect(looked([[nights(17, 18, 19, 20), large]], first).baseline).toEqual(first.baseline);
});

test('a table that was lost and has its rows again has come back by itself once, whether one look saw it or two', () => {
  const days = Array.from({ length: 12 }, (_, index) => 9 + index);
  const full = { orders: 1_000_000, few: 10_000 };
  const emptied = { orders: 1_000_000, few: 0 };
  const reads = (...days: number[]) =>
    new Map(days.map((day) => [night(day), saying(day, { tables: day === 19 ? emptied : full })] as const));
  const dipsIn = ({ baseline }: Ledger) =>
    Object.fromEntries(baseline!.tables.map(([name, , , , dips]) => [name, dips]));

  const once = looked([[nights(...days), reads(...days)]]);
  const twice = looked([
    [nights(...days.slice(0, -1)), reads(...days.slice(0, -1))],
    [nights(...days), reads(20)],
  ]);

  expect(once.backups.at(-2)).toMatchObject({ shrunk: { what: 'table', table: 'few', now: 0 } });
  expect([dipsIn(once), dipsIn(twice)]).toEqual(Array(2).fill({ orders: 0, few: 1 }));
  const later = looked([[nights(...days, 21), reads(21)]], twice);
  expect(dipsIn(later)).toEqual({ orders: 0, few: 1 });
});

test('what rotation was to keep is remembered, and stays where nobody says it now', () => {
  expect(first.policy).toEqual({ retention: { ...none, daily: 3 }, timeZone: 'UTC' });
  expect(looked([[nights(17, 18, 19), new Map(), { retention: undefined }]], first).policy).toEqual(first.policy);
  expect(looked([[nights(19), reading(19), { retention: undefined }]])).not.toHaveProperty('policy');
});

test('backups that are gone and that the retention keeps are told until they are back; what it need not keep is not', () => {
  const goneIn = (history: SourceHistory, before: Ledger = first, other: Partial<SourceRules> = {}) =>
    looked([[history, new Map(), other]], before).gone;

  expect(goneIn(nights(17, 18, 19))).toBeUndefined();
  expect(goneIn(nights(17, 19))).toEqual({ count: 1, of: 3, ids: [night(18)] });
  expect(goneIn(listing())).toEqual({ count: 3, of: 3, ids: [night(17), night(18), night(19)] });
  const grown = looked([[nights(17, 18, 19, 20), reading(20)]], first);
  expect(goneIn(nights(18, 19, 20), grown)).toBeUndefined();
  expect(goneIn(nights(17, 19), first, { retention: { ...none, daily: 1 } })).toBeUndefined();
  expect(goneIn(nights(17, 19), first, { retention: undefined })).toBeUndefined();
  const wide = looked([[nights(17, 18, 19, 20), reading(20), { retention: { ...none, daily: 9 } }]], first);
  expect(goneIn(nights(18, 19, 20), wide, { retention: { ...none, daily: 3 } })).toBeUndefined();
  const strict = { ...grown, policy: { retention: { ...none, daily: 3 }, timeZone: 'UTC' } };
  expect(goneIn(nights(18, 19, 20), strict, { retention: { ...none, daily: 9 } })).toBeUndefined();
  const { policy: _, ...silent } = wide;
  expect(goneIn(nights(18, 19, 20), silent, { retention: { ...none, daily: 9 } })).toMatchObject({ count: 1 });
});

test('what a person has removed or accepted, and what was of no use, is not missed', () => {
  const removal = { key: removalKey(shop, night(18)), bytes: 1, modified: now };
  expect(looked([[listing(lying(night(17)), lying(night(19)), [removal]), new Map()]], first).gone).toBeUndefined();
  const marked = (mark: object) => ({
    ...first,
    backups: first.backups.map((one) => (one.id === night(18) ? { ...one, ...mark } : one)),
  });
  for (const mark of [{ accepted: true }, { odd: 'late' }, { facts: undefined }])
    expect(looked([[nights(17, 19), new Map()]], marked(mark) as Ledger).gone).toBeUndefined();
  const adopted = { facts: { ...first.backups[1]!.facts!, adopted: true } };
  expect(
    looked([[nights(17, 19), new Map(), { retention: { ...none, daily: 1 } }]], marked(adopted) as Ledger).gone,
  ).toMatchObject({
    count: 1,
    ids: [night(18)],
  });
});

test('what is odd, adopted or dated ahead takes no place from a backup that is missed', () => {
  const goneIn = (before: Ledger, days: number[]) => looked([[nights(...days), new Map()]], before).gone;
  const with18 = (mark: object, later: BackupId): Ledger => ({
    ...first,
    backups: [...first.backups, { ...first.backups[1]!, id: later, ...mark }],
    policy: { retention: { ...none, daily: 3 }, timeZone: 'UTC' },
  });
  const evening18 = newBackupId(new Date('2026-11-18T20:00:00Z'), 0);
  const facts = { ...first.backups[1]!.facts!, adopted: true as const };
  const tomorrow = newBackupId(new Date('2026-11-21T02:00:00Z'), 0);

  for (const mark of [{ odd: 'late' }, { facts, accepted: true }])
    expect(goneIn(with18(mark, evening18), [17, 19])).toMatchObject({ count: 1, ids: [night(18)] });
  expect(goneIn(with18({ accepted: true }, evening18), [17, 19])).toBeUndefined();
  expect(goneIn(with18({ accepted: true }, tomorrow), [18, 19])).toMatchObject({ count: 1, ids: [night(17)] });
  expect(goneIn(with18({ facts }, night(10)), [17, 19])).toEqual({ count: 2, of: 4, ids: [night(10), night(18)] });
});

test('of how many some are gone grows with a new loss alone', () => {
  const told = looked([[nights(17, 19), new Map()]], first);
  expect(told.gone).toEqual({ count: 1, of: 3, ids: [night(18)] });
  const grown = looked([[nights(17, 19, 20), reading(20)]], told);
  expect(looked([[nights(17, 19, 20), new Map()]], grown).gone).toEqual(told.gone);
});

test('what was told as gone adds up, goes when it is back, and is named as far as a hundred', () => {
  const told = looked([[nights(17, 19), new Map()]], first);
  expect(told.gone).toMatchObject({ count: 1 });
  const more = looked([[nights(19), new Map()]], told);
  expect(more.gone).toEqual({ count: 2, of: 3, ids: [night(18), night(17)] });
  expect(looked([[nights(19), new Map()]], more).gone).toEqual(more.gone);
  const half = looked([[nights(18, 19), reading(18)]], more);
  expect(half.gone).toMatchObject({ count: 1, ids: [night(17)] });
  expect(looked([[nights(17, 18, 19), reading(17, 18)]], half).gone).toBeUndefined();
  const many = Array.from({ length: 120 }, (_, index) => `2025${String(index).padStart(4, '0')}T020000Z-000000`);
  const lost = { ...first, gone: { count: 120, of: 130, ids: many } };
  expect(looked([[nights(17, 19), new Map()]], lost).gone).toEqual({
    count: 121,
    of: 130,
    ids: [...many.slice(21), night(18)],
  });
});

test('what was before the day from which backups count is no measure any more: later ones are compared anew', () => {
  const reads = new Map([
    [night(16), saying(16, { rows: 9000 })],
    [night(17), saying(17, { rows: 100 })],
    [night(18), saying(18, { rows: 120 })],
    [night(19), saying(19, { rows: 10 })],
  ]);
  const before = looked([[nights(16, 17, 18, 19), reads]]);
  const since = { shrink: { rows: 50, bytes: 50, since: '2026-11-17' } };
  const shrunkOf = ({ backups }: Ledger) => backups.map(({ shrunk }) => shrunk && [shrunk.now, shrunk.before]);
  expect(shrunkOf(before)).toEqual([undefined, [100, 9000], [120, 9000], [10, 9000]]);

  const after = looked([[nights(16, 17, 18, 19), new Map(), since]], before);

  expect(shrunkOf(after)).toEqual([undefined, undefined, undefined, [10, 100]]);
  expect(after.baseline).toMatchObject({ from: night(17), rows: 100 });
  expect(looked([[nights(16, 17, 18, 19), new Map(), since]], after)).toEqual(after);
  const marked = (mark: (typeof before.backups)[number]) => ({
    ...before,
    backups: before.backups.map((one) => (one.id === night(17) ? { ...one, ...mark } : one)),
  });
  const [, second] = before.backups;
  const { facts, ...unread } = second!;
  const other = { what: 'database', now: 'blog', before: 'shop' } as const;
  for (const odd of [
    { ...second!, other },
    { ...unread, facts: undefined },
    { ...second!, facts: { ...facts!, adopted: true as const } },
  ]) {
    const seen = looked([[nights(16, 17, 18, 19), new Map(), since]], marked(odd as typeof second & object));
    expect(seen.baseline).toMatchObject({ from: night(18), rows: 120 });
    expect(seen.backups[1]).toMatchObject({ shrunk: { now: 100, before: 9000 } });
  }
  const rising = new Map([17, 18, 19].map((day) => [night(day), saying(day, { rows: 500 })] as const));
  const high = looked([[nights(16, 17, 18, 19), new Map([[night(16), saying(16, { rows: 9000 })], ...rising])]]);
  expect(looked([[nights(16, 17, 18, 19), new Map(), since]], high).baseline).toMatchObject({
    from: night(17),
    recent: Array(3).fill([500, 1_000_000]),
  });
  const late = { shrink: { rows: 50, bytes: 50, since: '2026-11-25' } };
  expect(looked([[nights(16, 17, 18, 19), new Map(), late]], before).baseline).toEqual(before.baseline);
  const ofThatDay = looked(
    [[nights(16, 17, 18, 19, 20), new Map([[night(20), saying(20, { rows: 1 })]]), late]],
    before,
  );
  expect(ofThatDay.backups[4]).not.toHaveProperty('shrunk');
});

test('of each backup the verdict says what it is worth: how long it took, what it is short of, and which is the newest', () => {
  const history = nights(17, 18, 19, 20);
  const reads = new Map([
    ...reading(17, 18),
    [night(19), saying(19, { rows: 100 })],
    [night(20), saying(20, { end: '2026-11-20T02:10:00.000Z', database: 'blog' })],
  ]);
  const ledger = looked([[history, reads]]);

  const verdict = verdictOf(history, ledger, rules, now);

  expect(verdict.backups.map(({ ms, known, good, full, accepted }) => [ms, known, good, full, accepted])).toEqual([
    [0, true, true, true, false],
    [0, true, true, true, false],
    [0, true, true, false, false],
    [600_000, true, true, false, false],
  ]);
  expect(verdict).toMatchObject({
    newest: { id: night(20) },
    full: { id: night(18) },
    hold: [night(18)],
    lost: undefined,
  });
  expect(verdict.proven).toBeUndefined();
  const unknown = verdictOf(history, undefined, rules, now);
  expect(unknown.backups.map(({ known, good, ms }) => [known, good, ms])).toEqual(
    Array(4).fill([false, false, undefined]),
  );
  expect(unknown).toMatchObject({ newest: undefined, full: undefined, hold: [], gone: undefined });
});

test('while the newest is not full, the newest full one is held, and of the full ones the newest that holds the most', () => {
  const holding = (...rows: number[]) => {
    const history = nights(...rows.map((_, index) => 16 + index));
    const reads = new Map(rows.map((count, index) => [night(16 + index), saying(16 + index, { rows: count })]));
    return verdictOf(history, looked([[history, reads]]), rules, now).hold;
  };

  expect(holding(1000, 900, 800)).toEqual([]);
  expect(holding(1000, 900, 100)).toEqual(expect.arrayContaining([night(16), night(17)]));
  expect(holding(1000, 900, 100)).toHaveLength(2);
  expect(holding(900, 900, 100)).toEqual([night(17)]);
  expect(holding(900, 1000, 100)).toEqual([night(17)]);
});

test('dates that can’t be true are told: of the future, of another moment than the id, an end before the begin', () => {
  const misdated = (day: number, said: Said = {}) => {
    const history = nights(day);
    const ledger = looked([[history, new Map([[night(day), saying(day, said)]])]]);
    return verdictOf(history, ledger, rules, now).backups[0]!.misdated;
  };
  const id = night(19);
  const contradicts = (what: string) => ({
    kind: 'contradiction',
    why: `the dates of the backup ${id} contradict each other: ${what}`,
  });

  expect(misdated(19)).toBeUndefined();
  expect(misdated(21)).toMatchObject({ kind: 'future', why: `the backup ${night(21)} is dated 14 h in the future` });
  expect(misdated(19, { start: '2026-11-19T02:00:01.000Z' })).toEqual(
    contradicts('its manifest says that it began at 2026-11-19T02:00:01.000Z'),
  );
  expect(misdated(19, { start: '2026-11-19T02:00:00.900Z' })).toBeUndefined();
  expect(misdated(19, { end: '2026-11-19T01:55:00.000Z' })).toBeUndefined();
  expect(misdated(19, { end: '2026-11-19T01:54:59.000Z' })).toEqual(
    contradicts('it ended at 2026-11-19T01:54:59.000Z, before it began'),
  );
  expect(misdated(19, { end: '2026-11-21T12:00:00.000Z' })).toBeUndefined();
  expect(misdated(19, { end: '2026-11-21T12:00:01.000Z' })).toEqual(
    contradicts('it ended at 2026-11-21T12:00:01.000Z'),
  );
});

test('a manifest that an older version could not understand is read again, and its backup is good', () => {
  const old = looked([[nights(17, 18, 19), new Map([...reading(17, 18), [night(19), { unreadable: 'ownLists' }]])]]);
  expect(toRead(nights(17, 18, 19), old)).toEqual([night(19)]);

  const again = looked([[nights(17, 18, 19), reading(19)]], old);
  expect(again.backups.map(({ unreadable }) => unreadable)).toEqual([undefined, undefined, undefined]);
  expect(toRead(nights(17, 18, 19), again)).toEqual([]);
});
