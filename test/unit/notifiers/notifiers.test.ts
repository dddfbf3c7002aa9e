import { messageOf } from '../../../core/domain/errors.ts';
import { createHmac } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { feed } from '../../../core/pipeline/feed.ts';
import { commandNotifier } from '../../../core/telling/notifiers/command.ts';
import { slackNotifier } from '../../../core/telling/notifiers/slack.ts';
import { telegramNotifier } from '../../../core/telling/notifiers/telegram.ts';
import { webhookNotifier } from '../../../core/telling/notifiers/webhook.ts';
import { samples } from '../messages/samples.ts';
import { startEndpoint } from '../../support/endpoints/endpoint.ts';
import { startSlack } from '../../support/endpoints/slack.ts';
import { answer, startTelegram } from '../../support/endpoints/telegram.ts';

const message = samples['stale']!;
const signal = (): AbortSignal => AbortSignal.timeout(20_000);
const is = (value: string) => async (): Promise<string> => value;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-notifiers-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('Slack takes every message there is', async () => {
  const slack = await startSlack();
  const notifier = slackNotifier(is(slack.webhook));

  for (const sample of Object.values(samples)) await notifier.notify(sample, signal());

  expect(slack.accepted).toHaveLength(Object.keys(samples).length);
  await slack.stop();
});

test('Telegram takes every message there is', async () => {
  const telegram = await startTelegram();
  const notifier = telegramNotifier({ token: is(telegram.token), chat: telegram.chat, api: telegram.url });

  for (const sample of Object.values(samples)) await notifier.notify(sample, signal());

  expect(telegram.accepted).toHaveLength(Object.keys(samples).length);
  await telegram.stop();
});

test('Telegram says what is wrong, and that a chat has moved; its token is never shown', async () => {
  const telegram = await startTelegram();
  const notifier = (token: string) => telegramNotifier({ token: is(token), chat: telegram.chat, api: telegram.url });
  telegram.refusals.push(
    answer(400, 'Bad Request: group chat was upgraded to a supergroup chat', { migrate_to_chat_id: -1009 }),
  );

  const moved = notifier(telegram.token).notify(message, signal());
  await expect(moved).rejects.toMatchObject({
    message: expect.stringContaining('(the chat is -1009 now: write that into the configuration)'),
  });
  const revoked: unknown = await notifier('999:revoked-t0k3n')
    .notify(message, signal())
    .catch((reason: unknown) => reason);
  expect(revoked).toMatchObject({
    code: 'notify-failed',
    message: `telegram ${telegram.chat} answered 401: Unauthorized (not tried again)`,
  });
  expect(JSON.stringify(revoked)).not.toContain('t0k3n');
  await expect(notifier('a token/../with a path').notify(message, signal())).rejects.toMatchObject({
    message: expect.not.stringContaining('path'),
  });
  await telegram.stop();
});

test.each([
  'http://hooks.example.com/T0/sEcReT',
  'ftp://127.0.0.1/sEcReT',
  'https://user:sEcReT@hooks.example.com/',
  'sEcReT',
])('an address that is no https URL is refused without being shown: %s', async (url) => {
  const refused: unknown = await slackNotifier(is(url))
    .notify(message, signal())
    .catch((reason: unknown) => reason);

  expect(refused).toMatchObject({ code: 'notify-failed', message: 'the address of slack is no https URL' });
  expect(JSON.stringify(refused)).not.toContain('sEcReT');
});

