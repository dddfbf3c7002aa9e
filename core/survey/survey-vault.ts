import { BackupError, isBackupError, messageOf } from '../domain/errors.ts';
import { offeredBy } from '../domain/watch/copies.ts';
import type { Offered } from '../domain/watch/copies.ts';
import { expectationOf } from '../domain/watch/expected.ts';
import { judge, unseen, withStuckLease } from '../domain/watch/freshness.ts';
import type { Expectation } from '../domain/watch/expected.ts';
import type { Judgement, WatchedSource } from '../domain/watch/freshness.ts';
import { emptyHistory } from '../domain/verdict/history.ts';
import type { SourceHistory } from '../domain/verdict/history.ts';
import type { BackupId, SourceName } from '../domain/keys.ts';
import type { AccountLook } from '../domain/watch/account.ts';
import type { Notice } from '../domain/tools/notices.ts';
import { plural } from '../domain/units.ts';
import { clocksMs } from '../domain/verdict/verdict.ts';
import { forEachConcurrently } from '../pipeline/concurrency.ts';
import type { LedgerIndex, LedgerRead } from '../store/memory/ledger.ts';
import type { Store } from '../store/store.ts';
import { withLeaseSeen } from './lease-seen.ts';
import { survey } from './survey.ts';
import type { Survey } from './survey.ts';
import { memoryOfWatched } from './watched.ts';

/** A source that has backups in the vault and is not configured. `old`: nobody makes new ones. */
export type Unconfigured = { source: SourceName; newest: BackupId; count: number; old: boolean };

/**
 * What a check has found. `whole`: every source was judged, and the rest of the vault was looked at. `vault`: why the
 * vault could not be read. `forgotten`: what could not be remembered. `offered`: the backups that copies of a source
 * must have; `further`: the further vaults with copies.
 */
export type VaultSurvey = {
  at: Date;
  place: string;
  whole: boolean;
  judgements: Judgement[];
  unconfigured: Unconfigured[];
  /** About the database clients; undefined if nothing is known. */
  notices?: readonly Notice[] | undefined;
  /** About notifiers; undefined if they were not asked. */
  unheard?: readonly Notice[] | undefined;
  /** The AWS account that the check runs in; undefined if it was not asked. */
  account?: AccountLook | undefined;
  vault?: { why: string; hint?: string | undefined };
  forgotten: unknown[];
  offered?: ReadonlyMap<SourceName, Offered>;
  further?: readonly FurtherVault[];
};

/** A further vault, by its name in the configuration. `unread`: why it could not be read. */
export type FurtherVault = { name: string; place?: string; unread?: Unknown };

/** `remember`: whether findings are written down. */
type SurveyVaultDeps = { store: Store; at: Date; remember: boolean };
type Looked = Survey & { expectation: Expectation | undefined; stuck: string | undefined };
type SourceSurvey = { judgement: Judgement; failed?: Unknown; read: boolean; offered?: Offered | undefined };

const sourcesAtOnce = 4;
/** A backup newer than this shows that another configuration still backs the source up. */
const oldMs = 25 * 3_600_000;
const attempts = 3;

/**
 * Judges every source by the vault, and remembers what it found. Every source is looked at, whatever is found; a vault
 * that can't be read is a finding.
 */
export async function surveyVault(
  sources: readonly WatchedSource[],
  whole: boolean,
  deps: SurveyVaultDeps,
  signal: AbortSignal,
): Promise<VaultSurvey> {
  const { store, at } = deps;
  const common = { at, place: store.place, whole };
  const seen = await orUnknown(() => lookAtAll(sources, whole, deps, signal), signal);
  if ('why' in seen)
    return {
      ...common,
      judgements: sources.map((one) => unseen(one, seen, at)),
      unconfigured: [],
      forgotten: [],
      ...(whole && { vault: seen }),
    };
  const found = sources.map(({ source }) => seen.found.get(source)!);
  const failed = found.find((one) => one.failed !== undefined)?.failed;
  return {
    ...common,
    judgements: found.map(({ judgement }) => judgement),
    unconfigured: [...seen.others.values()],
    forgotten: summedUp(seen.forgotten),
    offered: new Map(
      [...seen.found].flatMap(([source, { offered }]) => (offered === undefined ? [] : [[source, offered]])),
    ),
    // one unreadable source of many is its own problem; if none can be read, the vault is
    ...(whole && failed !== undefined && !found.some(({ read }) => read) && { vault: failed }),
  };
}

