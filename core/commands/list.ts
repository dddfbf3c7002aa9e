import type { Manifest } from '../contract/manifest.ts';
import { BackupError, isBackupError } from '../domain/errors.ts';
import { historyOf, lastProof } from '../domain/history.ts';
import { backupId, backupOfManifestKey, manifestKey, sourceSegment } from '../domain/keys.ts';
import type { BackupId, SourceName } from '../domain/keys.ts';
import type { ProofRecord } from '../domain/records.ts';
import type { Lock, Vault } from '../ports.ts';
import { atOnce } from './at-once.ts';
import { parseManifest } from './manifest-document.ts';

/** One line of a listing. A manifest that can't be read is shown as what it is: not skipped, and not a failure of the listing. */
export type ListedBackup = { id: BackupId; source: SourceName; pinned: boolean; /** The newest look at it. */ proof?: ProofRecord } & ({ status: 'complete'; manifest: Manifest } | { status: 'unreadable'; why: string });

const readsAtOnce = 8;

/** The ids of a source's complete backups, oldest first. */
export async function backupIds(source: SourceName, vault: Vault, signal: AbortSignal): Promise<BackupId[]> {
  const ids: BackupId[] = [];
  for await (const { key } of vault.list(`${sourceSegment(source)}/`, signal)) {
    const found = backupOfManifestKey(key);
    if (found?.source === source) ids.push(found.id);
  }
  return ids.sort();
}

/** A source's backups, oldest first; one that was removed since they were listed is none. */
export async function listBackups(source: SourceName, vault: Vault, signal: AbortSignal): Promise<ListedBackup[]> {
  const { backups } = historyOf(source, await Array.fromAsync(vault.list(`${sourceSegment(source)}/`, signal)));
  const listed = await atOnce(readsAtOnce, backups, async (found, stop): Promise<ListedBackup | undefined> => {
    const proof = lastProof(found);
    const known = { id: found.id, source, pinned: found.pinned, ...(proof && { proof }) };
    try {
      return { ...known, status: 'complete', manifest: (await readManifest(source, found.id, vault, stop)).manifest };
    } catch (error) {
      if (isBackupError(error, 'backup-missing')) return undefined;
      if (!isBackupError(error, 'manifest-invalid')) throw error;
      return { ...known, status: 'unreadable', why: error.message };
    }
  }, signal);
  return listed.filter((one) => one !== undefined);
}

/** The manifest of one backup; `latest` is the newest one of the source. Throws `backup-missing`, `manifest-invalid`. */
export async function findManifest(source: SourceName, which: string, vault: Vault, signal: AbortSignal): Promise<Manifest> {
  if (which !== 'latest') return (await readManifest(source, backupId(which), vault, signal)).manifest;
  for (let tries = 1; ; tries += 1) {
    const newest = (await backupIds(source, vault, signal)).at(-1);
    if (newest === undefined) throw missing(source, 'there is none yet', vault, `take one: nightjar backup ${source}`);
    try {
      return (await readManifest(source, newest, vault, signal)).manifest;
    } catch (error) {
      // removed since it was listed
      if (!isBackupError(error, 'backup-missing') || tries === 3) throw error;
    }
  }
}

type Read = { manifest: Manifest; lock: Lock | undefined; stays: boolean };

/**
 * One manifest, what keeps it from being deleted for good, and whether a delete would only hide it. What can't be understood is read once
 * more, for it may have changed on its way. Throws `backup-missing`, `manifest-invalid`.
 */
export async function readManifest(source: SourceName, id: BackupId, vault: Vault, signal: AbortSignal): Promise<Read> {
  const first = await readOnce(source, id, vault, signal);
  const read = 'why' in first ? await readOnce(source, id, vault, signal) : first;
  if (!('why' in read)) return read;
  throw new BackupError('manifest-invalid', `${vault.place}/${manifestKey(source, id)} can't be read: ${read.why}`, {
    hint: 'was it written by a newer Nightjar, or changed by hand? Other backups, and other copies of this one, are not affected',
  });
}

async function readOnce(source: SourceName, id: BackupId, vault: Vault, signal: AbortSignal): Promise<Read | { why: string }> {
  try {
    const { body, lock, stays } = await vault.read(manifestKey(source, id), signal);
    const parsed = parseManifest(body);
    if ('why' in parsed) return parsed;
    const { manifest } = parsed;
    if (manifest.source !== source || manifest.id !== id) return { why: `it is the manifest of ${manifest.source} ${manifest.id}` };
    return { manifest, lock, stays: stays === true };
  } catch (error) {
    if (isBackupError(error, 'object-missing')) throw missing(source, `none with the id ${id}`, vault);
    if (isBackupError(error, 'object-too-large')) return { why: error.message };
    throw error;
  }
}

function missing(source: SourceName, what: string, vault: Vault, hint = `see what there is: nightjar list ${source}`): BackupError {
  return new BackupError('backup-missing', `no backup of ${source} in ${vault.place}: ${what}`, { hint });
}
