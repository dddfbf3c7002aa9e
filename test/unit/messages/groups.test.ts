import { expect, test } from '@jest/globals';
import type { MessageKind } from '../../../core/contract/events/message.ts';
import type { WaitingMessage } from '../../../core/contract/memory/outbox.ts';
import { messagesOf } from '../../../core/domain/messages/groups.ts';
import { samples } from './samples.ts';

const at = new Date(samples['stale']!.at);
type Told = { kind: MessageKind; source?: string; cause?: string; on?: string; severity?: WaitingMessage['severity'] };
const item = ({ kind, source, cause, on, severity = 'problem' }: Told): WaitingMessage => ({
  severity,
  alert: { ...(source && { source }), kind, ...(cause && { cause }), since: at.toISOString(), told: at.toISOString() },
  ...(on && { on }),
  message: { ...samples['stale']!, kind, severity, subject: `${source ?? cause} has ${kind}` },
});
const many = (count: number, of: (index: number) => Told) =>
  Array.from({ length: count }, (_, index) => item(of(index)));
const subjects = (items: WaitingMessage[], room?: number) =>
  messagesOf(items, at, room).map(({ message }) => message.subject);
const stale = (index: number): Told => ({ kind: 'stale', source: `s${index}` });

test('up to three things are told one by one; from then on those of a kind together; of more kinds, all that is wrong', () => {
  const three = many(3, stale);
  expect(messagesOf(three, at).map(({ items, group }) => [items.length, group])).toEqual(Array(3).fill([1, undefined]));
  expect(subjects(many(4, stale))).toEqual(['4 sources are stale']);
  expect(subjects([...many(4, stale), ...many(2, (index) => ({ kind: 'shrunk', source: `t${index}` }))])).toEqual([
    '4 sources are stale',
    '2 sources hold far less than usual',
  ]);
  const kinds = [...many(4, stale), item({ kind: 'shrunk', source: 'a' }), item({ kind: 'gone', source: 'b' })];
  expect(subjects(kinds)).toEqual(['6 problems: 4 stale, 1 gone, 1 shrunk']);
  expect(messagesOf(kinds, at)[0]!.message).toMatchObject({
    kind: 'stale',
    facts: [
      { label: 'stale (4)', value: 's0, s1, s2, s3' },
      { label: 'gone (1)', value: 'b' },
      { label: 'shrunk (1)', value: 'a' },
    ],
  });
  const over = kinds.map((one) => ({ ...one, severity: 'recovered' as const }));
  expect(subjects([...kinds, ...over])).toEqual([
    '6 problems: 4 stale, 1 gone, 1 shrunk',
    '6 problems are over: 4 stale, 1 gone, 1 shrunk',
  ]);
});

test('with room for fewer messages, more is told together, and what finds no room is not told', () => {
  expect(subjects(many(2, stale), 1)).toEqual(['2 sources are stale']);
  expect(subjects(many(3, stale), 2)).toEqual(['3 sources are stale']);
  const both = [...many(2, stale), item({ kind: 'gone', source: 'a', severity: 'recovered' })];
  expect(subjects(both, 1)).toEqual(['2 sources are stale']);
  expect(subjects(both, 0)).toEqual([]);
});

test('notifiers that fail are one message, with what each of them says', () => {
  const failed = ['mail', 'slack'].map((cause) => item({ kind: 'notifier-failed', cause }));
  const [one, ...others] = messagesOf(failed, at);

  expect(others).toEqual([]);
  expect(one!.message).toMatchObject({
    subject: '2 notifiers failed: somebody was not told',
    next: ['nightjar notify'],
    runbook: 'notifier-failed',
  });
  // all of the last one, and of the others what is the matter
  expect(one!.message.facts).toEqual([failed[0]!.message.facts[0], ...failed[1]!.message.facts]);
});

