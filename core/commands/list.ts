import { manifestSchema } from '../contract/manifest.ts';
import type { Manifest } from '../contract/manifest.ts';
import { BackupError, isBackupError } from '../domain/errors.ts';
import { historyOf, lastProof } from '../domain/history.ts';
import { backupId, backupOfManifestKey, manifestKey, sourceSegment } from '../domain/keys.ts';
import type { BackupId, SourceName } from '../domain/keys.ts';
import type { ProofRecord } from '../domain/records.ts';
import type { Lock, Vault } from '../ports.ts';
import { atOnce } from './at-once.ts';

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

/** A source's backups, oldest first. */
export async function listBackups(source: SourceName, vault: Vault, signal: AbortSignal): Promise<ListedBackup[]> {
  const { backups } = historyOf(source, await Array.fromAsync(vault.list(`${sourceSegment(source)}/`, signal)));
  return atOnce(readsAtOnce, backups, async (found, stop): Promise<ListedBackup> => {
    const proof = lastProof(found);
    const listed = { id: found.id, source, pinned: found.pinned, ...(proof && { proof }) };
    try {
      return { ...listed, status: 'complete', manifest: (await readManifest(source, found.id, vault, stop)).manifest };
    } catch (error) {
      if (!isBackupError(error, 'manifest-invalid')) throw error;
      return { ...listed, status: 'unreadable', why: error.message };
    }
  }, signal);
}

/** The manifest of one backup; `latest` is the newest one of the source. Throws `backup-missing`, `manifest-invalid`. */
export async function findManifest(source: SourceName, which: string, vault: Vault, signal: AbortSignal): Promise<Manifest> {
  if (which !== 'latest') return (await readManifest(source, backupId(which), vault, signal)).manifest;
  const newest = (await backupIds(source, vault, signal)).at(-1);
  if (newest === undefined) throw missing(source, 'there is none yet', vault, `take one: nightjar backup ${source}`);
  return (await readManifest(source, newest, vault, signal)).manifest;
}

/** One manifest, what keeps it from being deleted for good, and whether a delete would only hide it. Throws `backup-missing`, `manifest-invalid`. */
export async function readManifest(source: SourceName, id: BackupId, vault: Vault, signal: AbortSignal): Promise<{ manifest: Manifest; lock: Lock | undefined; stays: boolean }> {
  const key = manifestKey(source, id);
  const { body, lock, stays } = await vault.read(key, signal).catch((error: unknown) => {
    throw isBackupError(error, 'object-missing') ? missing(source, `none with the id ${id}`, vault) : error;
  });
  const parsed = manifestSchema.safeParse(parseJson(body));
  if (!parsed.success || parsed.data.source !== source || parsed.data.id !== id) {
    const why = parsed.success ? `it is the manifest of ${parsed.data.source} ${parsed.data.id}` : (parsed.error.issues[0]?.message ?? 'not a manifest');
    throw new BackupError('manifest-invalid', `${vault.place}/${key} can't be read: ${why}`, { hint: 'was it written by a newer Nightjar, or changed by hand?' });
  }
  return { manifest: parsed.data, lock, stays: stays === true };
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString());
  } catch {
    return undefined;
  }
}

function missing(source: SourceName, what: string, vault: Vault, hint = `see what there is: nightjar list ${source}`): BackupError {
  return new BackupError('backup-missing', `no backup of ${source} in ${vault.place}: ${what}`, { hint });
}