test('a webhook is signed as docs/alerts.md says, anew for each attempt: the code that stands there accepts it', async () => {
  const text = await readFile(new URL('../../../docs/alerts.md', import.meta.url), 'utf8');
  const [, code = ''] = /```js\n([\s\S]*?)```/.exec(text) ?? [];
  await writeFile(join(folder, 'documented.mjs'), code);
  const { isFromNightjar } = (await import(join(folder, 'documented.mjs'))) as {
    isFromNightjar(headers: object, body: string, key: string, now?: number): boolean;
  };
  const endpoint = await startEndpoint(() => ({ status: 200 }));
  endpoint.refusals.push({ status: 503, headers: { 'retry-after': '0' } });
  let seconds = Math.floor(Date.now() / 1000);
  const clock = { now: () => new Date((seconds += 7) * 1000) };

  await webhookNotifier({ name: 'webhook pager', url: is(endpoint.url), key: is('key'), clock }).notify(
    message,
    signal(),
  );

  const [first, second] = endpoint.received;
  expect(JSON.parse(second!.body)).toEqual(message);
  expect([first, second].map((one) => isFromNightjar(one!.headers, one!.body, 'key'))).toEqual([true, true]);
  expect(second!.headers['nightjar-timestamp']).toBe(String(seconds));
  expect(second!.headers['nightjar-signature']).toBe(
    `v1=${createHmac('sha256', 'key').update(`${seconds}.${second!.body}`).digest('hex')}`,
  );
  expect(second!.headers['nightjar-delivery']).toBe(first!.headers['nightjar-delivery']);
  expect(isFromNightjar(second!.headers, `${second!.body} `, 'key')).toBe(false);
  expect(isFromNightjar(second!.headers, second!.body, 'other')).toBe(false);
  expect(isFromNightjar(second!.headers, second!.body, 'key', Date.now() + 600_000)).toBe(false);
  await endpoint.stop();
});

test('a command gets the message on standard input, its arguments as they are, and none of our secrets', async () => {
  process.env['NIGHTJAR_TEST_SECRET'] = 'hunter2';
  const script =
    `const fs = require('node:fs'); fs.writeFileSync(process.argv[1], JSON.stringify({ input: fs.readFileSync(0, ` +
    `'utf8'), args: process.argv.slice(2), env: process.env }))`;
  const out = join(folder, 'seen.json');

  await commandNotifier({
    program: process.execPath,
    args: ['-e', script, out, '$(touch x); `y` "z"', ''],
    env: { PATH: '/usr/bin' },
  }).notify(message, signal());

  const seen = JSON.parse(await readFile(out, 'utf8')) as {
    input: string;
    args: string[];
    env: Record<string, string>;
  };
  expect(JSON.parse(seen.input)).toEqual(message);
  expect(seen.input.indexOf('\n')).toBe(seen.input.length - 1);
  expect(seen.args).toEqual(['$(touch x); `y` "z"', '']);
  expect(JSON.stringify(seen.env)).not.toContain('hunter2');
});

test('a command that fails is a failure, and its last words stay here; one that reads nothing is none', async () => {
  const heard: string[] = [];
  const command = (script: string) =>
    commandNotifier({ program: process.execPath, args: ['-e', script], env: {}, said: (line) => heard.push(line) });

  await expect(
    command('console.error("no route to pager"); process.exit(3)').notify(message, signal()),
  ).rejects.toMatchObject({
    code: 'notify-failed',
    message: 'node failed with exit status 3',
  });
  expect(heard).toEqual(['node: no route to pager']);
  await expect(
    commandNotifier({ program: join(folder, 'absent'), args: [], env: {} }).notify(message, signal()),
  ).rejects.toMatchObject({ code: 'notify-failed', message: expect.stringContaining('could not be started') });
  await command('process.exit(0)').notify(message, signal());
});

test('a command that does not end is stopped with all that it has started', async () => {
  const pids = join(folder, 'pids');
  const script = `trap '' TERM; sleep 300 & echo $! > ${pids}; (trap '' TERM; exec sleep 300) & echo $! >> ${pids}; sleep 300`;

  await expect(
    feed({ program: '/bin/sh', args: ['-c', script], env: {} }, message, 'notify-failed', signal(), 1500),
  ).rejects.toMatchObject({ message: expect.stringContaining('was stopped') });

  const isAlive = async (pid: string) =>
    /State:\s+[^Z]/.test(await readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''));
  const started = (await readFile(pids, 'utf8')).trim().split('\n');
  expect(started).toHaveLength(2);
  while ((await Promise.all(started.map(isAlive))).includes(true)) await wait(20);
}, 30_000);

const page = {
  status: 200,
  headers: { 'content-type': 'text/html; charset=utf-8' },
  body: '<!DOCTYPE html><html><title>Log in</title></html>',
};
const json = (value: unknown) => ({
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(value),
});
const redirect = { status: 302, headers: { location: 'https://login.example.com/' } };