test('what they have in common is said: a cause, a server; of what is over, neither', () => {
  const of = (kind: MessageKind, more: (index: number) => Partial<Told>, severity?: Told['severity']) =>
    subjects(many(4, (index) => ({ kind, source: `s${index}`, ...(severity && { severity }), ...more(index) })))[0];

  expect(of('backup-failed', () => ({ cause: 'vault-full', on: 'db-1' }))).toBe(
    '4 sources could not be backed up: vault-full, all on db-1',
  );
  expect(of('backup-failed', (index) => ({ cause: `c${index}`, on: `db-${index}` }))).toBe(
    '4 sources could not be backed up',
  );
  expect(of('backup-failed', () => ({ cause: 'vault-full', on: 'db-1' }), 'recovered')).toBe(
    '4 sources are backed up again',
  );
  expect(of('check-failed', () => ({}))).toBe('4 sources: check-failed');
  expect(of('check-failed', () => ({}), 'recovered')).toBe('4 sources: no longer check-failed');
  expect(subjects(many(5, (index) => ({ kind: 'copy-unknown', cause: `v${index}` })))).toEqual([
    "5 further vaults can't be read: nobody knows how their copies stand",
  ]);
  expect(subjects(many(4, () => ({ kind: 'uncovered', cause: 'x' })))).toEqual([
    '4 databases of RDS are in no source: nobody backs them up here',
  ]);
});

test('few are listed with what is the matter with each, many by cause and server, with as many names as one reads', () => {
  const few = messagesOf(
    many(10, (index) => ({ ...stale(index), severity: index === 0 ? 'reminder' : 'problem' })),
    at,
  )[0]!;
  expect(few.message.facts).toHaveLength(10);
  expect(few.message.facts.slice(0, 2)).toEqual([
    { label: 's0', value: 's0 has stale (told before)' },
    { label: 's1', value: 's1 has stale' },
  ]);

  const facts = (items: WaitingMessage[]) =>
    messagesOf(items, at)[0]!.message.facts.map(({ label, value }) => `${label}: ${value}`);
  expect(facts(many(11, stale))).toEqual([
    `Sources (11): ${Array.from({ length: 11 }, (_, index) => `s${index}`).join(', ')}`,
  ]);
  const caused = many(12, (index) => ({
    ...stale(index),
    ...(index < 6 ? { cause: 'full', on: 'db-1' } : { on: 'db-2' }),
  }));
  expect(facts(caused).map((text) => text.split(':')[0])).toEqual(['full on db-1 (6)', 'on db-2 (6)']);
  const [names] = facts(many(33, stale));
  expect(names).toMatch(/^Sources \(33\): s0, .*, s29, … and 3 more$/);
  expect(facts(many(30, stale))[0]).toMatch(/, s29$/);
  expect(facts(many(31, (index) => ({ ...stale(index), cause: `c${index}` })))).toHaveLength(30);
  const long = many(20, (index) => ({ kind: 'stale', source: `${'x'.repeat(99)}${index}` }));
  expect(messagesOf(long, at)[0]!.message.facts[0]!.value).toHaveLength(1500);
});

test('a group has its gravest severity, its sources, what to do next, and a name', () => {
  const group = (...severities: WaitingMessage['severity'][]) =>
    messagesOf(
      severities.flatMap((severity) => many(4, (index) => ({ ...stale(index), severity }))),
      at,
    )[0]!;
  const { message, group: name } = group('reminder', 'problem');

  expect(message).toMatchObject({
    version: 1,
    kind: 'stale',
    severity: 'problem',
    sources: ['s0', 's1', 's2', 's3'],
    subject: '4 sources are stale',
    next: ['nightjar check'],
    runbook: 'stale',
    at: at.toISOString(),
  });
  expect(name).toBe(`${at.toISOString()} stale`);
  expect(group('reminder').message.severity).toBe('reminder');
  expect(group('recovered').message).toMatchObject({
    kind: 'recovered',
    severity: 'recovered',
    next: [],
    runbook: 'recovered',
  });
  const info = many(4, stale).map((one) => ({ ...one, message: { ...one.message, severity: 'info' as const } }));
  expect(messagesOf(info, at)[0]!.message.severity).toBe('info');
  expect(messagesOf(many(300, stale), at)[0]!.message.sources).toHaveLength(200);
});

test('what was found long before it is told says so', () => {
  const told = (minutes: number) => messagesOf([item(stale(1))], new Date(at.getTime() + minutes * 60_000))[0]!.message;

  expect(told(4.9)).toEqual(item(stale(1)).message);
  expect(told(5).at).toBe(new Date(at.getTime() + 300_000).toISOString());
  expect(told(5).facts.at(-1)).toEqual({
    label: 'Delayed',
    value: expect.stringMatching(/^written at 2026-11-2\d \d\d:\d\d UTC, and could not be told here before$/),
  });
});
