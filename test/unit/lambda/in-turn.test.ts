import { expect, test } from '@jest/globals';
import { inTurn } from '../../../functions/host/in-turn.ts';
import type { RunHost } from '../../../core/telling/run-and-report.ts';
import { BackupError, isBackupError } from '../../../core/domain/errors.ts';
import { openStore } from '../../../core/store/store.ts';
import type { Store } from '../../../core/store/store.ts';
import { emptyState, memoryVault } from '../../support/vaults/memory-vault.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import type { Message } from '../../../core/contract/events/message.ts';

type Turn = 'good' | 'bad' | 'cut';

/** A server whose databases end so, on a function whose time is over (`cut`) at the beginning of a turn, or within it. */
async function night(
  turns: Record<string, Turn>,
  { failures = [], spent = 0.5, store }: { failures?: unknown[]; spent?: number; store?: Store } = {},
) {
  const told: Message[] = [];
  const hooked: string[] = [];
  const stop = new AbortController();
  const host: RunHost = {
    notifiers: [
      {
        name: 'mail',
        address: async () => 'a',
        async notify(message) {
          told.push(message);
        },
      },
    ],
    hooks: [
      {
        name: 'hook',
        wants: () => true,
        async call({ source, status }) {
          hooked.push(`${source} ${status}`);
        },
      },
    ],
    clock: { now: () => new Date('2026-11-29T02:00:00Z') },
    place: 'memory',
    sourceNames: ['main-globals'],
    run: 'r',
    store: () => store,
    explain: (error) => (isBackupError(error) ? error : new BackupError('internal', String(error))),
    unalarming: ['lease-held'],
    limit: () => AbortSignal.timeout(5_000),
  };
  const names = Object.keys(turns).map((name) => `main.${name}` as SourceName);
  const worked: string[] = [];
  const answer = await inTurn(
    {
      run: { verb: 'backup', source: 'main' as SourceName },
      host,
      look: async () => ({ sources: names, failures }),
      async work(source) {
        worked.push(source);
        const how = turns[source.slice('main.'.length)];
        if (how === 'bad') throw new BackupError('dump-failed', `${source} can't be dumped`);
        if (how === 'cut') {
          stop.abort(new BackupError('deadline', 'time is over'));
          throw new BackupError('deadline', 'time is over');
        }
        return { status: 'stored', source };
      },
      runOf: (source) => `run of ${source}`,
      failureOf: () => undefined,
      ended: () => undefined,
      spent: () => spent,
    },
    stop.signal,
  ).catch((error: unknown) => error);
  const severities = told.map(({ source, severity }) => `${source} ${severity}`);
  return { answer, told: told.map(({ source, subject }) => `${source}: ${subject}`), severities, hooked, worked };
}

test('each has its turn, and each tells by itself how it has ended; the server has ended well when all have', async () => {
  const { answer, told, hooked } = await night({ a: 'good', b: 'good' });

  expect(answer).toEqual({ status: 'in turn', source: 'main', done: ['main.a', 'main.b'], failed: [], left: [] });
  expect(told).toEqual([]);
  expect(hooked).toEqual(['main.a succeeded', 'main.b succeeded', 'main succeeded']);
});

test('a look that had failed is over with the next that goes well, though a database fails', async () => {
  const store = openStore(memoryVault(emptyState()));
  const unseen = new BackupError('source-unreachable', 'the server can’t be reached');

  const first = await night({ a: 'good' }, { failures: [unseen], store });
  const second = await night({ a: 'bad' }, { store });

  expect([first.severities, second.severities]).toEqual([['main problem'], ['main recovered', 'main.a problem']]);
});

test('one that fails keeps no other from its turn, is told once, and fails the run', async () => {
  const { answer, told, hooked } = await night({ a: 'bad', b: 'good' });

  expect(answer).toMatchObject({ code: 'dump-failed', message: expect.stringContaining("main.a can't be dumped") });
  expect(told).toEqual([expect.stringContaining('main.a')]);
  expect(hooked).toEqual(['main.a failed', 'main.b succeeded', 'main failed']);
});

test('what time cuts off is left with what is behind it, alarms nobody, and fails the run, so that it is attempted again', async () => {
  const { answer, told, worked } = await night({ a: 'good', b: 'cut', c: 'good' });

  expect(answer).toMatchObject({
    code: 'deadline',
    message: 'main: time was over when 1 of 3 databases had had their turn; left: main.b, main.c',
  });
  expect(worked).toEqual(['main.a', 'main.b']);
  expect(told).toEqual([]);
});

test('one that had all the time there is, and was cut off, has failed, and is told', async () => {
  const { answer, told } = await night({ a: 'cut', b: 'good' }, { spent: 0.01 });

  expect(told).toEqual([expect.stringContaining('main.a')]);
  expect(answer).toMatchObject({
    message: 'main: time was over when 1 of 2 databases had had their turn; left: main.b',
  });
});

test('a look that failed is told as the server’s, beside what is wrong with a database', async () => {
  const unseen = new BackupError('source-unreachable', 'the server is not there');

  const { answer, told, worked } = await night({ a: 'good' }, { failures: [unseen] });

  expect(worked).toEqual(['main.a']);
  expect(answer).toMatchObject({ code: 'source-unreachable' });
  expect(told).toEqual([expect.stringContaining('main: ')]);
});
