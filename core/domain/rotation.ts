import type { RotationSettings } from '../contract/config-rotation.ts';
import type { Retention } from '../contract/config-settings.ts';
import type { ManifestPart, Tier } from '../contract/manifest.ts';
import { BackupError } from './errors.ts';
import { lastProof } from './history.ts';
import type { BackupFound, SourceHistory } from './history.ts';
import { partKey } from './keys.ts';
import type { BackupId, SourceName } from './keys.ts';
import { planRetention, tiersOf } from './retention.ts';
import type { Decision, Reason } from './retention.ts';
import { exceeds, lostDays } from './rotation-share.ts';
import { plural } from './units.ts';
import type { Bytes } from './units.ts';

/** What a manifest says, as far as rotation needs it. */
export type Look = { status: 'complete'; parts: readonly Pick<ManifestPart, 'file' | 'storedBytes'>[] } | { status: 'unreadable'; why: string };

/** By what a source's backups are kept and removed. */
export type Policy = { retention: Retention; timeZone: string; rotation: RotationSettings };

/** What is to become of a backup, and why. `bytes` is all that lies below its id and is Nightjar's own. */
export type PlannedBackup = { found: BackupFound; action: 'keep' | 'remove'; reasons: Reason[]; tiers: Tier[]; bytes: Bytes };

/** What is to become of a source's backups, oldest first. With a `refusal`, nothing may be done. */
export type RotationPlan = { source: SourceName; backups: PlannedBackup[]; refusal: BackupError | undefined };

/**
 * Decides about every backup of one source. Only good ones fill places: readable, every part there in its size, and not failed when they
 * were last looked at. A damaged one goes when it would go as a good one, too; one whose manifest can't be read stays. Kept besides: what
 * is pinned, the newest good one, the newest that was proven.
 */
export function planRotation(history: SourceHistory, looks: ReadonlyMap<BackupId, Look>, policy: Policy, now: Date, { anyShare }: { anyShare: boolean }): RotationPlan {
  const { source, backups } = history;
  const readable = backups.filter(({ id }) => looks.get(id)?.status === 'complete');
  const good = readable.filter((found) => lastProof(found)?.outcome !== 'failed' && isWhole(source, found, looks.get(found.id)));
  const reasons = reasonsFor(good, readable, policy);
  const guarded = guardsOf(good, backups, reasons);
  const planned = backups.map((found): PlannedBackup => {
    const why = readable.includes(found) ? [...(reasons.get(found.id) ?? []), ...guarded.filter(([id]) => id === found.id).map(([, reason]) => reason)] : [{ rule: 'unreadable' } as const];
    const all = found.pinned ? [...why, { rule: 'pinned' } as const] : why;
    return { found, action: all.length === 0 ? 'remove' : 'keep', reasons: all, tiers: tiersOf({ reasons: all }), bytes: bytesOf(found) };
  });
  return { source, backups: planned, refusal: refusalOf(source, planned, policy, now, anyShare) };
}

/** What would be removed of a plan. */
export function removedBy({ backups }: RotationPlan): PlannedBackup[] {
  return backups.filter(({ action }) => action === 'remove');
}

function isWhole(source: SourceName, { id, objects }: BackupFound, look: Look | undefined): boolean {
  const sizes = new Map<string, Bytes>(objects.map(({ key, bytes }) => [key, bytes]));
  return look?.status === 'complete' && look.parts.every(({ file, storedBytes }) => sizes.get(partKey(source, id, file)) === storedBytes);
}

function reasonsFor(good: readonly BackupFound[], readable: readonly BackupFound[], { retention, timeZone }: Policy): Map<BackupId, Reason[]> {
  const reasons = new Map(planRetention(good, retention, timeZone).map((decision: Decision) => [decision.id, decision.reasons]));
  for (const { id, reasons: asGood } of planRetention(readable, retention, timeZone)) {
    if (!reasons.has(id)) reasons.set(id, asGood.length > 0 ? [{ rule: 'damaged' }] : []);
  }
  return reasons;
}

/** What stays though the policy does not keep it. */
function guardsOf(good: readonly BackupFound[], backups: readonly BackupFound[], reasons: ReadonlyMap<BackupId, Reason[]>): [BackupId, Reason][] {
  const unkept = (found: BackupFound | undefined): found is BackupFound => found !== undefined && (reasons.get(found.id) ?? []).length === 0;
  const newest = good.at(-1) ?? backups.at(-1);
  const proven = good.findLast((found) => lastProof(found)?.outcome === 'passed');
  return [...(unkept(newest) ? [[newest.id, { rule: 'last-good' }] as [BackupId, Reason]] : []), ...(unkept(proven) ? [[proven.id, { rule: 'last-proven' }] as [BackupId, Reason]] : [])];
}

function refusalOf(source: SourceName, planned: readonly PlannedBackup[], { rotation: { maxShare }, timeZone }: Policy, now: Date, anyShare: boolean): BackupError | undefined {
  const newest = planned.at(-1)?.found;
  if (newest !== undefined && newest.start.getTime() > now.getTime()) {
    return new BackupError('rotation-refused', `${source}: the clock says ${now.toISOString()}, and the newest backup is of ${newest.start.toISOString()}: nothing was removed`, {
      hint: 'set the clock of this machine; if it is right, the other one was wrong, and time will heal it',
    });
  }
  const removed = planned.filter(({ action }) => action === 'remove').length;
  if (removed === planned.length && removed > 0) return new BackupError('rotation-refused', `${source}: nothing would be left of ${plural(removed, 'backup')}: nothing was removed`);
  const startsOf = (some: readonly PlannedBackup[]): Date[] => some.map(({ found }) => found.start);
  const days = lostDays(startsOf(planned), startsOf(planned.filter(({ action }) => action === 'keep')), timeZone);
  if (anyShare || !exceeds(days, maxShare)) return undefined;
  const what = `${removed} of ${plural(planned.length, 'backup')} would be removed and ${days.lost} of ${days.of} days left without one`;
  return new BackupError('rotation-refused', `${source}: ${what}, more than ${maxShare} % at once: nothing was removed`, {
    hint: `see what and why: nightjar rotate ${source} --dry-run; if that is meant: nightjar rotate ${source} --any-share; for good: rotation.maxShare`,
  });
}

function bytesOf({ objects }: BackupFound): Bytes {
  return objects.reduce((sum, { bytes }) => sum + bytes, 0);
}
