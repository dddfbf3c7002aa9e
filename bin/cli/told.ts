import { toldRun } from '../../core/commands/told-run.ts';
import type { Run } from '../../core/commands/told-run.ts';
import type { BackupError } from '../../core/domain/errors.ts';
import { commandLine } from './command-line.ts';
import type { Session } from './session.ts';

/** Does a run's work and tells everybody how it ended (core/commands/told-run.ts). */
export function told<R extends object>(run: Run, work: () => Promise<R>, resultOf: (result: R) => object, { nightjar, out }: Session, signal: AbortSignal, failureOf?: (result: R) => BackupError | undefined): Promise<R> {
  const { notifiers, hooks, clock, vault, identity } = nightjar;
  return toldRun(run, work, resultOf, { notifiers, hooks, clock, place: vault.place, vault: () => vault, settings: (source) => (nightjar.sourceNames.includes(source) ? nightjar.settings(source) : undefined), ...commandLine(identity.run, out, signal) }, failureOf);
}
