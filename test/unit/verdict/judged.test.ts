import { expect, test } from '@jest/globals';
import type { Entry, Ledger } from '../../../core/contract/memory/ledger.ts';
import { newBackupId, objectKey } from '../../../core/domain/keys.ts';
import type { BackupId } from '../../../core/domain/keys.ts';
import { failureKey, proofKey, removalKey, startKey } from '../../../core/domain/layout/records.ts';
import type { ProofRecord } from '../../../core/domain/layout/records.ts';
import { acceptableOf, accepted } from '../../../core/domain/verdict/acceptance.ts';
import type { BackupFacts } from '../../../core/domain/verdict/baseline.ts';
import { shapeOf } from '../../../core/domain/verdict/copy-shape.ts';
import { emptyHistory, historiesOf, historyOf } from '../../../core/domain/verdict/history.ts';
import type { ListedObject } from '../../../core/domain/verdict/history.ts';
import { damagedParts, isUnread, partsNamed, verdictOf, verdictOn } from '../../../core/domain/verdict/verdict.ts';
import { shop } from '../../support/vaults/seen.ts';

const now = new Date('2026-11-20T12:00:00Z');
const rules = { shrink: { rows: 50, bytes: 50, since: undefined }, timeZone: 'UTC' };
const night = (day: number): BackupId => newBackupId(new Date(Date.UTC(2026, 10, day, 2)), 0);
const lying = (key: string, { bytes = 4, modified = new Date(0) } = {}): ListedObject => ({
  key: objectKey(key),
  bytes,
  modified,
});
const part = { file: 'data/0001.sql.zst', storedBytes: 4 };
const ofNight = (day: number, proofs: ProofRecord[] = []) => [
  lying(`shop/${night(day)}/manifest.json`),
  lying(`shop/${night(day)}/${part.file}`),
  ...proofs.map((proof) => lying(proofKey(shop, night(day), proof))),
];

/** What is remembered of this night's manifest. */
function entry(day: number, more: Partial<Entry> = {}): Entry {
  const at = new Date(Date.UTC(2026, 10, day, 2)).toISOString();
  const facts = {
    start: at,
    end: at,
    rows: 1000,
    bytes: 1_000_000,
    parts: partsNamed([part]),
    engine: 'toy',
    database: 'shop',
  };
  return { id: night(day), manifest: { bytes: 4, modified: new Date(0).toISOString() }, facts, ...more };
}
const unread = (day: number, more: Partial<Entry>): Entry => {
  const { facts: _, ...rest } = entry(day);
  return { ...rest, ...more };
};
const judging = (objects: ListedObject[], backups: Entry[], more: Partial<Ledger> = {}, encrypted?: boolean) =>
  verdictOf(historyOf(shop, objects), { version: 1, backups, ...more }, { ...rules, encrypted }, now);
const proof = (kind: ProofRecord['kind'], outcome: ProofRecord['outcome'], hour: number): ProofRecord => ({
  kind,
  outcome,
  at: new Date(Date.UTC(2026, 10, 19, hour)),
});

