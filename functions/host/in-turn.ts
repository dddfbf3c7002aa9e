import type { InTurnResult } from '../../core/contract/events/requests.ts';
import { BackupError, collected, isBackupError } from '../../core/domain/errors.ts';
import type { FailureCode } from '../../core/domain/errors.ts';
import type { SourceName } from '../../core/domain/keys.ts';
import { fewNames } from '../../core/domain/lines.ts';
import { plural } from '../../core/domain/units.ts';
import { notifyGathered, reportGoodLook, runAndReport } from '../../core/telling/run-and-report.ts';
import type { Gathering, ReportedRun, RunHost } from '../../core/telling/run-and-report.ts';

/** What is on a whole server, in the order in which it has its turn, and what went wrong in finding that out. */
export type OnServer = { sources: readonly SourceName[]; failures: readonly unknown[] };

type Turns<R> = {
  run: ReportedRun & { source: SourceName };
  host: RunHost;
  look(): Promise<OnServer>;
  /** Works on one of them; it tells nobody how that ended. */
  work(source: SourceName): Promise<R>;
  /** The run id of that. */
  runOf(source: SourceName): string;
  failureOf(result: R): BackupError | undefined;
  /** Takes how each has ended. */
  ended(source: SourceName, end: { result: R } | { error: unknown }): void;
  /** How much of the time of the function is over, from 0 to 1. */
  spent(): number;
};

/** Who began with less than this of the function's time over had all of it, as far as anybody can have it. */
const nearlyNothing = 0.1;

/**
 * Works on everything on a whole server, one after the other, as the command line does: what fails keeps nothing else
 * from its turn, and each tells how it has ended. Whose turn time has cut off is left, with whoever did not come to it,
 * for the next attempt at the same event, and alarms nobody: Lambda attempts what fails again, and tells when it gives
 * up. Throws what has failed, and `deadline` where something is left.
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
    // one of them may fail each night: then this run never ends well, and what was wrong with the server is over
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
    // each of them was told by itself, or is attempted again
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
