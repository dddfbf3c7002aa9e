import type { ByTagResult } from '../../contract/events/by-tag.ts';
import type { Roster } from '../../contract/memory/roster.ts';
import { dueWork, stillDue } from '../../domain/by-tag/due.ts';
import type { DueWork, TimedSource } from '../../domain/by-tag/due.ts';
import { rosterAfter } from '../../domain/by-tag/roster.ts';
import type { RosterRules } from '../../domain/by-tag/roster.ts';
import type { SourceName } from '../../domain/keys.ts';
import { BackupError, collected, isBackupError } from '../../domain/errors.ts';
import { byTagChanged } from '../../domain/messages/findings/by-tag.ts';
import type { RdsDatabase } from '../../domain/watch/account.ts';
import { mapConcurrently } from '../../pipeline/concurrency.ts';
import type { Clock, Notifier } from '../../ports.ts';
import type { Store } from '../../store/store.ts';
import { outcomeOf } from '../../telling/outcome.ts';

export type DiscoverDeps = RosterRules & {
  store: Store;
  clock: Clock;
  notifiers: readonly Notifier[];
  /** The owner that may write the roster: nobody else may, in this vault. */
  owner: string;
  /** The owner's name before it included the account: a roster under that name is taken over. */
  ownerBefore: string;
  databases(signal: AbortSignal): Promise<RdsDatabase[]>;
  /** When the sources of a roster are due. */
  timesOf(roster: Roster): TimedSource[];
  start(work: DueWork, signal: AbortSignal): Promise<void>;
};

const startsAtOnce = 8;

/**
 * Finds the databases that have the tag, writes down which sources they are, starts what is due of those that exist,
 * and reports what changed. Starts what is due even if RDS can't be asked. Throws the collected failures at the end.
 */
export async function discover(deps: DiscoverDeps, signal: AbortSignal): Promise<ByTagResult> {
  const { store, clock } = deps;
  const now = clock.now();
  const read = await store.readRoster(signal);
  const before = ownRoster(read.roster, deps, now);
  const failures: unknown[] = [];
  const looked = await deps.databases(signal).catch((error: unknown) => void failures.push(error));
  signal.throwIfAborted();
  const roster = looked === undefined ? before : rosterAfter(before, looked, deps, now);
  // the functions that are started read it
  const version = await store.writeRoster(roster, read, signal).catch(taken);
  if (version === undefined) return { status: 'skipped', why: 'another one has written the roster meanwhile' };
  const due = allDue(roster, deps.timesOf(roster), now);
  const started = await startAll(due, deps, failures, signal);
  const { unstarted: _, ...known } = roster;
  const left = due.filter((work) => !started.includes(work)).map((work) => ({ ...work, at: work.at.toISOString() }));
  const after = { ...known, startedUntil: now.toISOString(), ...(left.length > 0 && { unstarted: left }) };
  // before anything else can fail, so that nothing is started twice
  const written = await store.writeRoster(after, { version }, signal);
  const told = await tell(roster.untold, deps, failures, signal);
  if (told > 0) await store.writeRoster({ ...after, untold: [] }, { version: written }, signal);
  if (failures.length > 0) throw collected(failures);
  return {
    status: 'looked',
    sources: roster.sources.length,
    gone: roster.sources.flatMap(({ name, gone }) => (gone === undefined ? [] : [name])),
    started: started.map(({ job, source }) => `${job} ${source}`),
    troubles: roster.refused.map(({ what, why }) => `${what} ${why}`),
    told,
  };
}

/** Only one owner: two stacks with one vault would each report the other's databases as gone. */
function ownRoster(
  found: Roster | undefined,
  { owner, ownerBefore, store: { place } }: Pick<DiscoverDeps, 'owner' | 'ownerBefore' | 'store'>,
  now: Date,
): Roster {
  const at = now.toISOString();
  if (found === undefined) return { version: 1, owner, at, startedUntil: at, sources: [], refused: [], untold: [] };
  if (found.owner === owner || found.owner === ownerBefore) return { ...found, owner };
  throw new BackupError(
    'config-invalid',
    `the databases by tag in ${place} are those of ${found.owner}, not of ${owner}`,
    {
      hint: 'give each stack with cloud.byTag a vault, or a prefix, of its own',
    },
  );
}

function allDue({ startedUntil, unstarted = [] }: Roster, sources: TimedSource[], now: Date): DueWork[] {
  const due = dueWork(sources, new Date(startedUntil), now);
  const before = unstarted.map(({ source, job, at }) => ({ source: source as SourceName, job, at: new Date(at) }));
  return [...stillDue(before, due, sources, now), ...due];
}

function taken(error: unknown): undefined {
  if (!isBackupError(error, 'object-exists')) throw error;
}

async function startAll(
  due: readonly DueWork[],
  { start }: Pick<DiscoverDeps, 'start'>,
  failures: unknown[],
  signal: AbortSignal,
): Promise<DueWork[]> {
  const started = await mapConcurrently(
    startsAtOnce,
    due,
    (work, stop) =>
      start(work, stop).then(
        () => [work],
        (error: unknown) => (failures.push(error), []),
      ),
    signal,
  );
  return started.flat();
}

/** How many changes somebody was told. Until then they are reported again each time. */
async function tell(
  untold: Roster['untold'],
  { notifiers, clock }: Pick<DiscoverDeps, 'notifiers' | 'clock'>,
  failures: unknown[],
  signal: AbortSignal,
): Promise<number> {
  if (untold.length === 0) return 0;
  const message = byTagChanged(untold, clock.now());
  const outcomes = await Promise.all(notifiers.map((one) => outcomeOf(one.notify(message, signal))));
  failures.push(...outcomes.flatMap(({ failed, error }) => (failed ? [error] : [])));
  return outcomes.some(({ failed }) => !failed) ? 1 : 0;
}
