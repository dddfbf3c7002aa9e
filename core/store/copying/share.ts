import type { Manifest, ManifestPart } from '../../contract/manifest/manifest.ts';
import { isSharable } from '../../contract/manifest/part-name.ts';
import { isBackupError } from '../../domain/errors.ts';
import type { BackupId, SourceName } from '../../domain/keys.ts';
import type { Bytes } from '../../domain/units.ts';
import { listSource } from '../backups/listing.ts';
import { readManifest } from '../backups/manifests.ts';
import type { Trust } from '../backups/signature.ts';
import { openStored } from '../parts/reading.ts';
import { canShare, shareParts } from '../parts/sharing.ts';
import type { Vault } from '../../vault.ts';

/** A part of a backup in this vault. */
type Like = { of: Manifest; part: ManifestPart };

/** Shares one part and returns the bytes transferred, always 0; undefined if the part has to be copied. */
type Share = (part: ManifestPart, signal: AbortSignal) => Promise<Bytes | undefined>;

/**
 * Shares parts of an incoming backup with its nearest neighbours in this vault: those with the same content by their
 * manifests. They are read first, because a copy must be good even if the backup it shares with is not. Undefined if
 * this vault can't share or has no neighbour. A part that could not be shared is copied.
 */
export async function sharing(trust: Trust, manifest: Manifest, signal: AbortSignal): Promise<Share | undefined> {
  // databases share nothing: spare them the reading of manifests and the question whether the vault locks
  if (!manifest.parts.some(({ file }) => isSharable(file))) return undefined;
  if (!(await canShare(trust.vault, signal))) return undefined;
  const [source, id] = [manifest.source as SourceName, manifest.id as BackupId];
  const ids = (await listSource(trust.vault, source, signal)).backups.map((found) => found.id);
  const nearest = [ids.findLast((one) => one < id), ids.find((one) => one > id)];
  const known = new Map<string, Like>();
  for (const one of nearest) {
    const of = one && (await readManifest(trust, source, one, signal).catch(unlessUnread));
    if (of) for (const part of of.manifest.parts) known.set(digestOf(part), { of: of.manifest, part });
  }
  return async (part, stop) => {
    const like = known.get(digestOf(part));
    if (like === undefined || !(await isWhole(trust.vault, like, stop))) return undefined;
    const shared = [{ part: like.part, file: part.file }];
    return (await shareParts(trust.vault, shared, like.of, { source, id }, stop)) ? 0 : undefined;
  };
}

async function isWhole(vault: Vault, { of, part }: Like, signal: AbortSignal): Promise<boolean> {
  try {
    for await (const _ of openStored(vault, of, part, signal)) continue;
    return true;
  } catch (error) {
    if (!isBackupError(error, 'part-corrupt', 'object-missing')) throw error;
    return false;
  }
}

function digestOf({ sha256, storedBytes }: ManifestPart): string {
  return `${sha256} ${storedBytes}`;
}

/** Nothing is shared with a backup that is gone or can't be trusted. */
function unlessUnread(error: unknown): undefined {
  if (!isBackupError(error, 'backup-missing', 'manifest-invalid', 'manifest-unsigned')) throw error;
}
