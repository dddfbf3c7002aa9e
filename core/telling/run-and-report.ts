import type { RunEnded } from '../contract/events/run-ended.ts';
import type { Alert, WaitingMessage } from '../contract/memory/outbox.ts';
import type { Change, Judge } from '../domain/watch/alerts.ts';
import { BackupError, collected, isBackupError } from '../domain/errors.ts';
import type { FailureCode } from '../domain/errors.ts';
import type { SourceName } from '../domain/keys.ts';
import { mostMessages } from '../domain/messages/groups.ts';
import { withGoodRun, withSightings } from '../domain/watch/outbox.ts';
import { kindOfFailure, runEnded, runFailed } from '../domain/messages/run.ts';
import type { FailedRun, Verb } from '../domain/messages/run.ts';
import type { Clock, Hook, Notifier } from '../ports.ts';
import { verdictOfSource } from '../survey/verdict-of-source.ts';
import { configurationId } from '../store/memory/checkers.ts';
import { roomAtOnce, roomGathered } from '../domain/watch/pace.ts';
import type { OutboxEdit } from '../store/memory/outbox.ts';
import type { Store } from '../store/store.ts';
import { callHooks } from './call-hooks.ts';
import { notifyAll } from './notify-all.ts';
import type { Told } from './notify-all.ts';
import { memoryOf } from '../survey/watched.ts';

export type ReportedRun = { verb: Verb; source?: SourceName | undefined };
export type Telling = {
  notifiers: readonly Notifier[];
  hooks: readonly Hook[];
  clock: Clock;
  place: string;
  /** Every name of the configuration: they distinguish it from another one that shares the vault. */
  sourceNames: readonly string[];
};
export type RunHost = Telling & {
  run: string;
  /** The store, once it is open: it remembers what was told, and a message says what backups it has left. */
  store(): Store | undefined;
  /** The configuration's settings of a source, if it is configured. */
  settings?(source: SourceName): { timeZone: string; on?: string } | undefined;
  /** What may leave the host of an error: without the host's own secrets. */
  explain(error: unknown): BackupError;
  /** Failures that alert nobody: another run at work, a slip of the person who is looking. */
  unalarming: readonly FailureCode[];
  /** How long telling may take; the run's own signal may have aborted. */
  limit(): AbortSignal;
  /**
   * For a command with several runs: beyond a few messages, the rest waits in the outboxes for `notifyGathered` at its
   * end.
   */
  gathering?: Gathering | undefined;
  /**
   * For a run beside which others may fail at the same moment in other processes: waits for their messages, which are
   * then told together. Without it, everything is told at once.
   */
  gatherOthers?: (() => Promise<void>) | undefined;
};
/**
 * How many messages were delivered so far, whether some wait, and who could not be reached: they are tried again at the
 * end.
 */
export type Gathering = { told: number; waiting: boolean; failed: Set<Notifier> };

const lookMs = 5_000;
const longestText = 4000;
/** How many messages of several runs go out before the rest is gathered. */
const toldAlone = 2;

/**
 * Does a run's work and reports how it ended. Every hook gets the event; notifiers are told of a failure, and of the
 * first good run after it. If somebody could not be told, that is a further failure of the run. Another run at work on
 * the source is `skipped` and alerts nobody. A run that only looked is not reported, except that it ends the alert of a
 * failed look before a run (`looked`). A run that has a result but did not do all it should is reported as the failure
 * that `failureOf` makes of it, with its result.
 */
export async function runAndReport<R extends object>(
  run: ReportedRun,
  work: () => Promise<R>,
  resultOf: (result: R) => object,
  host: RunHost,
  failureOf: (result: R) => BackupError | undefined = () => undefined,
): Promise<R> {
  const began = host.clock.now().getTime();
  const ms = (): number => Math.max(0, host.clock.now().getTime() - began);
  const result = await work().catch(async (error: unknown) => {
    throw await reportFailure(run, error, ms(), host);
  });
  const told = resultOf(result);
  if (isLook(told)) return result;
  if ('status' in told && told.status === 'looked') {
    await reportGoodLook(run, host);
    return result;
  }
  const failure = failureOf(result);
  if (failure !== undefined) {
    const thrown = await reportFailure(run, failure, ms(), host, told);
    if (thrown !== failure) throw thrown;
    return result;
  }
  const status = 'status' in told && told.status === 'skipped' ? 'skipped' : 'succeeded';
  const hooks = await callHooks({ ...eventOf(run, host, ms()), status, result: plain(told) }, host);
  const good = goodRun(run, host);
  const { failures } = await tellAll((box) => hooks.edit(status === 'skipped' ? box : good(box)), host, {
    newsOnly: true,
  });
  // an all-clear that could not be sent waits in the outbox; the run has done its work and has not failed
  if (hooks.failed.length > 0) throw collected([...hooks.failed, ...failures]);
  return result;
}

/**
 * A look before a run succeeded: whoever was told that it had failed learns that this is over, whatever becomes of the
 * run. Calls no hook.
 */
export async function reportGoodLook(run: ReportedRun, host: RunHost): Promise<void> {
  await tellAll(goodRun(run, host), host, { newsOnly: true });
}

function goodRun({ source, verb }: ReportedRun, { clock, sourceNames }: RunHost): OutboxEdit {
  const at = clock.now();
  const good = { source, kind: kindOfFailure(verb), by: configurationId(sourceNames) };
  return (box) => withGoodRun(box, good, at, endOf(at));
}

/** `planned`: a restore that was only planned; `examined`: an examination of what a backup needs. */
function isLook(result: object): boolean {
  return 'status' in result && ['planned', 'examined'].includes(String(result.status));
}

