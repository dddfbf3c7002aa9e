import { expect, test } from '@jest/globals';
import {
  abortError,
  BackupError,
  collected,
  isBackupError,
  mayBeDone,
  messageOf,
  ourError,
} from '../../../core/domain/errors.ts';
import { firstLines, firstOf, fewNames, oneLine } from '../../../core/domain/lines.ts';
import { nearest, suggestion } from '../../../core/domain/nearest.ts';
import { formatBytes, formatDuration, medianOf, plural } from '../../../core/domain/units.ts';

const full = new BackupError('vault-full', 'no space', { hint: 'free some' });

test('an error holds its lines, and nothing in a name makes one more', () => {
  const listing = new BackupError('proof-failed', ['two differ: ', 'a\nb', 'c\td'], { hint: 'see\nthem' });

  expect(listing).toMatchObject({ name: 'BackupError', message: 'two differ:\na\\nb\nc\\td', hint: 'see\\nthem' });
  expect(listing.lines).toEqual(['two differ:', 'a\\nb', 'c\\td']);
  const plain = new BackupError('vault-full', 'no space');
  expect([plain.lines, 'cause' in plain, plain.mayBeDone]).toEqual([['no space'], false, false]);
  expect(new BackupError('vault-full', 'x', { cause: full, afterMs: 5 })).toMatchObject({ cause: full, afterMs: 5 });
  for (const code of ['part-corrupt', 'object-missing'] as const)
    expect(new BackupError(code, 'x').hint).toMatch(/^restore another backup, from: nightjar list/);
  expect([new BackupError('vault-full', 'x').hint, new BackupError('part-corrupt', 'x', { hint: 'y' }).hint]).toEqual([
    undefined,
    'y',
  ]);
});

test('what may have been done all the same is said by whatever it has become', () => {
  const unknown = new BackupError('target-not-empty', 'x', { mayBeDone: true });

  expect([mayBeDone(unknown), mayBeDone(new BackupError('internal', 'x', { cause: unknown }))]).toEqual([true, true]);
  expect([
    mayBeDone(full),
    mayBeDone(new Error('x')),
    mayBeDone(new BackupError('internal', 'x', { cause: unknown, mayBeDone: false })),
  ]).toEqual([false, false, false]);
  expect([
    isBackupError(full),
    isBackupError(full, 'vault-full'),
    isBackupError(full, 'vault-denied', 'vault-full'),
  ]).toEqual([true, true, true]);
  expect([isBackupError(full, 'vault-denied'), isBackupError(new Error('x')), isBackupError(undefined)]).toEqual([
    false,
    false,
    false,
  ]);
});

test('whatever was thrown has a message in one line', () => {
  expect(messageOf(new AggregateError([new Error('a'), 'b']))).toBe('a; b');
  expect(messageOf(new AggregateError([], 'none'))).toBe('none');
  expect([messageOf(new TypeError('')), messageOf('text'), messageOf(undefined)]).toEqual([
    'TypeError',
    'text',
    'undefined',
  ]);
  expect(
    messageOf(
      new Error(
        'self-signed certificate; if the root CA is installed locally, try running Node.js with --use-system-ca',
      ),
    ),
  ).toBe('self-signed certificate');
});

test('what this machine refused is told as that, with what to do; all else is a defect of ours', () => {
  const system = (code: string, more: object = { syscall: 'open' }) =>
    ourError(Object.assign(new Error(`${code}: x`), { code, ...more }));

  expect(ourError(full)).toBe(full);
  expect(system('EACCES')).toMatchObject({
    code: 'machine-failed',
    message: 'this machine refused it: EACCES: x',
    hint: 'give the user that runs this the right to it, or name another place',
    cause: expect.any(Error),
  });
  for (const code of ['EPERM', 'EROFS', 'ENOENT', 'ENOTDIR', 'ENOSPC', 'EDQUOT', 'EFBIG', 'EMFILE', 'ENOMEM'])
    expect(system(code)).toMatchObject({ code: 'machine-failed', hint: expect.stringMatching(/\w+ \w+/) });
  const defect = { code: 'internal', hint: 'this is a defect of Nightjar: please report it' };
  expect(system('EACCES', {})).toMatchObject(defect);
  expect(system('EODD')).toMatchObject(defect);
  expect(ourError(undefined)).toMatchObject({ ...defect, message: 'undefined' });
});