test.each([
  ['Slack', 'a login page', page, /answered 200: .* and not "ok"/],
  ['Slack', 'nothing', { status: 200 }, /answered 200 and not "ok"/],
  ['Slack', 'another word', { status: 200, body: 'no_active_hooks' }, /answered 200: no_active_hooks and not "ok"/],
  ['Slack', 'a redirect to a login', redirect, /answered 302/],
  [
    'Telegram',
    'ok: false',
    json({ ok: false, error_code: 403, description: 'Forbidden: bot was kicked' }),
    /answered 200: Forbidden: bot was kicked \(without "ok": true\)/,
  ],
  ['Telegram', 'a login page', page, /answered 200: .* \(which the Bot API never does\)/],
  ['Telegram', 'null', json(null), /answered 200/],
  ['a webhook', 'a login page', page, /answered 200: .* \(a page for people/],
  [
    'a webhook',
    'a page that says it is text',
    { ...page, headers: { 'content-type': 'text/plain' } },
    /a page for people/,
  ],
  [
    'a webhook',
    'ok: false',
    json({ ok: false, error: 'unknown routing key' }),
    /unknown routing key.*\(which says no\)/,
  ],
  ['a webhook', 'success: false', json({ success: false }), /\(which says no\)/],
  ['a webhook', 'a redirect to a login', redirect, /answered 302/],
])('%s that answers %s has told nobody', async (to, _, reply, why) => {
  const endpoint = await startEndpoint(() => reply);
  const notifiers = {
    Slack: slackNotifier(is(endpoint.url)),
    Telegram: telegramNotifier({ token: is('1:abc'), chat: '-1', api: endpoint.url }),
    'a webhook': webhookNotifier({
      name: 'webhook',
      url: is(endpoint.url),
      key: is('key'),
      clock: { now: () => new Date() },
    }),
  };

  await expect(notifiers[to as keyof typeof notifiers].notify(message, signal())).rejects.toMatchObject({
    code: 'notify-failed',
    message: expect.stringMatching(why),
  });
  expect(endpoint.received).toHaveLength(1);
  await endpoint.stop();
});

test('what the other side repeats of the address is not shown, and our own words stay whole', async () => {
  const answers = [page, { status: 404, body: `no route /login?k=abcd ${'x'.repeat(170)} /login?k=abcd` }];
  const endpoint = await startEndpoint(() => answers.shift()!);
  const webhook = webhookNotifier({
    name: 'webhook',
    url: is(`${endpoint.url}/login?k=abcd`),
    key: is('key'),
    clock: { now: () => new Date() },
  });
  const said = async () => messageOf(await webhook.notify(message, signal()).catch((error: unknown) => error));

  expect(await said()).toContain('or is a login in front of it?');
  expect(await said()).toMatch(/^webhook answered 404: no route \/\*\*\*\?\*\*\* x+ [^a-z]*\(not tried again\)$/);
  await endpoint.stop();
});

test.each([
  ['no content', { status: 204 }],
  ['nothing', { status: 200 }],
  ['a word', { status: 202, body: 'Accepted' }],
  ['JSON', json({ ok: true, id: 7 })],
  ['JSON cut short', { status: 200, body: '{"ok": fal' }],
  ['JSON with a no somewhere inside', json({ data: { ok: false } })],
])('a webhook that answers %s has it', async (_, reply) => {
  const endpoint = await startEndpoint(() => reply);

  await webhookNotifier({
    name: 'webhook',
    url: is(endpoint.url),
    key: is('key'),
    clock: { now: () => new Date() },
  }).notify(message, signal());

  await endpoint.stop();
});

test('notifiers are told apart by their addresses, those of one name too', async () => {
  const addresses = await Promise.all(
    [
      slackNotifier(is('https://hooks.example.com/a')),
      slackNotifier(is('https://hooks.example.com/b')),
      telegramNotifier({ token: is('1:a'), chat: '-1', api: 'https://api.telegram.org' }),
      telegramNotifier({ token: is('1:a'), chat: '-2', api: 'https://api.telegram.org' }),
      commandNotifier({ program: '/bin/mail', args: ['a'], env: {} }),
      commandNotifier({ program: '/bin/mail', args: ['b'], env: {} }),
    ].map((one) => one.address!(signal())),
  );

  expect(new Set(addresses).size).toBe(6);
});