test.each<[string, ProofRecord[], string | undefined, boolean]>([
  ['nobody looked', [], undefined, false],
  ['it could be read', [proof('verify', 'passed', 3)], undefined, false],
  ['it was restored', [proof('restore', 'passed', 3)], undefined, true],
  ['it was drilled, and read later', [proof('drill', 'passed', 3), proof('verify', 'passed', 4)], undefined, true],
  [
    'it could not be read',
    [proof('drill', 'passed', 3), proof('verify', 'failed', 4)],
    'its verify of 2026-11-19 04:00 UTC failed',
    false,
  ],
  [
    'it could not be read, and then could',
    [proof('verify', 'failed', 3), proof('verify', 'passed', 4)],
    undefined,
    false,
  ],
  [
    'a drill failed, and it was read later',
    [proof('drill', 'failed', 3), proof('verify', 'passed', 4)],
    'its drill of 2026-11-19 03:00 UTC failed',
    false,
  ],
  [
    'a drill failed, and a restore passed',
    [proof('drill', 'failed', 3), proof('restore', 'passed', 4)],
    undefined,
    true,
  ],
  [
    'a restore passed, and a drill failed',
    [proof('restore', 'passed', 3), proof('drill', 'failed', 4)],
    'its drill of 2026-11-19 04:00 UTC failed',
    false,
  ],
  [
    'two looks failed',
    [proof('verify', 'failed', 3), proof('drill', 'failed', 4)],
    'its drill of 2026-11-19 04:00 UTC failed',
    false,
  ],
])('%s: what the last look says of a backup, and whether it is proven', (_, proofs, why, proven) => {
  const verdict = judging(ofNight(19, proofs), [entry(19)]);

  expect(verdict.backups[0]).toMatchObject({
    damage: why === undefined ? undefined : { why },
    good: why === undefined,
    proven,
  });
  expect(verdict.proven?.id).toBe(proven ? night(19) : undefined);
});

test('what can’t be read, or is not signed, is no good backup, whatever else is known of it', () => {
  const damageOf = (one: Entry) => judging(ofNight(19), [one]).backups[0]!.damage;

  expect(damageOf(entry(19))).toBeUndefined();
  expect(damageOf(unread(19, { unreadable: 'is odd' }))).toEqual({ kind: 'unreadable', why: 'is odd' });
  expect(damageOf(unread(19, {}))).toEqual({ kind: 'unreadable', why: 'its manifest could not be understood' });
  expect(damageOf(unread(19, { unreadable: 'is not signed', unsigned: true }))).toEqual({
    kind: 'unsigned',
    why: 'is not signed',
  });
  const kinds = ['gone', 'cut', 'unreadable', 'unsigned', 'plain', 'verify', 'restore', 'drill'] as const;
  expect(kinds.filter((kind) => isUnread({ kind, why: '' }))).toEqual(['unreadable', 'unsigned']);
  expect(isUnread(undefined)).toBe(false);
});

test('parts that lie otherwise than their manifest names them are damage, as it was seen when they were compared', () => {
  const missing = ofNight(19).slice(0, 1);
  const seen = { parts: partsNamed([]), damage: { kind: 'gone' as const, why: 'its part is gone' } };
  const more = [...ofNight(19), lying(`shop/${night(19)}/data/0002.sql.zst`)];
  const harmless = { parts: partsNamed([part, { file: 'data/0002.sql.zst', storedBytes: 4 }]) };
  const damageOf = (objects: ListedObject[], listed?: Entry['listed']) =>
    judging(objects, [entry(19, listed && { listed })]).backups[0]!.damage;

  expect(damageOf(missing, seen)).toEqual(seen.damage);
  expect(damageOf(more, harmless)).toBeUndefined();
  const unlike = { kind: 'gone', why: 'its parts are not those that its manifest names' };
  expect(damageOf(missing)).toEqual(unlike);
  expect(damageOf(more, seen)).toEqual(unlike);
});

test('it is said which part is gone or cut, and of many how many; sizes that read alike are told to the byte', () => {
  const files = [1, 2, 3].map((number) => `data/000${number}.sql.zst`);
  const named = files.map((file) => ({ file, storedBytes: 1_000_000 }));
  const saidOf = (...sizes: (number | undefined)[]) =>
    damagedParts(named, {
      objects: sizes.flatMap((bytes, index) =>
        bytes === undefined ? [] : [lying(`shop/${night(19)}/${files[index]}`, { bytes })],
      ),
    })?.why;
  const whole = 1_000_000;

  expect(saidOf(whole, whole, whole)).toBeUndefined();
  expect(saidOf(whole, undefined, whole)).toBe(`its part ${files[1]} is gone`);
  expect(saidOf(undefined, undefined, 5)).toBe('2 of its 3 parts are gone');
  expect(saidOf(whole, 5, whole)).toBe(`its part ${files[1]} holds 5 B instead of 1.00 MB`);
  expect(saidOf(5, 5, whole)).toBe(`its part ${files[0]} holds 5 B instead of 1.00 MB, and 1 more part of other sizes`);
  expect(saidOf(5, 5, 5)).toBe(`its part ${files[0]} holds 5 B instead of 1.00 MB, and 2 more parts of other sizes`);
  expect(saidOf(1_000_001, whole, whole)).toBe(`its part ${files[0]} holds 1,000,001 bytes instead of 1,000,000`);
});

