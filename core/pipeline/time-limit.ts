import { abortError } from '../domain/errors.ts';
import type { BackupError } from '../domain/errors.ts';

/**
 * Does work with a time limit. At the limit, or when `signal` aborts, the work is told to stop and no longer waited
 * for, whether it listens or not. Throws `late`.
 */
export async function withTimeLimit<T>(
  ms: number,
  late: BackupError,
  work: (stop: AbortSignal) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const own = new AbortController();
  const stop = AbortSignal.any([signal, own.signal]);
  const timer = setTimeout(() => own.abort(late), ms);
  const stopped = Promise.withResolvers<never>();
  const stopWaiting = (): void => stopped.reject(abortError(stop));
  stop.addEventListener('abort', stopWaiting, { once: true });
  if (stop.aborted) stopWaiting();
  try {
    return await Promise.race([work(stop), stopped.promise]);
  } finally {
    clearTimeout(timer);
    stop.removeEventListener('abort', stopWaiting);
  }
}
