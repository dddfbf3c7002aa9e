import { expect, test } from '@jest/globals';
import type { Alert } from '../../../core/contract/memory/outbox.ts';
import { BackupError } from '../../../core/domain/errors.ts';
import type { FailureCode } from '../../../core/domain/errors.ts';
import type { BackupId, SourceName } from '../../../core/domain/keys.ts';
import { naming } from '../../../core/domain/messages/commands.ts';
import {
  closing,
  plainText,
  projectRunbook,
  runbookOf,
  shortened,
  title,
} from '../../../core/domain/messages/plain.ts';
import {
  hookFailed,
  kindOfFailure,
  notifierFailed,
  runEnded,
  runFailed,
  testMessage,
} from '../../../core/domain/messages/run.ts';
import type { Verb } from '../../../core/domain/messages/run.ts';
import { about, fact, span, vaultOption, word } from '../../../core/domain/messages/text.ts';

const at = new Date('2026-11-20T12:00:00Z');
const hour = 3_600_000;
const shop = 'the shop' as SourceName;
const run = { run: '4f2a', place: '/vault', ms: 90_000 };
const failed = (verb: Verb, code: FailureCode, more: Partial<Parameters<typeof runFailed>[0]> = {}, hint?: string) =>
  runFailed({ verb, source: shop, ...run, ...more }, new BackupError(code, 'it broke', { hint }), { at });

test('a run that failed says why, where, and what to do next', () => {
  expect(failed('backup', 'vault-full')).toEqual({
    version: 1,
    kind: 'backup-failed',
    severity: 'problem',
    source: shop,
    subject: 'the backup failed: vault-full',
    facts: [
      { label: 'Error', value: 'it broke (vault-full)' },
      { label: 'Vault', value: '/vault' },
      { label: 'Run', value: '4f2a, failed after 1 min 30 s' },
    ],
    next: ["nightjar check 'the shop'", "nightjar backup 'the shop'"],
    runbook: 'backup-failed',
    at: at.toISOString(),
  });
  expect(failed('backup', 'vault-full', {}, 'free some').facts[1]).toEqual({ label: 'Hint', value: 'free some' });
  const left = { newest: '20261120T100000Z-7f3a9c' as BackupId, count: 1200 };
  expect(failed('backup', 'vault-full', { left, timeZone: 'Asia/Tokyo' }).facts.slice(2, 4)).toEqual([
    { label: 'Newest good', value: `${left.newest} (2026-11-20 19:00 Asia/Tokyo, 10:00 UTC, 2 h old)` },
    { label: 'Backups in the vault', value: '1,200' },
  ]);
  expect(failed('backup', 'vault-full', { left: { count: 0 } }).facts[2]).toEqual({
    label: 'Newest good',
    value: 'none',
  });
  const ahead = { newest: '20261120T130000Z-7f3a9c' as BackupId, count: 1 };
  expect(failed('backup', 'vault-full', { left: ahead }).facts[2]!.value).toMatch(/, 0\.0 s old\)$/);
});

test.each<[Verb, string]>([
  ['restore', 'list'],
  ['verify', 'verify'],
  ['rotation', 'rotate --dry-run'],
  ['drill', 'drill'],
  ['copy', 'copy'],
])('after a %s that failed, one looks by check, and by %s', (verb, command) => {
  expect(failed(verb, 'dump-failed').next).toEqual(["nightjar check 'the shop'", `nightjar ${command} 'the shop'`]);
});

test('a check that failed is checked again; of no source, all are; and a lease that keeps every run out comes first', () => {
  expect(failed('check', 'vault-unreachable').next).toEqual(["nightjar check 'the shop'"]);
  expect(failed('discovery', 'vault-unreachable', { source: undefined })).toMatchObject({
    kind: 'discovery-failed',
    next: ['nightjar check'],
  });
  expect(failed('backup', 'lease-stuck').next).toEqual(["nightjar unlock 'the shop'", "nightjar backup 'the shop'"]);
  expect(failed('check', 'lease-stuck', { source: undefined }).next).toEqual(['nightjar check']);
  expect(failed('restore', 'restore-incomplete').subject).toBe('restored, with failures: not proven');
  expect(kindOfFailure('rotation')).toBe('rotation-failed');
});

