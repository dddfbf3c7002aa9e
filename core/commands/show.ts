import type { Tier } from '../contract/manifest/manifest.ts';
import type { Manifest } from '../contract/manifest/manifest.ts';
import { startOf } from '../domain/keys.ts';
import type { BackupId, SourceName } from '../domain/keys.ts';
import { planRetention, tiersOf } from '../domain/retention/retention.ts';
import { shapeOf } from '../domain/verdict/copy-shape.ts';
import type { BackupFound } from '../domain/verdict/history.ts';
import { damagedParts, damageOf, partsNamed, verdictOn } from '../domain/verdict/verdict.ts';
import type { SourceRules, SourceVerdict, Verdict } from '../domain/verdict/verdict.ts';
import type { Clock } from '../ports.ts';
import type { Pin } from '../store/records/pin.ts';
import type { Store } from '../store/store.ts';
import { chooseBackup } from '../survey/choose.ts';
import { survey } from '../survey/survey.ts';

/**
 * One backup, and everything that the vault knows about it. `tiers`: what it counts for today; `shape`: how it lies in
 * the vault, to compare copies with.
 */
export type ShownBackup = {
  manifest: Manifest;
  /** What a person should know before it is used. */
  warnings: string[];
  verdict: Verdict;
  tiers: readonly Tier[];
  pin: Pin | undefined;
  pinned: boolean;
  /** All its proofs, oldest first. */
  proofs: BackupFound['proofs'];
  shape: string;
};

/** A copy of a backup, as a listing shows it. `damaged`: it could not be restored from there as it is. */
export type CopyFound = { state: 'there' | 'missing' } | { state: 'damaged'; why: string };

/** Everything known about one backup, without reading its parts. Throws as `chooseBackup` does. */
export async function showBackup(
  source: SourceName,
  which: string,
  memory: SourceRules,
  deps: { store: Store; clock: Clock },
  signal: AbortSignal,
): Promise<ShownBackup> {
  const { store, clock } = deps;
  const { manifest, warnings } = await chooseBackup(source, which, memory, deps, signal);
  const id = manifest.id as BackupId;
  const forgiving = () => undefined;
  const listed = await store.listSource(source, signal);
  const { history, verdict } = await survey(listed, { memory, at: clock.now(), forgiving }, store, signal);
  const found = history.backups.find((one) => one.id === id);
  if (found === undefined) throw store.missingBackup(source, `${id} was removed a moment ago`);
  return {
    manifest,
    warnings,
    verdict: verdictOn(id, verdict)!,
    tiers: tiersToday(id, verdict, memory) ?? manifest.tiers,
    pinned: found.pinned,
    pin: found.pinned ? await store.readPin(source, id, signal) : undefined,
    proofs: found.proofs,
    shape: shapeOf(found, partsNamed(manifest.parts)),
  };
}

/** Whether a further vault has a backup, too, from its listing only: nothing of the copy is read. */
export async function findCopy(
  { manifest: { source, id, parts }, shape }: Pick<ShownBackup, 'manifest' | 'shape'>,
  store: Store,
  signal: AbortSignal,
): Promise<CopyFound> {
  const { backups } = await store.listSource(source as SourceName, signal);
  const found = backups.find((one) => one.id === id);
  if (found === undefined) return { state: 'missing' };
  const damage = damagedParts(parts, found) ?? damageOf(found, undefined);
  if (damage !== undefined) return { state: 'damaged', why: damage.why };
  return shapeOf(found, partsNamed(parts)) === shape
    ? { state: 'there' }
    : { state: 'damaged', why: 'its manifest, or the signature of that, is another one' };
}

/** Undefined for a source that is no longer configured. */
function tiersToday(id: BackupId, { backups }: SourceVerdict, { retention, timeZone }: SourceRules) {
  if (retention === undefined) return undefined;
  const good = backups.filter((one) => one.good).map((one) => ({ id: one.id, start: startOf(one.id) }));
  const decision = planRetention(good, retention, timeZone).find((one) => one.id === id);
  return decision === undefined ? [] : tiersOf(decision);
}