test('what was put behind newer ones, or replaced, is no good backup, and it is said why', () => {
  const misdatedOf = (odd: 'late' | 'replaced') => judging(ofNight(19), [entry(19, { odd })]).backups[0]!;

  expect(misdatedOf('late')).toMatchObject({
    good: false,
    misdated: {
      kind: 'late',
      why: `the backup ${night(19)} was not there when newer ones were: it was put behind them`,
    },
  });
  expect(misdatedOf('replaced')).toMatchObject({
    good: false,
    misdated: {
      kind: 'replaced',
      why: `the manifest of the backup ${night(19)} says something else than when it was first read: it was replaced`,
    },
  });
});

test('an adopted backup is judged apart: it is never the newest, and does not say from when on others are encrypted', () => {
  const adopted = (day: number) => entry(day, { facts: { ...entry(day).facts!, adopted: true } });
  const sealed = [lying(`shop/${night(18)}/manifest.json`), lying(`shop/${night(18)}/${part.file}.age`)];
  const own = { ...entry(18).facts!, parts: partsNamed([{ file: `${part.file}.age`, storedBytes: 4 }]) };
  const verdict = judging([...ofNight(18), ...ofNight(19)], [entry(18, { accepted: true }), adopted(19)]);

  expect(verdict.backups.map(({ id, accepted: is }) => [id, is])).toEqual([[night(18), true]]);
  expect(verdict.adopted.map(({ id }) => id)).toEqual([night(19)]);
  expect(verdict.newest?.id).toBe(night(18));
  expect(verdictOn(night(19), verdict)?.id).toBe(night(19));
  expect(verdictOn(night(18), verdict)?.id).toBe(night(18));
  expect(verdictOn(night(20), verdict)).toBeUndefined();
  const plainOf = (first: Entry) =>
    judging([...sealed, ...ofNight(19)], [first, entry(19)], {}, true).backups.find(({ id }) => id === night(19))!
      .damage;
  expect(plainOf(entry(18, { facts: own }))).toEqual({
    kind: 'plain',
    why: 'it is not encrypted, as backups since 2026-11-18 02:00 UTC have to be: who wrote it?',
  });
  expect(plainOf(entry(18, { facts: { ...own, adopted: true } }))).toBeUndefined();
});

test('all that a check tells is named for whoever accepts it, and nothing that was accepted', () => {
  const shrunk = { what: 'table', table: 'orders', more: 2, now: 1, before: 2000 } as const;
  const other = { what: 'database', now: 'blog', before: 'shop' } as const;
  const objects = [15, 16, 17, 18, 19].flatMap((day) => ofNight(day));
  const full = judging(
    objects,
    [
      entry(15, { accepted: true, odd: 'late' }),
      unread(16, { unreadable: 'is odd' }),
      entry(17, { odd: 'late' }),
      entry(18, { facts: { ...entry(18).facts!, end: '2026-11-01T00:00:00.000Z' } }),
      entry(19, { shrunk, other }),
    ],
    { gone: { count: 3, of: 1200, ids: [] }, lost: 'it is gone' },
  );

  expect(acceptableOf(full)).toEqual([
    { what: 'rows of orders and 2 more tables', before: '2,000', now: '1' },
    other,
    { what: 'backups', before: '1,200', now: '3 gone' },
    { what: night(16), before: '', now: 'damaged: is odd' },
    { what: night(17), before: '', now: 'counts from now on (late)' },
    { what: night(18), before: '', now: 'of no possible date' },
    { what: 'memory', before: 'lost', now: 'of 5 backups' },
  ]);
  const lineOf = (less: NonNullable<Entry['shrunk']>) =>
    acceptableOf(judging(ofNight(19), [entry(19, { shrunk: less })]))[0];
  expect(lineOf({ what: 'bytes', now: 5, before: 2_000_000 })).toEqual({
    what: 'bytes',
    before: '2.00 MB',
    now: '5 B',
  });
  expect(lineOf({ what: 'rows', now: 5, before: 2000 })).toEqual({ what: 'rows', before: '2,000', now: '5' });
  expect(lineOf({ what: 'table', table: 't', now: 0, before: 9 })).toMatchObject({ what: 'rows of t' });
  const replaced = judging(ofNight(19), [entry(19, { odd: 'replaced' })]);
  expect(acceptableOf(replaced)).toMatchObject([{ now: 'counts from now on (replaced)' }]);
  expect(acceptableOf(judging(ofNight(19), [entry(19)]))).toEqual([]);
});

