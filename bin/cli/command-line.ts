import type { RunHost } from '../../core/telling/run-and-report.ts';
import { ourError } from '../../core/domain/errors.ts';
import type { FailureCode } from '../../core/domain/errors.ts';
import type { Output } from './text/output.ts';

const limitMs = 90_000;
/** After an abort the user does not wait for long. */
const stoppingMs = 15_000;

/**
 * What reporting a run needs of the command line. Mistakes of the user are shown and alert nobody; nor does Ctrl-C at a
 * terminal.
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
