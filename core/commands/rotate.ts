import { isBackupError } from '../domain/errors.ts';
import type { BackupId, SourceName } from '../domain/keys.ts';
import { planRotation, removedBy } from '../domain/retention/rotation.ts';
import type { PlannedBackup, Policy, RotationPlan } from '../domain/retention/rotation.ts';
import type { Bytes } from '../domain/units.ts';
import type { BackupFound } from '../domain/verdict/history.ts';
import type { SourceVerdict } from '../domain/verdict/verdict.ts';
import type { Clock, Identity } from '../ports.ts';
import { removableBytes } from '../store/rotation/remove.ts';
import type { Removal } from '../store/rotation/remove.ts';
import type { Store } from '../store/store.ts';
import type { Swept } from '../store/rotation/sweep.ts';
import { survey } from '../survey/survey.ts';
import type { ManifestReading } from '../survey/survey.ts';
import { memoryOf } from '../survey/watched.ts';

export type RotateDeps = { store: Store; clock: Clock; identity: Identity };
export type RotateOptions = {
  /** Decide and change nothing. */
  dryRun: boolean;
  /** Remove more than `rotation.maxShare` allows. */
  anyShare: boolean;
};

/**
 * What a rotation did, or would do. If `failures` has any, the rotation has failed, though it went on with the rest.
 */
export type Rotation = {
  plan: RotationPlan;
  /** Oldest first; in a dry run, what would be removed. */
  removals: Removal[];
  swept: Swept;
  /** Backups whose tags were corrected. */
  retagged: number;
  /** Backups whose locks were extended; absent if there are none. */
  locked?: number;
  /** Space that was freed, and space that older versions in the vault still take. */
  freed: Bytes;
  hidden: Bytes;
  failures: unknown[];
};

/**
 * Removes what the policy of a source no longer keeps: oldest backup first, and of each backup its manifest first, so
 * that at any moment there are only whole backups and invisible leftovers. Then tags and locks what stays, and sweeps
 * the leftovers of dead runs. Needs no lease: a running backup has no manifest yet, and its start is never old. Throws
 * `rotation-refused`, and the vault's errors while it looks.
 */
export async function rotate(
  source: SourceName,
  policy: Policy,
  options: RotateOptions,
  deps: RotateDeps,
  signal: AbortSignal,
): Promise<Rotation> {
  const { store } = deps;
  const looks = new Map<BackupId, ManifestReading>();
  const at = deps.clock.now();
  const memory = memoryOf(policy);
  const { history, verdict } = await survey(
    await store.listSource(source, signal),
    { memory, at, each: (id, read) => void looks.set(id, read) },
    store,
    signal,
  );
  const plan = planRotation(history, verdict, policy, at, options);
  const sweeping = { ...deps, packsToo: areWhole(verdict) };
  const leftovers = await store.lookForLeftovers(history, policy.rotation.graceMs, sweeping, signal);
  if (options.dryRun) return preview(plan, leftovers, looks);
  if (plan.refusal !== undefined) throw plan.refusal;

  const failures: unknown[] = [];
  const removals: Removal[] = [];
  for (const { found } of removedBy(plan)) {
    const look = looks.get(found.id)!;
    const removal = await store.removeBackup(source, found.id, partsOf(look), signal);
    removals.push({ ...removal, ...lockOf(look) });
    failures.push(...removal.failures);
    if (signal.aborted || removal.failures.some((failure) => isBackupError(failure, 'vault-unreachable')))
      return ended({
        plan,
        removals,
        swept: { ...leftovers, state: 'none', bytes: 0 },
        retagged: 0,
        failures: [...failures, ...leftovers.failures],
      });
  }
  const retagged = await store.retagKept(plan, signal).catch((error: unknown) => void failures.push(error));
  const until = (id: BackupId) => lockOf(looks.get(id))?.lock?.until;
  const { locked, failures: unlocked } = await store.lockKept(plan, { until, now: at }, signal);
  const swept = await store.sweepLeftovers(source, policy.rotation.graceMs, leftovers, deps, signal);
  failures.push(...unlocked, ...swept.failures);
  return ended({ plan, removals, swept, retagged: retagged ?? 0, ...(locked > 0 && { locked }), failures });
}

/**
 * Objects may be swept only if the needs of every backup are known: a lost link may have led to an object that nothing
 * else names.
 */
function areWhole({ backups, adopted }: SourceVerdict): boolean {
  const lacking = ['gone', 'cut', 'unreadable', 'unsigned'];
  return [...backups, ...adopted].every(({ known, damage }) => known && !lacking.includes(damage?.kind ?? ''));
}

function partsOf(look: ManifestReading): string[] {
  return look.status === 'complete' ? look.manifest.parts.map(({ file }) => file) : [];
}

function lockOf(look: ManifestReading | undefined): Pick<Removal, 'lock'> {
  return look?.status === 'complete' && look.lock !== undefined ? { lock: look.lock } : {};
}

function preview(plan: RotationPlan, leftovers: Swept, looks: ReadonlyMap<BackupId, ManifestReading>): Rotation {
  const removals = removedBy(plan).map(({ found }, at, all): Removal => {
    const look = looks.get(found.id)!;
    return {
      id: found.id,
      state: look.status === 'complete' && look.stays ? 'hidden' : 'gone',
      bytes: removableBytes(plan.source, found, partsOf(look), laterThan(plan, all.slice(0, at + 1))),
      foreign: found.foreign.length,
      failures: [],
      ...lockOf(look),
    };
  });
  return ended({ plan, removals, swept: leftovers, retagged: 0, failures: leftovers.failures });
}

/** The backups that remain when these are removed. */
function laterThan({ backups }: RotationPlan, removed: readonly PlannedBackup[]): BackupFound[] {
  return backups.filter((one) => !removed.includes(one)).map(({ found }) => found);
}

function ended(rotation: Omit<Rotation, 'freed' | 'hidden'>): Rotation {
  const sum = (ending: Removal['state']): Bytes =>
    rotation.removals.reduce((total, removal) => total + (removal.state === ending ? removal.bytes : 0), 0);
  const { state, bytes, packs } = rotation.swept;
  const isSwept = state === 'swept' || state === 'found';
  const sweptBytes = isSwept ? bytes + (packs?.bytes ?? 0) : 0;
  return {
    ...rotation,
    freed: sum('gone') + (rotation.swept.hidden ? 0 : sweptBytes),
    hidden: sum('hidden') + (rotation.swept.hidden ? sweptBytes : 0),
  };
}
