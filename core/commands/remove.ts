import { word } from '../domain/messages/text.ts';
import { BackupError, isBackupError } from '../domain/errors.ts';
import type { BackupId, SourceName } from '../domain/keys.ts';
import { verdictOn } from '../domain/verdict/verdict.ts';
import type { SourceRules, Verdict } from '../domain/verdict/verdict.ts';
import type { Clock, Identity } from '../ports.ts';
import type { ManifestFound } from '../store/backups/manifests.ts';
import type { RemovalReason } from '../store/records/removal.ts';
import type { Removal } from '../store/rotation/remove.ts';
import type { Store } from '../store/store.ts';
import { survey } from '../survey/survey.ts';

type RemoveDeps = { store: Store; clock: Clock; identity: Identity };

/**
 * A backup that may be removed. `unsigned`: backups are signed here, but the record of this removal could not be. Once
 * that record is in the vault, `remove` never throws: see `Removal.failures`.
 */
export type Removable = {
  verdict: Verdict;
  /** Undefined if its manifest can't be understood: then its parts are left to the next rotation. */
  found: ManifestFound | undefined;
  remove(why: RemovalReason, signal: AbortSignal): Promise<Removal & { unsigned: boolean }>;
};

/**
 * Looks at a backup that a person wants to remove. Changes nothing until `remove` is called. Throws `backup-missing`,
 * and `input-invalid` for a backup that must stay: a pinned one, or the last good one. Rotation keeps that one, too, so
 * the two together can't leave a source with nothing.
 */
export async function removableBackup(
  source: SourceName,
  id: BackupId,
  memory: SourceRules,
  deps: RemoveDeps,
  signal: AbortSignal,
): Promise<Removable> {
  const { store, clock } = deps;
  const listed = await store.listSource(source, signal);
  const { history, verdict } = await survey(listed, { memory, at: clock.now() }, store, signal);
  const backup = history.backups.find((one) => one.id === id);
  if (backup === undefined) throw store.missingBackup(source, `none with the id ${id}`);
  if (backup.pinned) throw pinned(source, id);
  if (verdict.newest === undefined || verdict.newest.id === id)
    throw lastGood(source, id, verdict.newest === undefined);
  const found = await store.readManifest(source, id, signal).catch((error: unknown) => {
    if (!isBackupError(error, 'manifest-invalid', 'manifest-unsigned')) throw error;
    return undefined;
  });
  return {
    verdict: verdictOn(id, verdict)!,
    found,
    async remove(why, stop) {
      const { unsigned } = await store.recordRemoval(source, id, why, deps, stop);
      const removal = await store.removeBackup(source, id, found?.manifest.parts.map(({ file }) => file) ?? [], stop);
      return { ...removal, unsigned, ...(found?.lock && { lock: found.lock }) };
    },
  };
}

function pinned(source: SourceName, id: BackupId): BackupError {
  return new BackupError('input-invalid', `${source} ${id} is pinned: nothing was removed`, {
    hint: `nightjar show ${word(source)} ${id} says why; to let go of it: nightjar unpin ${word(source)} ${id}`,
  });
}

function lastGood(source: SourceName, id: BackupId, none: boolean): BackupError {
  const why = none
    ? `no backup of ${source} is good, and ${id} may be the best there is`
    : `${id} is the last good one`;
  return new BackupError('input-invalid', `${why}: nothing was removed`, {
    hint: `make another one first: nightjar backup ${word(source)}`,
  });
}
