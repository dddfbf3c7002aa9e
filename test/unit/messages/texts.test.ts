import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { messageKinds, messageSchema } from '../../../core/contract/events/message.ts';
import { plainText, projectRunbook } from '../../../core/domain/messages/plain.ts';
import { messagesOf } from '../../../core/domain/messages/groups.ts';
import type { WaitingMessage } from '../../../core/contract/memory/outbox.ts';
import { moment } from '../../../core/domain/messages/text.ts';
import { slackPayload } from '../../../core/telling/notifiers/slack.ts';
import { snsContent } from '../../../core/telling/notifiers/sns.ts';
import { telegramText } from '../../../core/telling/notifiers/telegram.ts';
import { slackProblems } from '../../support/endpoints/slack.ts';
import { telegramProblem } from '../../support/endpoints/telegram.ts';
import { expectGolden } from '../../support/golden.ts';
import { makeSamples, samples } from './samples.ts';

const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

test.each(Object.entries(samples))(
  '%s reads as its golden files, for mail, Slack and Telegram',
  async (name, message) => {
    const { Subject } = snsContent(message);

    await expectGolden(`messages/${name}.mail.txt`, `Subject: ${Subject}\n\n${plainText(message)}`);
    await expectGolden(`messages/${name}.slack.json`, json(slackPayload(message)));
    await expectGolden(`messages/${name}.telegram.json`, json(telegramText(message)));
  },
);

test.each(Object.entries(samples))('%s fits its schema, and what Slack, Telegram and SNS take', (_, message) => {
  const { Subject, Message } = snsContent(message);

  expect(messageSchema.parse(message)).toEqual(message);
  expect(slackProblems(slackPayload(message))).toEqual([]);
  expect(telegramProblem({ chat_id: '1', ...telegramText(message) })).toBeUndefined();
  expect(Subject).toMatch(/^[!-~][ -~]{0,99}$/);
  expect(Buffer.byteLength(Message)).toBeLessThan(256 * 1024);
});

test('a message is made of what it is given, and of nothing else: made again it is the same', () => {
  expect(makeSamples()).toEqual(samples);
});

test('every kind of message has a section in the runbook, and a sample here', async () => {
  const runbook = await readFile(new URL('../../../docs/runbook.md', import.meta.url), 'utf8');
  const sections = [...runbook.matchAll(/^## (.*)$/gm)].map(([, title = '']) => title);
  const kinds = messageKinds.filter((kind) => kind !== 'fresh');

  expect(sections).toEqual(expect.arrayContaining([...kinds]));
  expect(new Set(Object.values(samples).map(({ kind }) => kind))).toEqual(new Set(kinds));
});

test('a message far too long is cut to what each service takes, and keeps what to do', () => {
  const sample = samples['stale']!;
  const long = {
    ...sample,
    subject: '🦉'.repeat(3000),
    facts: Array.from({ length: 400 }, (_, n) => ({ label: `Fact ${n}`, value: `${n} ${'🦉<&>`'.repeat(2000)}` })),
  };

  const slack = slackPayload(long);
  const telegram = telegramText(long);
  const { Subject, Message } = snsContent(long);

  expect(slackProblems(slack)).toEqual([]);
  expect(telegramProblem({ chat_id: '1', ...telegram })).toBeUndefined();
  expect(Subject.length).toBeLessThanOrEqual(100);
  expect(Buffer.byteLength(Message)).toBeLessThan(256 * 1024);
  for (const text of [JSON.stringify(slack), telegram.text, Message]) {
    expect(text).toContain('nightjar backup shop');
    expect(text.isWellFormed()).toBe(true);
  }
});

test('a name can neither mention anybody in Slack nor break out of a command', () => {
  const { blocks } = slackPayload(samples['odd-name']!);
  const markdown = JSON.stringify(blocks.filter(({ type }) => type !== 'header')).replace(
    /"type":"plain_text","text":"[^"]*"/g,
    '',
  );

  expect(markdown).not.toContain('<!channel>');
  expect(samples['odd-name']!.next[0]).toBe(`nightjar check 'Café <!channel> & '\\''co'\\'' \`x\` 北京 *b* _i_'`);
});

test.each([
  ['Europe/Berlin', '2026-11-20 03:00 Europe/Berlin, 02:00 UTC'],
  ['America/Los_Angeles', '2026-11-19 18:00 America/Los_Angeles, 2026-11-20 02:00 UTC'],
  ['Asia/Kathmandu', '2026-11-20 07:45 Asia/Kathmandu, 02:00 UTC'],
  ['Europe/London', '2026-11-20 02:00 UTC'],
  ['UTC', '2026-11-20 02:00 UTC'],
])('a moment in %s: their own clock first, UTC behind it, once where they are the same', (zone, expected) => {
  expect(moment(new Date('2026-11-20T02:00:00Z'), zone)).toBe(expected);
});

test('a message links the runbook where its readers have it', () => {
  const link = 'https://wiki.example.com/runbook.md#stale';
  const message = { ...samples['stale']!, link };

  expect([plainText(message), telegramText(message).text, JSON.stringify(slackPayload(message))]).toEqual(
    Array(3).fill(expect.stringContaining(link)),
  );
  expect(projectRunbook({ version: '1.2.3', repository: { url: 'git+https://github.com/acme/nightjar.git' } })).toBe(
    'https://github.com/acme/nightjar/blob/v1.2.3/docs/runbook.md',
  );
  expect([
    projectRunbook({ version: '1.2.3' }),
    projectRunbook({ version: '1.2.3', repository: 'https://git.example.com/nightjar' }),
  ]).toEqual([undefined, undefined]);
});

const stale = (count: number): WaitingMessage[] =>
  Array.from({ length: count }, (_, index) => ({
    severity: 'problem',
    alert: {
      source: `s${index}`,
      kind: index % 5 === 0 ? 'shrunk' : 'stale',
      since: samples['stale']!.at,
      told: samples['stale']!.at,
    },
    message: samples['stale']!,
  }));

test.each([
  [1, 1],
  [3, 3],
  [4, 2],
  [4000, 2],
])('%d things are %d messages, and each of them is in one', (count, messages) => {
  const envelopes = messagesOf(stale(count), new Date(samples['stale']!.at));

  expect(envelopes).toHaveLength(messages);
  expect(envelopes.flatMap(({ items }) => items)).toHaveLength(count);
  for (const { message } of envelopes) {
    expect(slackProblems(slackPayload(message))).toEqual([]);
    expect(telegramProblem({ chat_id: '1', ...telegramText(message) })).toBeUndefined();
    expect(Buffer.byteLength(snsContent(message).Message)).toBeLessThan(256 * 1024);
  }
});