/**
 * Reports that a run has failed, and what it has done all the same. Returns the error to throw: the run's own, with
 * what went wrong in telling.
 */
export async function reportFailure(
  run: ReportedRun,
  error: unknown,
  ms: number,
  host: RunHost,
  result?: object,
): Promise<unknown> {
  const { code, message, lines, hint } = host.explain(error);
  const status = code === 'lease-held' ? 'skipped' : 'failed';
  const event = {
    ...eventOf(run, host, ms),
    status,
    error: { code, message: message.slice(0, longestText), ...(hint !== undefined && { hint }) },
    ...(result && { result: plain(result) }),
  } as const;
  const failed = new BackupError(code, lines, { hint });
  // everybody who can be reached has just been told of a notifier that failed
  const quiet = host.unalarming.includes(code) || code === 'notify-failed';
  const [hooks, told] = await Promise.all([
    callHooks(event, host),
    quiet
      ? { failures: [] }
      : tellAll(
          whatIsLeft(run, host).then((left) => failureEdit(run, failed, { ms, left }, host)),
          host,
        ),
  ]);
  const about = hooks.changes ? await tellAll(hooks.edit, host) : { failures: [] };
  const others = [...hooks.failed, ...told.failures, ...about.failures];
  return others.length === 0 ? error : collected([isBackupError(error) ? error : failed, ...others]);
}

/** At the end of several runs: sends what was gathered, so that nobody gets more messages than after a check. */
export function notifyGathered(host: RunHost & { gathering: Gathering }): Promise<Told> {
  return notifyAll(
    (box) => box,
    { ...host, store: host.store() },
    host.limit(),
    () => Math.max(1, mostMessages - host.gathering.told),
  );
}

/**
 * `newsOnly`: a good run without an all-clear does not send what was missed earlier, because that may be over in a
 * minute.
 */
async function tellAll(
  edit: OutboxEdit | Promise<OutboxEdit>,
  host: RunHost,
  { newsOnly = false } = {},
): Promise<Told> {
  const { gathering, gatherOthers } = host;
  const deps = { ...host, store: host.store(), paced: gatherOthers !== undefined };
  if (gatherOthers !== undefined) {
    // all-clears are grouped when there are many, so they need no gathering
    const first = await notifyAll(edit, { ...deps, newsOnly }, host.limit(), newsOnly ? roomGathered : roomAtOnce);
    if (newsOnly || !first.deferred.some((box) => roomGathered(box, host.clock.now()) > 0)) return first;
    await gatherOthers();
    const then = await notifyAll((box) => box, deps, host.limit(), roomGathered);
    return { ...then, told: [...first.told, ...then.told], failures: [...first.failures, ...then.failures] };
  }
  const room = gathering === undefined ? mostMessages : Math.max(0, toldAlone - gathering.told);
  // one that hangs would delay every run that follows
  const told = await notifyAll(edit, { ...deps, newsOnly, leftAlone: gathering?.failed }, host.limit(), () => room);
  if (gathering === undefined) return told;
  gathering.told += told.told.length;
  gathering.waiting ||= told.waits;
  for (const notifier of told.failed) gathering.failed.add(notifier);
  return told;
}

/** A failure for the outboxes: as new, or again a day after the same failure was told. */
function failureEdit(
  run: ReportedRun,
  failed: BackupError,
  known: Pick<FailedRun, 'ms' | 'left'>,
  host: RunHost,
): OutboxEdit {
  const at = host.clock.now();
  const kind = kindOfFailure(run.verb);
  const settings = run.source && host.settings?.(run.source);
  const on = settings?.on;
  return (box) =>
    withSightings(
      box,
      [{ source: run.source, cause: failed.code, judged: [kind], found: [kind] }],
      at,
      judgeOf(run, host),
      ({ severity, alert }) => ({
        severity,
        alert,
        ...(on !== undefined && { on }),
        message: runFailed(
          { ...run, ...known, timeZone: settings?.timeZone, run: host.run, place: host.place },
          failed,
          { at, ...(severity === 'reminder' && { since: new Date(alert.since) }) },
        ),
      }),
    );
}

/**
 * A finding of a run without a source belongs to its configuration: another one that shares the vault doesn't take it
 * back. A configuration that names no source can't be told from others.
 */
function judgeOf({ source }: ReportedRun, { sourceNames }: RunHost): Judge {
  const isKnown = source === undefined && sourceNames.length > 0;
  return { others: new Set(), ...(isKnown && { id: configurationId(sourceNames) }) };
}

function endOf(at: Date) {
  return (change: Change, ended: readonly Alert[]): WaitingMessage => ({
    ...change,
    message: runEnded(change.alert, ended, at),
  });
}

function eventOf({ verb, source }: ReportedRun, { run, place, clock }: RunHost, ms: number) {
  return {
    version: 1 as const,
    verb,
    ...(source !== undefined && { source }),
    run,
    vault: place,
    at: clock.now().toISOString(),
    seconds: Math.round(ms / 100) / 10,
  };
}

/** Best effort: the run may have failed because the vault can't be read. */
async function whatIsLeft({ source }: ReportedRun, { store, clock }: RunHost): Promise<FailedRun['left']> {
  const opened = store();
  if (source === undefined || opened === undefined) return undefined;
  const looked = verdictOfSource(source, memoryOf(undefined), { store: opened, clock }, AbortSignal.timeout(lookMs));
  return looked.then(
    ({ verdict: { newest, backups } }) => ({ newest: newest?.id, count: backups.length }),
    () => undefined,
  );
}

/** The result as JSON will show it. */
function plain(result: object): NonNullable<RunEnded['result']> {
  return JSON.parse(JSON.stringify(result)) as NonNullable<RunEnded['result']>;
}
