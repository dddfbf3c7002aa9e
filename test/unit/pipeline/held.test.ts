import { expect, test } from '@jest/globals';
import { BackupError } from '../../../core/domain/errors.ts';
import { whileHeld } from '../../../core/pipeline/held.ts';

/** Work that goes on until it is told to stop. */
const untilStopped = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
const never = () => new AbortController().signal;

test('work on a plan that has to give way ends at once, with the reason', async () => {
  const over = new AbortController();
  const why = new BackupError('lock-timeout', 'session 7 has waited for long');
  const working = whileHeld({ over: over.signal }, untilStopped, never());

  over.abort(why);

  await expect(working).rejects.toBe(why);
});

test('work on a plan ends when the run is stopped, whether or not the plan can end by itself', async () => {
  for (const plan of [{}, { over: never() }]) {
    const stop = new AbortController();
    const working = whileHeld(plan, untilStopped, stop.signal);

    stop.abort(new BackupError('deadline', 'the time is over'));

    await expect(working).rejects.toMatchObject({ code: 'deadline' });
  }
});

test('a failure is told as the holder of the plan explains it, and as it is where it explains nothing', async () => {
  const died = new BackupError('dump-failed', 'psql: the snapshot does not exist');
  const cause = new BackupError('source-unreachable', 'the server was shut down');
  const failing = () => Promise.reject(died);

  await expect(whileHeld({}, failing, never())).rejects.toBe(died);
  await expect(whileHeld({ explain: async () => cause }, failing, never())).rejects.toBe(cause);
  await expect(whileHeld({ explain: async (error) => error }, failing, never())).rejects.toBe(died);
  await expect(whileHeld({ explain: async () => cause }, async () => 'done', never())).resolves.toBe('done');
});
