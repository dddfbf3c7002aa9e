import { BackupError } from '../../core/domain/errors.ts';
import { formatDuration } from '../../core/domain/units.ts';

export type Limits = { signal: AbortSignal; release(): void };

/** The least time for clean-up: to stop programs, remove uploads and give back the lease. */
const leastGraceMs = 5_000;

/** How long before the end of a function's time work stops: a twentieth, at least five seconds, at most half of it. */
export function graceMs(remainingMs: number): number {
  return Math.min(Math.max(leastGraceMs, remainingMs / 20), remainingMs / 2);
}

/**
 * A signal that aborts with `deadline` while there is time left to clean up, and with `aborted` when the environment is
 * shut down.
 */
export function limitsOf(what: string, remainingMs: number): Limits {
  const stop = new AbortController();
  const allowedMs = remainingMs - graceMs(remainingMs);
  const timer = setTimeout(() => stop.abort(outOfTime(what, allowedMs, remainingMs)), allowedMs);
  const onShutdown = (): void =>
    stop.abort(new BackupError('aborted', `${what} was stopped: the execution environment is being shut down`));
  process.on('SIGTERM', onShutdown);
  return {
    signal: stop.signal,
    release() {
      clearTimeout(timer);
      process.off('SIGTERM', onShutdown);
    },
  };
}

function outOfTime(what: string, allowedMs: number, remainingMs: number): BackupError {
  return new BackupError(
    'deadline',
    `${what} was stopped after ${formatDuration(allowedMs)} of the ${formatDuration(remainingMs)} that the ` +
      'function has, to clean up in the rest',
    {
      hint:
        'give the function more time (up to 15 minutes) and more memory, which brings more CPU, or run it from ' +
        'the command line',
    },
  );
}
