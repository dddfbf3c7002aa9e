import type { Tier } from '../contract/manifest/manifest.ts';
import type { Manifest } from '../contract/manifest/manifest.ts';
import { startOf } from '../domain/keys.ts';
import type { BackupId, SourceName } from '../domain/keys.ts';
import { planRetention, tiersOf } from '../domain/retention/retention.ts';
import type { BackupFound } from '../domain/verdict/history.ts';
import type { SourceRules, SourceVerdict, Verdict } from '../domain/verdict/verdict.ts';
import type { Clock } from '../ports.ts';
import type { Pin } from '../store/records/pin.ts';
import type { Store } from '../store/store.ts';
import { chooseBackup } from '../survey/choose.ts';
import { survey } from '../survey/survey.ts';

/** One backup, and everything that the vault says of it. `tiers`: what it counts for today. */
export type ShownBackup = {
  manifest: Manifest;
  /** What a person should know before it is used. */
  warnings: string[];
  verdict: Verdict;
  tiers: readonly Tier[];
  pin: Pin | undefined;
  pinned: boolean;
  /** Every look at it, oldest first. */
  proofs: BackupFound['proofs'];
};

/** What there is to know of one backup, of which no part is read. Throws as `chooseBackup` does. */
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
    verdict: verdict.backups.find((one) => one.id === id)!,
    tiers: tiersToday(id, verdict, memory) ?? manifest.tiers,
    pinned: found.pinned,
    pin: found.pinned ? await store.readPin(source, id, signal) : undefined,
    proofs: found.proofs,
  };
}

/** Of a source that is not configured any more, nobody knows. */
function tiersToday(id: BackupId, { backups }: SourceVerdict, { retention, timeZone }: SourceRules) {
  if (retention === undefined) return undefined;
  const good = backups.filter((one) => one.good).map((one) => ({ id: one.id, start: startOf(one.id) }));
  const decision = planRetention(good, retention, timeZone).find((one) => one.id === id);
  return decision === undefined ? [] : tiersOf(decision);
}