test('what is over says what it was, and for how long', () => {
  const alert = (kind: Alert['kind'], hours: number, cause?: string): Alert => ({
    kind,
    ...(cause && { cause }),
    since: new Date(at.getTime() - hours * hour).toISOString(),
    told: at.toISOString(),
  });
  const ended = runEnded(
    { kind: 'backup-failed', source: 'shop' },
    [alert('backup-failed', 1, 'vault-full'), alert('backup-failed', 3, 'dump-failed')],
    at,
  );
  expect(ended).toMatchObject({
    kind: 'recovered',
    severity: 'recovered',
    source: 'shop',
    subject: 'the backup succeeded again',
    next: [],
  });
  expect(ended.facts).toEqual([{ label: 'Was', value: 'backup-failed (vault-full, dump-failed), for 3 h' }]);
  const hooks = runEnded({ kind: 'hook-failed' }, [alert('hook-failed', -1)], at);
  expect([hooks.subject, hooks.facts[0]!.value]).toEqual(['hooks are called again', 'hook-failed, for 0.0 s']);
});

test('a notifier that could not be told names who, why, and what is missed there', () => {
  const why = [
    { name: 'mail', why: 'mail refused it' },
    { name: 'slack', why: 'HTTP 500' },
  ];
  const missed = [{ source: 'shop', subject: 'is stale' }, { subject: 'the vault is full' }, { subject: 'x' }] as never;
  const one = notifierFailed(why.slice(0, 1), missed, { at });
  expect(one).toMatchObject({
    kind: 'notifier-failed',
    subject: 'a notifier failed: somebody was not told',
    next: ['nightjar notify'],
  });
  expect(one.facts).toEqual([
    { label: 'mail', value: 'refused it' },
    { label: 'Not told', value: 'shop: is stale, and 2 more' },
  ]);
  const two = notifierFailed(why, (missed as object[]).slice(1, 2) as never, { at });
  expect(two.subject).toBe('2 notifiers failed: somebody was not told');
  expect(two.facts.slice(1)).toEqual([
    { label: 'slack', value: 'HTTP 500' },
    { label: 'Not told', value: 'the vault is full' },
  ]);
  expect(notifierFailed(why, [], { at }).facts).toHaveLength(2);
});

test('a hook that failed says after which run; a test says that it is one', () => {
  expect(
    hookFailed({ verb: 'backup', source: shop, status: 'succeeded' }, [{ name: 'ping', why: 'HTTP 500' }], { at }),
  ).toMatchObject({
    kind: 'hook-failed',
    source: shop,
    subject: 'the backup succeeded, and then a hook failed',
    facts: [{ label: 'ping', value: 'HTTP 500' }],
    next: [],
  });
  expect(testMessage('/vault', at)).toMatchObject({
    kind: 'test',
    severity: 'info',
    subject: 'a test: alerts of Nightjar arrive here',
    facts: [{ label: 'Vault', value: '/vault' }],
  });
});

test('a reminder says when it was told first', () => {
  const since = new Date(at.getTime() - 26 * hour);
  const message = about(
    'stale',
    { source: shop, timeZone: 'Asia/Tokyo' },
    { at, since },
    'is stale',
    [fact('A', 'b')],
    [],
  );
  expect(message).toMatchObject({ severity: 'reminder', timeZone: 'Asia/Tokyo' });
  expect(message.facts).toEqual([
    { label: 'A', value: 'b' },
    { label: 'Told first', value: '2026-11-19 19:00 Asia/Tokyo, 10:00 UTC, 26 h ago' },
  ]);
  expect(about('stale', {}, { at }, 'x', [], [])).not.toHaveProperty('source');
  expect(about('stale', {}, { at }, 'x', [], [])).not.toHaveProperty('timeZone');
});

test('nothing in a fact breaks its line, and nothing is said as that', () => {
  expect(['a\nb', ' a \r\n\t b\u2028c ', 'a\u0007b', '', ' \n'].map((value) => fact('', value).value)).toEqual([
    'a b',
    'a b c',
    'a b',
    '–',
    '–',
  ]);
});

test('spans, words of a shell and options are as people write them', () => {
  expect([59_000, hour, 25 * hour, 26 * hour + 180_000, 47.99 * hour, 48 * hour, 76 * hour].map(span)).toEqual([
    '59 s',
    '1 h',
    '25 h',
    '26 h 3 min',
    '47 h 59 min',
    '2 d',
    '3 d 4 h',
  ]);
  expect(['shop', 'a b', "it's", '', 'a;b', 'x@y%z+=:,/-._'].map(word)).toEqual([
    'shop',
    "'a b'",
    "'it'\\''s'",
    "''",
    "'a;b'",
    'x@y%z+=:,/-._',
  ]);
  expect([vaultOption(undefined), vaultOption('nas'), vaultOption('my nas')]).toEqual([
    '',
    ' --vault nas',
    " --vault 'my nas'",
  ]);
});