test('a stop is what its signal says, where that is ours', () => {
  expect(abortError(AbortSignal.abort(full))).toBe(full);
  expect(abortError(AbortSignal.abort('ctrl-c'))).toMatchObject({
    code: 'aborted',
    message: 'stopped on request',
    cause: 'ctrl-c',
  });
});

test('several failures are one error with the first of ours in front; a single one is itself', () => {
  const denied = new BackupError('vault-denied', 'no right');
  expect(collected([full])).toBe(full);
  expect(collected([new Error('odd'), full, denied, full])).toMatchObject({
    code: 'vault-full',
    message: 'odd; no space; no right',
    hint: 'free some',
    cause: expect.any(AggregateError),
  });
  expect(collected([new Error('odd')])).not.toBe(full);
  expect(collected([new Error('odd')])).toMatchObject({ code: 'internal', message: 'odd' });
  const listing = new BackupError('proof-failed', ['two differ:', 'a']);
  expect(collected([full, listing, full])).toMatchObject({ lines: ['no space', 'two differ:', 'a', 'no space'] });
});

test('what would break a line, or turn it about, is written out', () => {
  expect(oneLine('a\nb\rc\td\u0007e\u0085f\u2028g\u202eh')).toBe('a\\nb\\rc\\td\\x07e\\x85f\\u2028g\\u202eh');
  expect(oneLine('Größe “北京”')).toBe('Größe “北京”');
});

test('of many, the first are named and the others counted', () => {
  const names = ['a', 'b', 'c'];
  expect([firstLines(names, 3), firstLines(names, 2)]).toEqual([names, ['a', 'b', 'and 1 more']]);
  expect([firstOf(names, 3), firstOf(names, 2)]).toEqual(['a; b; c', 'a; b, and 1 more']);
  expect([fewNames(names, 3), fewNames(names, 1), fewNames(['a', 'b', 'c', 'd', 'e', 'f'])]).toEqual([
    'a, b, c',
    'a, and 2 more',
    'a, b, c, d, e, and 1 more',
  ]);
});

test('a word that is nearly another is taken for it: a third of its letters may be wrong, missing or swapped', () => {
  const verbs = ['backup', 'restore', 'rotate', 'list'];
  expect(
    ['bakcup', 'BACKUP', 'bckup', 'restroe', 'lits', 'lsit', 'rotaet'].map((text) => nearest(text, verbs)),
  ).toEqual(['backup', 'backup', 'backup', 'restore', 'list', 'list', 'rotate']);
  expect(['bxxxup', 'lxxt', 'x', '', 'listxx'].map((text) => nearest(text, verbs))).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
    'list',
  ]);
  expect(nearest('a', ['b', 'a'])).toBe('a');
  expect(nearest('ab', ['xb', 'ax'])).toBe('xb');
  expect([suggestion('lits', verbs), suggestion('zzz', verbs)]).toEqual([', did you mean "list"?', '']);
});

test('sizes, times and counts are as people say them', () => {
  expect([0, 999, 1000, 1536, 9994, 9996, 99_940, 99_960, 999_499, 999_500, 1e18].map(formatBytes)).toEqual([
    '0 B',
    '999 B',
    '1.00 kB',
    '1.54 kB',
    '9.99 kB',
    '10.0 kB',
    '99.9 kB',
    '100 kB',
    '999 kB',
    '1.00 MB',
    '1000 PB',
  ]);
  expect(
    [400, 9949, 9950, 59_400, 59_500, 200_000, 3_599_400, 3_600_000, 7_500_000, 86_400_000, 273_600_000].map(
      formatDuration,
    ),
  ).toEqual([
    '0.4 s',
    '9.9 s',
    '10 s',
    '59 s',
    '1 min',
    '3 min 20 s',
    '59 min 59 s',
    '1 h',
    '2 h 5 min',
    '1 d',
    '3 d 4 h',
  ]);
  expect([
    plural(1, 'index'),
    plural(2, 'index'),
    plural(0, 'batch'),
    plural(2, 'class'),
    plural(2, 'key'),
    plural(1000, 'entry'),
    plural(2, 'xylophone'),
    plural(2, 'yeti'),
  ]).toEqual(['1 index', '2 indexes', '0 batches', '2 classes', '2 keys', '1,000 entries', '2 xylophones', '2 yetis']);
  expect([medianOf([]), medianOf([3]), medianOf([10, 9]), medianOf([3, 20, 1])]).toEqual([undefined, 3, 9, 3]);
});