test('what was accepted is the measure from now on, with those after the last full one; what is bad stays bad, and silent', () => {
  const shrunk = { what: 'rows', now: 100, before: 1000 } as const;
  const other = { what: 'database', now: 'blog', before: 'shop' } as const;
  const entries = [
    entry(14, { shrunk }),
    entry(15),
    unread(16, { unreadable: 'is odd' }),
    entry(17, { odd: 'late' }),
    entry(18, { shrunk, other }),
    entry(19, { shrunk }),
  ];
  const ledger: Ledger = { version: 1, backups: entries, gone: { count: 1, of: 2, ids: [] }, lost: 'it is gone' };
  const objects = [14, 15, 16, 17, 18, 19].flatMap((day) => ofNight(day));
  const facts = { ...entry(19).facts!, rows: 100 };
  const content: BackupFacts = { facts, families: new Map([['orders', 100]]) };
  const by = { at: now.toISOString(), by: 'ann' };

  const after = accepted(ledger, judging(objects, entries), content, by);

  expect(after).not.toHaveProperty('gone');
  expect(after).not.toHaveProperty('lost');
  expect(after.accepted).toEqual(by);
  expect(after.baseline).toMatchObject({ from: night(19), rows: 100 });
  expect(after.backups).toEqual([
    entries[0],
    entries[1],
    { ...entries[2], accepted: true },
    entry(17),
    entry(18),
    entry(19),
  ]);
  const early = accepted(ledger, judging(objects.slice(-2), [entries[5]!]), content, by);
  expect(early.backups.filter(({ shrunk: less }) => less !== undefined)).toEqual([]);
});

test('where the newest is full, nothing else is the measure; what has no possible date is told no more', () => {
  const odd = entry(18, { facts: { ...entry(18).facts!, end: '2026-11-01T00:00:00.000Z' } });
  const ahead = entry(25);
  const shrunk = { what: 'rows', now: 100, before: 1000 } as const;
  const entries = [entry(17, { shrunk }), odd, entry(19), ahead];
  const ledger: Ledger = { version: 1, backups: entries };
  const objects = [17, 18, 19, 25].flatMap((day) => ofNight(day));
  const content: BackupFacts = { facts: entry(19).facts!, families: new Map() };

  const after = accepted(ledger, judging(objects, entries), content, { at: now.toISOString(), by: 'ann' });

  expect(after).not.toHaveProperty('baseline');
  expect(after.backups).toEqual([entries[0], { ...odd, accepted: true }, entry(19), { ...ahead, accepted: true }]);
  const blind = accepted(ledger, judging(ofNight(17), [entries[0]!]), undefined, { at: now.toISOString(), by: 'ann' });
  expect(blind).not.toHaveProperty('baseline');
  expect(blind.backups[0]).toEqual(entries[0]);
});