async function lookAtAll(
  sources: readonly WatchedSource[],
  whole: boolean,
  deps: SurveyVaultDeps,
  signal: AbortSignal,
) {
  const { store, at } = deps;
  const watched = new Map(sources.map((one) => [one.source, one]));
  const found = new Map<SourceName, SourceSurvey>();
  const others = new Map<SourceName, Unconfigured>();
  const forgotten: unknown[] = [];
  const known =
    sources.length === 0
      ? undefined
      : await store.readLedgerIndex(signal).catch((error: unknown) => void forgotten.push(error));
  const index: LedgerIndex = known ?? new Map();
  const kept = new Map<string, number>();
  async function lookAt(history: SourceHistory, stop: AbortSignal): Promise<void> {
    const one = watched.get(history.source);
    if (one === undefined) return void unconfiguredOf(history, at).forEach((other) => others.set(other.source, other));
    const seen = await orUnknown(() => surveyRemembered(history, one, index, deps, stop), stop);
    if ('why' in seen)
      return void found.set(one.source, { judgement: unseen(one, seen, at), failed: seen, read: false });
    if (seen.failure !== undefined) forgotten.push(seen.failure);
    if (seen.kept !== undefined) kept.set(one.source, seen.kept);
    found.set(one.source, {
      judgement: judgedWithLease(one, seen, at),
      read: seen.history.ledger || seen.history.backups.length > 0,
      offered: one.copies?.length ? offeredBy(seen.history, seen.verdict, seen.ledger) : undefined,
    });
  }
  await forEachConcurrently(
    sourcesAtOnce,
    whole ? store.sourcesListed(signal) : listedOneByOne(sources, store, signal),
    lookAt,
    signal,
  );
  for (const { source } of sources) if (!found.has(source)) await lookAt(emptyHistory(source), signal);
  const fresh = new Map([...kept].filter(([name, revision]) => index.get(name) !== revision));
  // an index that can't be read is reported as that, and not also as one that can't be written
  if (deps.remember && known !== undefined && fresh.size > 0)
    await store.addToLedgerIndex(fresh, signal).catch((error: unknown) => void forgotten.push(error));
  return { found, others, forgotten };
}

/**
 * Surveys a source and writes down what is to be remembered. If another check has written meanwhile, looks once more.
 */
async function surveyRemembered(
  listed: SourceHistory,
  watched: WatchedSource,
  index: LedgerIndex,
  { store, at, remember }: SurveyVaultDeps,
  signal: AbortSignal,
): Promise<Looked & { failure?: unknown; kept: number | undefined }> {
  const options = { memory: memoryOfWatched(watched), at, revision: index.get(watched.source) };
  const surveying = async (history: SourceHistory): Promise<Looked> =>
    withLeaseSeen(withExpectation(await survey(history, options, store, signal), watched, at), store, at, signal);
  let seen = await surveying(listed);
  for (let left = attempts; ; left -= 1) {
    if (!remember || !seen.isNew) return { ...seen, kept: revisionOf(seen.before) };
    try {
      return { ...seen, kept: await store.writeLedger(watched.source, seen.ledger, seen.before, signal) };
    } catch (failure) {
      if (signal.aborted) throw failure;
      if (!isBackupError(failure, 'object-exists') || left <= 1) return { ...seen, failure, kept: undefined };
    }
    seen = await surveying(await store.listSource(watched.source, signal));
  }
}

/** The revision of the stored ledger, if there is one. */
function revisionOf({ version, ledger }: LedgerRead): number | undefined {
  return version === undefined ? undefined : (ledger?.revision ?? 0);
}

/** While a source is paused, a stuck lease is not reported, like everything else. */
function judgedWithLease(watched: WatchedSource, seen: Looked, at: Date): Judgement {
  const judgement = judge(watched, seen, at);
  return seen.stuck === undefined || judgement.state === 'paused' ? judgement : withStuckLease(judgement, seen.stuck);
}

/** The outcomes of the scheduled moments; what is to be remembered of them goes into the ledger. */
function withExpectation(
  seen: Survey,
  watched: WatchedSource,
  at: Date,
): Survey & { expectation: Expectation | undefined } {
  const expectation = expectationOf(watched, seen, seen.ledger.expected, at);
  const { expected: before, ...rest } = seen.ledger;
  const isNew = JSON.stringify(expectation?.memory) !== JSON.stringify(before);
  if (!isNew) return { ...seen, expectation };
  return {
    ...seen,
    expectation,
    ledger: { ...rest, ...(expectation && { expected: expectation.memory }) },
    isNew: true,
  };
}

/** Lists source by source. */
export async function* listedOneByOne(
  sources: readonly WatchedSource[],
  store: Store,
  signal: AbortSignal,
): AsyncIterable<SourceHistory> {
  for (const { source } of sources) yield await store.listSource(source, signal);
}

type Unknown = { why: string; hint: string | undefined };

/** The result of `ask`, or why the vault can't tell. An abort or a defect is rethrown. */
export async function orUnknown<T extends object>(ask: () => Promise<T>, signal: AbortSignal): Promise<T | Unknown> {
  try {
    return await ask();
  } catch (error) {
    if (signal.aborted || !isBackupError(error)) throw error;
    return { why: `${messageOf(error)} (${error.code})`, hint: error.hint };
  }
}

/** A thousand sources that can't be remembered are reported as one failure. */
function summedUp(failures: readonly unknown[]): unknown[] {
  const [first] = failures;
  if (first === undefined) return [];
  const [code, hint] = isBackupError(first) ? [first.code, first.hint] : ['internal' as const, undefined];
  const others = failures.length === 1 ? '' : `, and ${plural(failures.length - 1, 'more source')}`;
  return [
    new BackupError(code, `what was seen can't be remembered: ${messageOf(first)}${others}`, {
      hint: hint ?? 'the check writes ledger.json at the top of the vault and in the folder of each source',
      cause: first,
    }),
  ];
}

function unconfiguredOf({ source, backups }: SourceHistory, at: Date): Unconfigured[] {
  const newest = backups.findLast(({ start }) => start.getTime() <= at.getTime() + clocksMs) ?? backups.at(-1);
  return newest === undefined
    ? []
    : [{ source, newest: newest.id, count: backups.length, old: at.getTime() - newest.start.getTime() > oldMs }];
}
