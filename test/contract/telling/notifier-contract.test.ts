import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openNotifier } from '../../../core/telling/notifiers/index.ts';
import type { NotifierConfig } from '../../../core/contract/config/notify.ts';
import type { Notifier } from '../../../core/ports.ts';
import { samples } from '../../unit/messages/samples.ts';
import { startEndpoint } from '../../support/endpoints/endpoint.ts';
import type { Endpoint } from '../../support/endpoints/endpoint.ts';
import { endsSoon } from '../../support/turns.ts';

const secret = 'sEcReT0123456789';
const before = process.env;
let endpoint: Endpoint;
let silent: Endpoint;
let folder: string;

const kinds = ['sns', 'slack', 'telegram', 'webhook', 'command'] as const;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-contract-'));
  endpoint = await startEndpoint(() => ({ status: 403, body: `refused ${secret}` }));
  silent = await startEndpoint(() => ({ status: 0 }));
  process.env = { ...before, AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE', AWS_SECRET_ACCESS_KEY: secret };
});
afterAll(async () => {
  process.env = before;
  await Promise.all([endpoint.stop(), silent.stop(), rm(folder, { recursive: true, force: true })]);
});

/** A notifier of the configuration that sends to this place; a command fails or never ends, as the place does. */
function notifier(kind: (typeof kinds)[number], to: Endpoint): Notifier {
  process.env['AWS_ENDPOINT_URL_SNS'] = to.url;
  const script = to === silent ? 'setInterval(() => {}, 1000)' : 'process.exit(4)';
  const reference = (env: string) => ({ env });
  const configs: Record<(typeof kinds)[number], NotifierConfig> = {
    sns: { sns: 'arn:aws:sns:eu-west-1:123456789012:alerts' },
    slack: { slack: reference('URL') },
    telegram: { telegram: { token: reference('TOKEN'), chat: '-1001', api: to.url } },
    webhook: { webhook: { url: reference('URL'), key: reference('KEY') } },
    command: { command: [process.execPath, '-e', script] },
  };
  const values: Record<string, string> = { URL: `${to.url}/${secret}`, TOKEN: `1:${secret}`, KEY: secret };
  return openNotifier(configs[kind], {
    clock: { now: () => new Date() },
    secret: async (from) => ('env' in from ? (values[from.env] ?? '') : ''),
    command: ([program = '', ...args]) => ({ program, args, env: {} }),
  });
}

test.each(kinds)('%s: refused is a failure, which shows no secret', async (kind) => {
  const one = notifier(kind, endpoint);

  const error = (await one
    .notify(samples['stale']!, AbortSignal.timeout(20_000))
    .catch((reason: unknown) => reason)) as Error;

  expect(error).toMatchObject({ code: 'notify-failed', hint: expect.any(String) });
  expect(`${one.name} ${error.message}`).not.toContain(secret);
});

test.each(kinds)('%s: asked to stop before it begins, it sends nothing', async (kind) => {
  const sent = endpoint.received.length;

  await expect(notifier(kind, endpoint).notify(samples['stale']!, AbortSignal.abort())).rejects.toMatchObject({
    code: 'aborted',
  });
  expect(endpoint.received).toHaveLength(sent);
});

test.each(kinds)('%s: asked to stop while it waits, it stops', async (kind) => {
  const stop = AbortSignal.timeout(300);
  const sent = notifier(kind, silent)
    .notify(samples['stale']!, stop)
    .catch((error: unknown) => error);
  await Promise.race([once(stop, 'abort'), sent]);

  // its own limit for an answer is ten seconds
  expect(await endsSoon(sent)).toBe(true);
  expect(await sent).toMatchObject({ code: 'aborted' });
});
