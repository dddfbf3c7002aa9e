import type { RunEnded } from '../contract/event-run.ts';
import { BackupError, collected, isBackupError, messageOf } from '../domain/errors.ts';
import type { FailureCode } from '../domain/errors.ts';
import type { SourceName } from '../domain/keys.ts';
import { hookFailed, runFailed } from '../domain/run-messages.ts';
import type { FailedRun, Verb } from '../domain/run-messages.ts';
import type { Clock, Hook, Notifier, Vault } from '../ports.ts';
import { verdictOfSource } from './choose.ts';
import { outcomeOf, tell } from './tell.ts';
import { memoryOf } from './watched.ts';

export type Run = { verb: Verb; source?: SourceName | undefined };
export type Telling = { notifiers: readonly Notifier[]; hooks: readonly Hook[]; clock: Clock; place: string };
export type RunHost = Telling & {
  run: string;
  /** Once it is there: a message says what is left in it. */
  vault(): Vault | undefined;
  /** What leaves the host of an error: without the host's own secrets. */
  explain(error: unknown): BackupError;
  /** Failures that alarm nobody: another run at work, a slip of the person who is looking. */
  unalarming: readonly FailureCode[];
  /** How long telling may take; the run's own signal may be over. */
  limit(): AbortSignal;
};

const lookMs = 5_000;
const longestText = 4000;

/**
 * Does a run's work, and tells how it ended: every hook gets the event; a failure goes to the notifiers, too. When somebody could not be
 * told, that is a failure of the run beside its own. Another run at work on the source is `skipped`: nobody is alarmed. A run that has a
 * result and still did not do all it should is told as the failure that `failureOf` makes of it, with its result.
 */
export async function toldRun<R extends object>(run: Run, work: () => Promise<R>, resultOf: (result: R) => object, host: RunHost, failureOf: (result: R) => BackupError | undefined = () => undefined): Promise<R> {
  const began = host.clock.now().getTime();
  const ms = (): number => Math.max(0, host.clock.now().getTime() - began);
  const result = await work().catch(async (error: unknown) => {
    throw await toldFailure(run, error, ms(), host);
  });
  const told = resultOf(result);
  const failure = failureOf(result);
  if (failure !== undefined) {
    const thrown = await toldFailure(run, failure, ms(), host, told);
    if (thrown !== failure) throw thrown;
    return result;
  }
  const status = 'status' in told && told.status === 'skipped' ? 'skipped' : 'succeeded';
  const failures = await callHooks({ ...eventOf(run, host, ms()), status, result: plain(told) }, host);
  if (failures.length > 0) throw collected(failures);
  return result;
}

/** Tells that a run has failed, and what it has done all the same; returns the error to throw: the run's own, with what went wrong in telling. */
export async function toldFailure(run: Run, error: unknown, ms: number, host: RunHost, result?: object): Promise<unknown> {
  const { code, message, hint } = host.explain(error);
  const status = code === 'lease-held' ? 'skipped' : 'failed';
  const event = { ...eventOf(run, host, ms), status, error: { code, message: message.slice(0, longestText), ...(hint !== undefined && { hint }) }, ...(result && { result: plain(result) }) } as const;
  const failed = new BackupError(code, message, { hint });
  const [hooks, told] = await Promise.all([
    callHooks(event, host),
    // who could be reached has just been told of a notifier that failed
    host.unalarming.includes(code) || code === 'notify-failed' ? { failures: [] } : whatIsLeft(run, host).then((left) => tell(runFailed({ ...run, run: host.run, place: host.place, ms, left }, failed, host.clock.now()), host, host.limit())),
  ]);
  const others = [...hooks, ...told.failures];
  return others.length === 0 ? error : collected([isBackupError(error) ? error : failed, ...others]);
}

/** Calls every hook that wants to know; the notifiers are told of those that fail. */
async function callHooks(event: RunEnded, { hooks, notifiers, clock, limit }: RunHost): Promise<unknown[]> {
  const wanting = hooks.filter((hook) => hook.wants(event.status));
  const tried = await Promise.all(wanting.map(async (hook) => ({ hook, ...(await outcomeOf(hook.call(event, limit()))) })));
  const failed = tried.filter((one) => one.failed);
  if (failed.length === 0) return [];
  const source = event.source as SourceName | undefined;
  const message = hookFailed({ verb: event.verb, status: event.status, source }, failed.map(({ hook, error }) => ({ name: hook.name, why: messageOf(error) })), clock.now());
  return [...failed.map(({ error }) => error), ...(await tell(message, { notifiers, clock }, limit())).failures];
}

function eventOf({ verb, source }: Run, { run, place, clock }: RunHost, ms: number) {
  return { version: 1 as const, verb, ...(source !== undefined && { source }), run, vault: place, at: clock.now().toISOString(), seconds: Math.round(ms / 100) / 10 };
}

/** Best effort: a vault that can't be read may be why the run failed. */
async function whatIsLeft({ source }: Run, { vault, clock }: RunHost): Promise<FailedRun['left']> {
  const place = vault();
  if (source === undefined || place === undefined) return undefined;
  const looked = verdictOfSource(source, memoryOf(undefined), { vault: place, clock }, AbortSignal.timeout(lookMs));
  return looked.then(({ verdict: { newest, backups } }) => ({ newest: newest?.id, count: backups.length }), () => undefined);
}

/** As JSON will show it. */
function plain(result: object): NonNullable<RunEnded['result']> {
  return JSON.parse(JSON.stringify(result)) as NonNullable<RunEnded['result']>;
}
