import type { Manifest, ManifestPart } from '../../contract/manifest/manifest.ts';
import { isBackupError } from '../../domain/errors.ts';
import type { BackupId, SourceName } from '../../domain/keys.ts';
import type { Bytes } from '../../domain/units.ts';
import { damageOf } from '../../domain/verdict/verdict.ts';
import { listSource } from '../backups/listing.ts';
import { readManifest } from '../backups/manifests.ts';
import type { Trust } from '../backups/signature.ts';
import { canShare, shareParts } from '../parts/sharing.ts';

/** Shares one part; undefined where it has to be brought. Otherwise how many bytes that took: none. */
type Share = (part: ManifestPart, signal: AbortSignal) => Promise<Bytes | undefined>;

/**
 * How parts of a backup that is brought here are shared with the nearest ones that are here already: what their
 * manifests say is the same content. Undefined where this vault can't, or there is none. A part that could not be
 * shared is brought; one that is not as its manifest says is found by whoever reads it, as in any backup here.
 */
export async function sharing(trust: Trust, manifest: Manifest, signal: AbortSignal): Promise<Share | undefined> {
  if (!canShare(trust.vault)) return undefined;
  const [source, id] = [manifest.source as SourceName, manifest.id as BackupId];
  const { backups } = await listSource(trust.vault, source, signal);
  // where one of them is damaged, the others may have the damage in common with it
  if (backups.some((found) => damageOf(found, undefined) !== undefined)) return undefined;
  const ids = backups.map((found) => found.id);
  const nearest = [ids.findLast((one) => one < id), ids.find((one) => one > id)];
  const known = new Map<string, { of: Manifest; part: ManifestPart }>();
  for (const one of nearest) {
    const of = one && (await readManifest(trust, source, one, signal).catch(unlessUnread));
    if (of) for (const part of of.manifest.parts) known.set(digestOf(part), { of: of.manifest, part });
  }
  return async (part, stop) => {
    const like = known.get(digestOf(part));
    if (like === undefined) return undefined;
    const shared = [{ part: like.part, file: part.file }];
    return (await shareParts(trust.vault, shared, like.of, { source, id }, stop)) ? 0 : undefined;
  };
}

function digestOf({ sha256, storedBytes }: ManifestPart): string {
  return `${sha256} ${storedBytes}`;
}

/** Nothing is shared with a backup that can't be believed, or is gone. */
function unlessUnread(error: unknown): undefined {
  if (!isBackupError(error, 'backup-missing', 'manifest-invalid', 'manifest-unsigned')) throw error;
}
