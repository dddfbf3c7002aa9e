import { notifyGathered, runAndReport } from '../../core/telling/run-and-report.ts';
import type { Gathering, ReportedRun, RunHost } from '../../core/telling/run-and-report.ts';
import type { BackupError } from '../../core/domain/errors.ts';
import { commandLine } from './command-line.ts';
import type { CommandOutcome } from './text/output.ts';
import type { CommandSession } from './session.ts';

/** Does a run's work and reports how it ended (core/telling/run-and-report.ts). */
export function told<R extends object>(
  run: ReportedRun,
  work: () => Promise<R>,
  resultOf: (result: R) => object,
  session: CommandSession,
  signal: AbortSignal,
  failureOf?: (result: R) => BackupError | undefined,
): Promise<R> {
  return runAndReport(run, work, resultOf, hostOf(session, signal), failureOf);
}

/** Does a command with several runs: if many of them fail, that is reported together at its end. */
export async function toldTogether(
  work: (session: CommandSession) => Promise<CommandOutcome>,
  session: CommandSession,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  const gathering: Gathering = { told: 0, waiting: false, failed: new Set() };
  const { document, failures } = await work({ ...session, gathering });
  const told = gathering.waiting ? await notifyGathered({ ...hostOf(session, signal), gathering }) : { failures: [] };
  for (const error of told.failures) session.out.fail(error);
  return { document, failures: [...failures, ...told.failures] };
}

function hostOf({ nightjar, out, gathering }: CommandSession, signal: AbortSignal): RunHost {
  const { notifiers, hooks, clock, store, identity, sourceNames } = nightjar;
  const settings: RunHost['settings'] = (source) =>
    sourceNames.includes(source) ? nightjar.settings(source) : undefined;
  return {
    notifiers,
    hooks,
    clock,
    place: store.place,
    store: () => store,
    settings,
    sourceNames,
    gathering,
    ...commandLine(identity.run, out, signal),
  };
}
