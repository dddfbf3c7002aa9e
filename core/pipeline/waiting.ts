import { abortError, type BackupError } from '../domain/errors.ts';
import type { ByteStream } from '../ports.ts';

/**
 * The same stream, except that it throws as soon as the signal aborts, even while its source gives nothing. Tells the
 * source to end, but does not wait for one that is in the middle of a read, because it may hang there.
 */
export async function* interruptible(body: ByteStream, signal: AbortSignal): ByteStream {
  const source = body[Symbol.asyncIterator]();
  let state: 'reading' | 'paused' | 'ended' = 'paused';
  // One listener and one fresh promise per chunk: racing a promise that lives as long as the stream would keep every
  // chunk's race.
  let interrupt: (() => void) | undefined;
  const onAbort = () => interrupt?.();
  signal.addEventListener('abort', onAbort);
  try {
    for (;;) {
      if (signal.aborted) throw abortError(signal);
      state = 'reading';
      const { promise, resolve, reject } = Promise.withResolvers<IteratorResult<Uint8Array>>();
      interrupt = () => reject(abortError(signal));
      source.next().then(resolve, (error) => {
        state = 'ended';
        reject(error);
      });
      const next = await promise;
      state = next.done === true ? 'ended' : 'paused';
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    const told = (state as string) === 'ended' ? undefined : source.return?.().catch(() => undefined);
    if (state === 'paused') await told;
  }
}

/** The result of `work`, or the signal's error if it aborts first. */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(abortError(signal));
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort);
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Sleeps, or throws the signal's error as soon as it aborts. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  try {
    await untilAborted(promise, signal);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Runs `work` with a signal that aborts `graceMs` after the given one, and after `limitMs` with the error `late`: for a
 * short write whose outcome must be known even after an abort.
 */
export async function withGrace<T>(
  { graceMs, limitMs, late }: { graceMs: number; limitMs: number; late: BackupError },
  work: (signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  if (signal.aborted) throw abortError(signal);
  const stop = new AbortController();
  const limit = setTimeout(() => stop.abort(late), limitMs);
  let grace: NodeJS.Timeout | undefined;
  const onAbort = () => {
    grace = setTimeout(() => stop.abort(abortError(signal)), graceMs);
  };
  signal.addEventListener('abort', onAbort);
  try {
    return await work(stop.signal);
  } finally {
    signal.removeEventListener('abort', onAbort);
    clearTimeout(limit);
    clearTimeout(grace);
  }
}
