import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerProcess } from './process.ts';

const everyMs = 40;

/**
 * Repeats `probe` until it succeeds; fails with the server's last words when the server ends first or `limitMs` is
 * over.
 */
export async function untilReady<Answer>(
  what: string,
  server: ServerProcess,
  probe: () => Promise<Answer>,
  limitMs: number,
  signal: AbortSignal,
): Promise<Answer> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
  for (;;) {
    const outcome = await probe().then(
      (answer) => ({ answer }),
      (error: unknown) => ({ error }),
    );
    if ('answer' in outcome) return outcome.answer;
    if (!server.running())
      throw new Error(`${what} ended while starting:\n${server.lastWords()}`, { cause: outcome.error });
    if (limit.aborted)
      throw new Error(`${what} is not ready after ${limitMs} ms:\n${server.lastWords()}`, { cause: outcome.error });
    await sleep(everyMs);
  }
}