test('a message as text: its title, what is known, what to run, and where more is written', () => {
  const message = { ...failed('backup', 'vault-full'), timeZone: 'UTC' };
  expect(plainText(message)).toBe(
    'PROBLEM the shop: the backup failed: vault-full\n\n' +
      'Error: it broke (vault-full)\nVault: /vault\nRun: 4f2a, failed after 1 min 30 s\n\n' +
      "Run next:\n  nightjar check 'the shop'\n  nightjar backup 'the shop'\n\n" +
      'What it means and what to do: docs/runbook.md#backup-failed\nTold by Nightjar at 2026-11-20 12:00 UTC.\n',
  );
  expect(plainText({ ...message, facts: [], next: [] })).toBe(
    'PROBLEM the shop: the backup failed: vault-full\n\n' +
      'What it means and what to do: docs/runbook.md#backup-failed\nTold by Nightjar at 2026-11-20 12:00 UTC.\n',
  );
  const { source: _, ...all } = message;
  expect(
    (['reminder', 'recovered', 'info'] as const).map((severity) => title({ ...all, severity }).split(' ')[0]),
  ).toEqual(['STILL', 'RECOVERED', 'INFO']);
  expect(title(all)).toBe('PROBLEM the backup failed: vault-full');
  expect([runbookOf(message), runbookOf({ ...message, link: 'https://wiki/x' })]).toEqual([
    'docs/runbook.md#backup-failed',
    'https://wiki/x',
  ]);
  expect(closing({ ...message, link: 'https://wiki/x' })).toContain('https://wiki/x\n');
});

test('a text is cut with a sign, and no character in two', () => {
  expect([shortened('abcd', 4), shortened('abcde', 4), shortened('ab🦉x', 4), shortened('a🦉xy', 4)]).toEqual([
    'abcd',
    'abc…',
    'ab…',
    'a🦉…',
  ]);
});

test('commands in a text name the configuration and the further vault', () => {
  const text =
    "run: nightjar list shop; or nightjar backup 'a b', then nightjar show shop --vault nas. Nightjar is nightjar.";
  expect(naming(undefined)(text)).toBe(text);
  expect(naming('other.yaml')(text)).toBe(
    "run: nightjar -c other.yaml list shop; or nightjar -c other.yaml backup 'a b', then nightjar -c other.yaml show shop --vault nas. Nightjar is nightjar.",
  );
  expect(naming('-x y.yaml')('nightjar list')).toBe("nightjar -c './-x y.yaml' list");
  expect(naming(undefined, 'my nas')(text)).toBe(
    "run: nightjar list --vault 'my nas' shop; or nightjar copy 'a b', then nightjar show shop --vault nas. Nightjar is nightjar.",
  );
  expect(naming('o.yaml', 'nas')('nightjar rotate a')).toBe('nightjar -c o.yaml rotate --vault nas a');
  expect(naming('o.yaml')('nightjar -c a.yaml list')).toBe('nightjar -c a.yaml list');
  expect(naming('$&.yaml')('nightjar list')).toBe("nightjar -c '$&.yaml' list");
});

test.each([
  ['git+https://github.com/acme/nightjar.git', 'acme/nightjar'],
  ['https://github.com/acme/night.jar', 'acme/night.jar'],
  ['git@github.com:acme/nightjar.git', 'acme/nightjar'],
  ['github:acme/nightjar', 'acme/nightjar'],
  ['https://github.com/acme/nightjar/tree/main', undefined],
  ['my-github:acme/nightjar', undefined],
  ['https://git.example.com/acme/nightjar', undefined],
  ['', undefined],
])('of the repository %j the runbook is read at %s', (url, place) => {
  const link = place && `https://github.com/${place}/blob/v1.2.3/docs/runbook.md`;

  expect(projectRunbook({ version: '1.2.3', repository: url })).toBe(link);
  expect(projectRunbook({ version: '1.2.3', repository: { url } })).toBe(link);
  expect(projectRunbook({ version: '1.2.3' })).toBeUndefined();
});
