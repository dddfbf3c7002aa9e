import type { InTurnResult } from '../../core/contract/events/requests.ts';
import { BackupError, collected, isBackupError } from '../../core/domain/errors.ts';
import type { FailureCode } from '../../core/domain/errors.ts';
import type { SourceName } from '../../core/domain/keys.ts';
import { fewNames } from '../../core/domain/lines.ts';
import { plural } from '../../core/domain/units.ts';
import { notifyGathered, reportGoodLook, runAndReport } from '../../core/telling/run-and-report.ts';
import type { Gathering, ReportedRun, RunHost } from '../../core/telling/run-and-report.ts';

/** The sources on a whole server, in order, and what failed while finding them. */
export type OnServer = { sources: readonly SourceName[]; failures: readonly unknown[] };

type Turns<R> = {
  run: ReportedRun & { source: SourceName };
  host: RunHost;
  look(): Promise<OnServer>;
  /** Works on one source; reports nothing. */
  work(source: SourceName): Promise<R>;
  /** The run id for a source. */
  runOf(source: SourceName): string;
  failureOf(result: R): BackupError | undefined;
  /** Receives how each one ended. */
  ended(source: SourceName, end: { result: R } | { error: unknown }): void;
  /** How much of the function's time is used, from 0 to 1. */
  spent(): number;
};

/** A turn that began before this share of the function's time was used had practically all of it. */
const nearlyNothing = 0.1;

/**
 * Works on everything on a whole server, one after the other, as the command line does: a failure doesn't stop the
 * others, and each end is reported. A source whose turn was cut off by time, and those that had no turn, are left to
 * the next attempt at the same event and alert nobody: Lambda retries failures, and reports when it gives up. Throws
 * what has failed, and `deadline` if something is left.
 */
export async function inTurn<R extends object>(
  { run, host, look, work, runOf, failureOf, ended, spent }: Turns<R>,
  signal: AbortSignal,
): Promise<InTurnResult> {
  const unalarming: FailureCode[] = [...host.unalarming];
  const gathering: Gathering = { told: 0, waiting: false, failed: new Set() };
  const result: InTurnResult = { status: 'in turn', source: run.source, done: [], failed: [], left: [] };
  const failures: unknown[] = [];

  async function oneTurn(source: SourceName): Promise<void> {
    const hadTime = spent() < nearlyNothing;
    const quiet: FailureCode[] = hadTime ? [] : ['deadline'];
    const own = { ...host, run: runOf(source), gathering, unalarming: [...host.unalarming, ...quiet] };
    try {
      const done = await runAndReport(
        { ...run, source },
        () => work(source),
        (one) => one,
        own,
        failureOf,
      );
      result.done.push(source);
      if ('status' in done && done.status === 'examined') result.examined = [...(result.examined ?? []), done];
      ended(source, { result: done });
    } catch (error) {
      const isCut = signal.aborted && !hadTime;
      if (!isCut) failures.push(error);
      (isCut ? result.left : result.failed).push(source);
      ended(source, { error });
    }
  }

  async function all(): Promise<InTurnResult> {
    const { sources, failures: unseen } = await look();
    // even if a database fails each night and this run never ends well, an earlier problem with the server is over
    if (unseen.length === 0) await reportGoodLook(run, { ...host, gathering });
    for (const source of sources) {
      if (signal.aborted) result.left.push(source);
      else await oneTurn(source);
    }
    const { failures: untold } = gathering.waiting ? await notifyGathered({ ...host, gathering }) : { failures: [] };
    const own = [...unseen, ...untold];
    if (own.length > 0) throw collected([...own, ...failures]);
    const error = result.left.length > 0 ? unfinished(result) : failures.length > 0 ? collected(failures) : undefined;
    if (error === undefined) return result;
    // each of them was reported separately, or is tried again
    unalarming.push(isBackupError(error) ? error.code : 'internal');
    throw error;
  }

  return runAndReport(run, all, (one) => one, { ...host, gathering, unalarming });
}

function unfinished({ source, done, failed, left }: InTurnResult): BackupError {
  const ended = done.length + failed.length;
  return new BackupError(
    'deadline',
    `${source}: time was over when ${ended} of ${plural(ended + left.length, 'database')} had had their turn; left: ` +
      fewNames(left, 20),
    {
      hint:
        'a schedule’s run is attempted twice more, and goes on with what is left; where that is not enough, give the ' +
        'function more memory (cloud.memory), or write the largest databases as sources of their own and exclude ' +
        'them here',
    },
  );
}
