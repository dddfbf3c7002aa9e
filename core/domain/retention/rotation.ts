import { word } from '../messages/text.ts';
import type { RotationSettings } from '../../contract/config/rotation/rotation.ts';
import type { Retention } from '../../contract/config/settings/settings.ts';
import type { EncryptionSettings } from '../../contract/config/settings/encryption.ts';
import type { WatchSettings } from '../../contract/config/settings/watch.ts';
import type { Tier } from '../../contract/manifest/manifest.ts';
import { BackupError } from '../errors.ts';
import type { BackupFound, SourceHistory } from '../verdict/history.ts';
import type { BackupId, SourceName } from '../keys.ts';
import { planRetention, tiersOf } from './retention.ts';
import type { Reason } from './retention.ts';
import { exceeds, lostDays } from './rotation-share.ts';
import { plural } from '../units.ts';
import type { Bytes } from '../units.ts';
import { isUnread } from '../verdict/verdict.ts';
import type { SourceVerdict, Verdict } from '../verdict/verdict.ts';

const yearMs = 366 * 24 * 3_600_000;

/** The rules by which a source's backups are kept and removed. */
export type Policy = {
  retention: Retention;
  timeZone: string;
  rotation: RotationSettings;
  watch: Pick<WatchSettings, 'shrink'>;
  encryption?: EncryptionSettings;
};

/** The decision about a backup, and why. `bytes`: everything below its id that is Nightjar's own. */
export type PlannedBackup = {
  found: BackupFound;
  action: 'keep' | 'remove';
  reasons: Reason[];
  tiers: Tier[];
  bytes: Bytes;
};

/** The decisions about a source's backups, oldest first. With a `refusal`, nothing may be done. */
export type RotationPlan = { source: SourceName; backups: PlannedBackup[]; refusal: BackupError | undefined };

/**
 * Decides about every backup of one source by its verdict (verdict.ts). Only good ones fill places. A damaged one goes
 * when it would go as a good one, too. One whose manifest can't be understood, whose date can't be true, or that was
 * adopted, stays until a person removes it. Also kept: pinned ones, the newest good one, the newest proven one, and,
 * until somebody has accepted that newer ones hold less or something else, the last full ones.
 */
export function planRotation(
  history: SourceHistory,
  verdict: SourceVerdict,
  policy: Policy,
  now: Date,
  { anyShare }: { anyShare: boolean },
): RotationPlan {
  const { source, backups } = history;
  const reasons = reasonsFor(verdict, policy);
  const guarded = guardsOf(verdict, reasons);
  const planned = backups.map((found): PlannedBackup => {
    const why = [...(reasons.get(found.id) ?? []), ...(guarded.get(found.id) ?? [])];
    const all: Reason[] = found.pinned ? [...why, { rule: 'pinned' }] : why;
    return {
      found,
      action: all.length === 0 ? 'remove' : 'keep',
      reasons: all,
      tiers: tiersOf({ reasons: all }),
      bytes: bytesOf(found),
    };
  });
  return { source, backups: planned, refusal: refusalOf(source, planned, verdict, policy, now, anyShare) };
}

/** The backups that a plan removes. */
export function removedBy({ backups }: RotationPlan): PlannedBackup[] {
  return backups.filter(({ action }) => action === 'remove');
}

function reasonsFor({ backups, adopted }: SourceVerdict, { retention, timeZone }: Policy): Map<BackupId, Reason[]> {
  const reasons = new Map<BackupId, Reason[]>();
  const judged = backups.filter(({ damage, misdated }) => !isUnread(damage) && misdated === undefined);
  for (const { id, reasons: asGood } of planRetention(judged, retention, timeZone))
    reasons.set(id, asGood.length > 0 ? [{ rule: 'damaged' }] : []);
  for (const { id, reasons: given } of planRetention(
    backups.filter(({ good }) => good),
    retention,
    timeZone,
  ))
    reasons.set(id, given);
  for (const { id, damage, misdated } of backups) {
    if (isUnread(damage)) reasons.set(id, [{ rule: 'unreadable' }]);
    else if (misdated !== undefined) reasons.set(id, [{ rule: 'misdated' }]);
  }
  for (const { id } of adopted) reasons.set(id, [{ rule: 'adopted' }]);
  return reasons;
}

/** Backups that stay although the policy does not keep them. */
function guardsOf(
  { backups, newest, proven, full, hold }: SourceVerdict,
  reasons: ReadonlyMap<BackupId, Reason[]>,
): Map<BackupId, Reason[]> {
  const guards = new Map<BackupId, Reason[]>();
  function guard(id: BackupId | undefined, rule: 'last-good' | 'last-proven' | 'last-full' | 'most-rows'): void {
    if (id !== undefined && (reasons.get(id) ?? []).length === 0) guards.set(id, [...(guards.get(id) ?? []), { rule }]);
  }
  guard((newest ?? backups.at(-1))?.id, 'last-good');
  guard(proven?.id, 'last-proven');
  for (const id of hold) guard(id, id === full?.id ? 'last-full' : 'most-rows');
  return guards;
}

/**
 * A backup dated in the future that suggests that this clock is behind: the newest of less than a year ahead, or the
 * newest at all if most backups are ahead. Accepted ones don't count.
 */
function isClockBehind({ backups }: SourceVerdict, now: Date): Verdict | undefined {
  const ahead = backups.filter(({ start, accepted }) => !accepted && start.getTime() > now.getTime());
  const near = ahead.findLast(({ start }) => start.getTime() - now.getTime() < yearMs);
  return near ?? (ahead.length * 2 > backups.length ? ahead.at(-1) : undefined);
}

function refusalOf(
  source: SourceName,
  planned: readonly PlannedBackup[],
  verdict: SourceVerdict,
  { rotation: { maxShare }, timeZone }: Policy,
  now: Date,
  anyShare: boolean,
): BackupError | undefined {
  const ahead = isClockBehind(verdict, now);
  if (ahead !== undefined) {
    return new BackupError(
      'rotation-refused',
      `${source}: the clock says ${now.toISOString()}, and the newest backup is of ` +
        `${ahead.start.toISOString()}: nothing was removed`,
      {
        hint:
          `set the clock of this machine; if it is right, ${ahead.id} was not made then: nightjar accept ` +
          `${word(source)}`,
      },
    );
  }
  const removed = planned.filter(({ action }) => action === 'remove').length;
  if (removed === planned.length && removed > 0)
    return new BackupError(
      'rotation-refused',
      `${source}: nothing would be left of ${plural(removed, 'backup')}: nothing was removed`,
    );
  const startsOf = (some: readonly PlannedBackup[]): Date[] => some.map(({ found }) => found.start);
  const days = lostDays(startsOf(planned), startsOf(planned.filter(({ action }) => action === 'keep')), timeZone);
  if (anyShare || !exceeds(days, maxShare)) return undefined;
  const what =
    `${removed} of ${plural(planned.length, 'backup')} would be removed and ${days.lost} of ${days.of} days left ` +
    'without one';
  return new BackupError(
    'rotation-refused',
    `${source}: ${what}, more than ${maxShare} % at once: nothing was removed`,
    {
      hint:
        `see what and why: nightjar rotate ${word(source)} --dry-run; if that is meant: nightjar rotate ` +
        `${word(source)} --any-share; for good: rotation.maxShare`,
    },
  );
}

function bytesOf({ objects }: BackupFound): Bytes {
  return objects.reduce((sum, { bytes }) => sum + bytes, 0);
}
