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
  /** Every name of the configuration: they tell it from another one that shares the vault. */
  sourceNames: readonly string[];
};
export type RunHost = Telling & {
  run: string;
  /** Once it is there: it remembers what was told, and a message says what is left in it. */
  store(): Store | undefined;
  /** What the configuration says of a source, where it names it. */
  settings?(source: SourceName): { timeZone: string; on?: string } | undefined;
  /** What leaves the host of an error: without the host's own secrets. */
  explain(error: unknown): BackupError;
  /** Failures that alarm nobody: another run at work, a slip of the person who is looking. */
  unalarming: readonly FailureCode[];
  /** How long telling may take; the run's own signal may be over. */
  limit(): AbortSignal;
  /**
   * Of a command that does several runs: what is more than a few messages waits in the outboxes, for `notifyGathered`
   * at its end.
   */
  gathering?: Gathering | undefined;
  /**
   * Of a run beside which others may fail at the same moment, in processes of their own: waits for what they have to
   * say, which is told together then. Without it, everything is told at once.
   */
  gatherOthers?: (() => Promise<void>) | undefined;
};
/** How many messages were told so far, whether some wait, and who could not be told: they are tried again at the end. */
export type Gathering = { told: number; waiting: boolean; failed: Set<Notifier> };

const lookMs = 5_000;
const longestText = 4000;
/** Of several runs, so many messages go out before the rest is gathered. */
const toldAlone = 2;

/**
 * Does a run's work, and tells how it ended: every hook gets the event; a failure goes to the notifiers, too, and so
 * does the first good run after it. When somebody could not be told, that is a failure of the run beside its own.
 * Another run at work on the source is `skipped`: nobody is alarmed. One that has only looked is no run: nobody hears of
 * it, but for the end of a failure of the look that comes before a run (`looked`). A run that has a result and still did not do all
 * it should is told as the failure that `failureOf` makes of it, with its result.
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
  // an all-clear that could not be told waits in the outbox, and is no failure of a run that has done its work
  if (hooks.failed.length > 0) throw collected([...hooks.failed, ...failures]);
  return result;
}

/**
 * A look before a run went well: whoever was told that it has failed hears that it is over, whatever becomes of the run.
 * No hook is called.
 */
export async function reportGoodLook(run: ReportedRun, host: RunHost): Promise<void> {
  await tellAll(goodRun(run, host), host, { newsOnly: true });
}

function goodRun({ source, verb }: ReportedRun, { clock, sourceNames }: RunHost): OutboxEdit {
  const at = clock.now();
  const good = { source, kind: kindOfFailure(verb), by: configurationId(sourceNames) };
  return (box) => withGoodRun(box, good, at, endOf(at));
}

/** `planned`: a restore that was only planned; `examined`: what a backup takes was tried. */
function isLook(result: object): boolean {
  return 'status' in result && ['planned', 'examined'].includes(String(result.status));
}

/**
 * Tells that a run has failed, and what it has done all the same; returns the error to throw: the run's own, with what
 * went wrong in telling.
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
  // whoever could be reached has just been told of a notifier that failed
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

/** At the end of several runs: tells what was gathered, so that nobody gets more messages than after a check. */
export function notifyGathered(host: RunHost & { gathering: Gathering }): Promise<Told> {
  return notifyAll(
    (box) => box,
    { ...host, store: host.store() },
    host.limit(),
    () => Math.max(1, mostMessages - host.gathering.told),
  );
}

/**
 * `newsOnly`: a good run that has no all-clear to tell is no moment to tell what was missed: that may be over in a
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
    // what ends was told as a group where it was much: it needs no gathering
    const first = await notifyAll(edit, { ...deps, newsOnly }, host.limit(), newsOnly ? roomGathered : roomAtOnce);
    if (newsOnly || !first.deferred.some((box) => roomGathered(box, host.clock.now()) > 0)) return first;
    await gatherOthers();
    const then = await notifyAll((box) => box, deps, host.limit(), roomGathered);
    return { ...then, told: [...first.told, ...then.told], failures: [...first.failures, ...then.failures] };
  }
  const room = gathering === undefined ? mostMessages : Math.max(0, toldAlone - gathering.told);
  // one that hangs would hold up every run that follows
  const told = await notifyAll(edit, { ...deps, newsOnly, leftAlone: gathering?.failed }, host.limit(), () => room);
  if (gathering === undefined) return told;
  gathering.told += told.told.length;
  gathering.waiting ||= told.waits;
  for (const notifier of told.failed) gathering.failed.add(notifier);
  return told;
}

/** A failure as outboxes take it: new, or, a day after the same was told, again. */
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
 * What a run without a source finds is its configuration's: another one that shares the vault doesn't take it back. One
 * that names no source can't be told from others.
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

/** Best effort: a vault that can't be read may be why the run failed. */
async function whatIsLeft({ source }: ReportedRun, { store, clock }: RunHost): Promise<FailedRun['left']> {
  const opened = store();
  if (source === undefined || opened === undefined) return undefined;
  const looked = verdictOfSource(source, memoryOf(undefined), { store: opened, clock }, AbortSignal.timeout(lookMs));
  return looked.then(
    ({ verdict: { newest, backups } }) => ({ newest: newest?.id, count: backups.length }),
    () => undefined,
  );
}

/** As JSON will show it. */
function plain(result: object): NonNullable<RunEnded['result']> {
  return JSON.parse(JSON.stringify(result)) as NonNullable<RunEnded['result']>;
}
