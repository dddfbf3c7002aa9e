import type { RunHost } from '../../core/telling/run-and-report.ts';
import { ourError } from '../../core/domain/errors.ts';
import type { FailureCode } from '../../core/domain/errors.ts';
import type { Output } from './text/output.ts';

const limitMs = 90_000;
/** Whoever has asked us to stop does not wait for long. */
const stoppingMs = 15_000;

/**
 * What the command line is to a run that is told. A slip of who types is shown to them, and alarms nobody; nor does
 * Ctrl-C where somebody looks.
 */
export function commandLine(
  run: string,
  out: Output,
  signal: AbortSignal,
): Pick<RunHost, 'run' | 'explain' | 'unalarming' | 'limit'> {
  const unalarming: FailureCode[] = [
    'lease-held',
    'input-invalid',
    ...(out.watched ? (['aborted', 'config-invalid'] as const) : []),
  ];
  return {
    run,
    explain: ourError,
    unalarming,
    limit: () => AbortSignal.timeout(signal.aborted ? stoppingMs : limitMs),
  };
}
