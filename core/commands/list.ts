import type { Manifest } from '../contract/manifest/manifest.ts';
import { lastProof } from '../domain/verdict/history.ts';
import type { BackupFound } from '../domain/verdict/history.ts';
import type { BackupId, SourceName } from '../domain/keys.ts';
import type { SourceRules, SourceVerdict, Verdict } from '../domain/verdict/verdict.ts';
import type { Clock } from '../ports.ts';
import type { Store } from '../store/store.ts';
import { survey } from '../survey/survey.ts';
import type { ManifestReading } from '../survey/survey.ts';

/**
 * One line of a listing. A backup whose manifest can't be read is shown as such: it is neither skipped nor a failure of
 * the listing.
 */
export type ListedBackup = {
  id: BackupId;
  source: SourceName;
  pinned: boolean;
  verdict: Verdict;
  /** When it was proven, if it counts as proven. */
  provenAt?: Date;
  /** Its newest proof. */
  proof?: BackupFound['proofs'][number];
} & ({ status: 'complete'; manifest: Manifest } | { status: 'unreadable'; why: string });

export type Listing = { backups: ListedBackup[]; verdict: SourceVerdict };

/** A source's backups, oldest first, with their verdicts. Leaves out any that are removed while it reads. */
export async function listBackups(
  source: SourceName,
  memory: SourceRules,
  { store, clock }: { store: Store; clock: Clock },
  signal: AbortSignal,
): Promise<Listing> {
  const reads = new Map<BackupId, ManifestReading>();
  const { history, verdict } = await survey(
    await store.listSource(source, signal),
    { memory, at: clock.now(), each: (id, read) => void reads.set(id, read) },
    store,
    signal,
  );
  const verdicts = new Map([...verdict.backups, ...verdict.adopted].map((one) => [one.id, one]));
  const backups = history.backups.map((found): ListedBackup => {
    const proof = lastProof(found);
    const one = verdicts.get(found.id)!;
    const provenAt = one.proven ? found.proofs.findLast(({ kind }) => kind !== 'verify')?.at : undefined;
    const read = reads.get(found.id)!;
    const known = {
      id: found.id,
      source,
      pinned: found.pinned,
      verdict: one,
      ...(provenAt && { provenAt }),
      ...(proof && { proof }),
    };
    return read.status === 'complete'
      ? { ...known, status: 'complete', manifest: read.manifest }
      : { ...known, status: 'unreadable', why: read.why };
  });
  return { backups, verdict };
}