test('a backup and its copy look alike, in any order; what lies beside and is none of it does not matter', () => {
  const objects = ofNight(19);
  const shape = shapeOf({ objects });

  expect(shapeOf({ objects: objects.toReversed() })).toBe(shape);
  expect(shapeOf({ objects: [...objects, lying(proofKey(shop, night(19), proof('drill', 'passed', 3)))] })).toBe(shape);
  expect(shapeOf({ objects: objects.map((one) => ({ ...one, bytes: 5 })) })).not.toBe(shape);
  expect(shapeOf({ objects: [objects[0]!, lying(`shop/${night(19)}/${part.file}`, { bytes: 5 })] })).not.toBe(shape);
  expect(shapeOf({ objects: [lying(`shop/${night(19)}/manifest.json`, { bytes: 5 }), objects[1]!] })).not.toBe(shape);
  const signed = [...objects, lying(`shop/${night(19)}/manifest.sig`)];
  expect(shapeOf({ objects: signed })).not.toBe(shape);
  expect(shapeOf({ objects: signed.toReversed() })).toBe(shapeOf({ objects: signed }));
  expect(shapeOf({ objects }, partsNamed([part]))).toBe(shape);
  expect(shapeOf({ objects }, 'other')).not.toBe(shape);
});

test('a listing shows of a source its backups, what runs have left, and every record, in the order of time', () => {
  const begun = (day: number) => ({ id: night(day), run: 'run', meant: undefined });
  const failed = (day: number) =>
    failureKey(shop, { at: new Date(Date.UTC(2026, 10, day)), run: 'run', code: 'vault-full' });
  const leased = new Date('2026-11-20T11:00:00Z');
  const touched = new Date('2026-11-20T10:00:00Z');
  const keys = [
    lying('shop/lease.json', { modified: leased }),
    lying('shop/ledger.json'),
    lying(failed(19)),
    lying(failed(18)),
    lying(startKey(shop, begun(19))),
    lying(startKey(shop, begun(18))),
    lying('shop/restores/0123456789abcdef-1-begun.json'),
    lying(removalKey(shop, night(12)), { modified: touched }),
    ...ofNight(19),
    ...ofNight(18),
    lying(`shop/${night(18)}/pin.json`),
    lying(`shop/${night(18)}/notes.txt`),
    lying(`shop/${night(17)}/data/0001.sql.zst`, { modified: touched }),
    lying(`shop/${night(17)}/data/0002.sql.zst`),
    lying(`shop/${night(16)}/notes.txt`),
    lying('shop/notes.txt'),
    lying('notes.txt'),
  ];

  const history = historyOf(shop, keys);

  expect(history.backups.map(({ id, pinned, foreign }) => [id, pinned, foreign.map(({ key }) => key)])).toEqual([
    [night(18), true, [`shop/${night(18)}/notes.txt`]],
    [night(19), false, []],
  ]);
  expect(history.backups[0]!.objects.map(({ key }) => key)).not.toContain(`shop/${night(18)}/notes.txt`);
  expect(history.leftovers.map(({ id, touched: last, objects }) => [id, last, objects.length])).toEqual([
    [night(17), touched, 2],
  ]);
  expect(history.failures.map(({ key }) => key)).toEqual([failed(18), failed(19)]);
  expect(history.starts.map(({ key, id }) => [key, id])).toEqual(
    [18, 19].map((day) => [startKey(shop, begun(day)), night(day)]),
  );
  expect(history.requests.map(({ key }) => key)).toEqual(['shop/restores/0123456789abcdef-1-begun.json']);
  expect(history).toMatchObject({ removed: [{ id: night(12), at: touched }], leased, ledger: true });
  expect([...historiesOf([lying('shop/notes.txt'), lying('notes.txt')]).keys()]).toEqual([]);
  expect(historyOf(shop, [lying('shop/lease.json')])).toMatchObject({ ledger: false, leased: new Date(0) });
  expect(historyOf(shop, [])).toEqual(emptyHistory(shop));
  expect(emptyHistory(shop).ledger).toBe(false);
});
