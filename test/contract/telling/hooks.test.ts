import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HookConfig } from '../../../core/contract/config/notify.ts';
import type { RunEnded } from '../../../core/contract/events/run-ended.ts';
import type { Hook } from '../../../core/ports.ts';
import { openHook } from '../../../core/telling/hooks/index.ts';
import { startEndpoint } from '../../support/endpoints/endpoint.ts';
import type { Endpoint, Reply } from '../../support/endpoints/endpoint.ts';
import { hookContract } from './hook-contract.ts';
import type { HookUnderTest } from './hook-contract.ts';

const secret = 'sEcReT0123456789';

/** Every kind of hook that a configuration can name. */
const kinds: Record<Exclude<keyof HookConfig, 'on'>, () => Promise<HookUnderTest>> = {
  command: commandUnderTest,
  heartbeat: heartbeatUnderTest,
  eventBus: eventBusUnderTest,
};
for (const [kind, make] of Object.entries(kinds)) hookContract(kind, make);

function ended(verb: RunEnded['verb'], status: RunEnded['status'], word: string): RunEnded {
  const error = status === 'failed' ? { code: 'dump-failed', message: word } : undefined;
  return {
    version: 1,
    verb,
    status,
    run: 'run-1',
    vault: '/vault',
    at: '2026-03-29T01:30:00.000Z',
    seconds: 2,
    ...(error && { error }),
  };
}

function opened(config: HookConfig, url = ''): Hook {
  return openHook(config, {
    secret: async () => url,
    command: ([program = '', ...args]) => ({ program, args, env: {} }),
  });
}

/** A hook that calls a web address. */
type WebHook = Pick<HookUnderTest, 'wanted' | 'unwanted' | 'reads' | 'secret'> & {
  to(endpoint: Endpoint): Hook;
  taking: Reply;
  refusing: Reply;
};

async function webUnderTest({ to, taking, refusing, ...rest }: WebHook): Promise<HookUnderTest> {
  const replies = [taking, refusing, { status: 0 }];
  const endpoints = await Promise.all(replies.map((reply) => startEndpoint(() => reply)));
  const [taker, refuser, silent] = endpoints as [Endpoint, Endpoint, Endpoint];
  return {
    ...rest,
    hook: to(taker),
    refused: to(refuser),
    unanswered: to(silent),
    taken: async () => taker.received.map(({ body }) => body),
    close: async () => void (await Promise.all(endpoints.map((endpoint) => endpoint.stop()))),
  };
}

function heartbeatUnderTest(): Promise<HookUnderTest> {
  return webUnderTest({
    to: ({ url }) => opened({ heartbeat: { env: 'URL' } }, `${url}/${secret}`),
    taking: { status: 200 },
    refusing: { status: 404, body: `no check ${secret}` },
    wanted: (word) => ({ ...ended('check', 'succeeded', word), seconds: [...word].length }),
    unwanted: ended('backup', 'succeeded', ''),
    reads: ({ seconds }) => `check succeeded after ${seconds} s`,
    secret,
  });
}

async function eventBusUnderTest(): Promise<HookUnderTest> {
  const before = { ...process.env };
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE', AWS_SECRET_ACCESS_KEY: secret });
  const wanted = (word: string) => ended('backup', 'failed', word);
  const under = await webUnderTest({
    to: (endpoint) => aimed(opened({ eventBus: 'runs', on: ['failed'] }), endpoint),
    taking: { status: 200, body: JSON.stringify({ FailedEntryCount: 0, Entries: [{ EventId: '1' }] }) },
    refusing: { status: 200, body: JSON.stringify({ FailedEntryCount: 1, Entries: [{ ErrorCode: 'Throttled' }] }) },
    wanted,
    unwanted: ended('backup', 'succeeded', ''),
    // the detail of an entry is JSON in JSON
    reads: (event) => JSON.stringify(JSON.stringify(event)),
    secret,
  });
  return {
    ...under,
    async close() {
      process.env = before;
      await under.close();
    },
  };
}

/** The client of an event bus asks the environment where it is, when it is made. */
function aimed(hook: Hook, { url }: Endpoint): Hook {
  return {
    ...hook,
    call(event, signal) {
      Object.assign(process.env, { AWS_ENDPOINT_URL_EVENTBRIDGE: url, AWS_REGION: 'eu-west-1' });
      return hook.call(event, signal);
    },
  };
}

async function commandUnderTest(): Promise<HookUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-hooks-'));
  // a file of its own for each call, in their order
  const taking = `
    const name = String(process.hrtime.bigint()).padStart(24, '0') + '-' + process.pid;
    process.stdin.pipe(require('fs').createWriteStream(process.argv[1] + '/' + name));`;
  const running = (script: string): Hook =>
    opened({ command: [process.execPath, '-e', script, folder], on: ['failed'] });
  return {
    hook: running(taking),
    refused: running('process.stdin.resume().on("end", () => process.exit(4))'),
    unanswered: running('setInterval(() => {}, 1000)'),
    wanted: (word) => ended('backup', 'failed', word),
    unwanted: ended('backup', 'succeeded', ''),
    async taken() {
      const names = (await readdir(folder)).toSorted();
      return Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
    },
    reads: (event) => JSON.stringify(event),
    secret: undefined,
    close: () => rm(folder, { recursive: true }),
  };
}
