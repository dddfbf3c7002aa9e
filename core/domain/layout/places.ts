import { isBackupId, objectKey } from '../keys.ts';
import type { BackupId, ObjectKey, SourceName } from '../keys.ts';

/** The document below a backup's place that makes it exist. */
export const manifestFile = 'manifest.json';

const manifestPattern = /^([^/]*)\/([^/]*)\/manifest\.json$/;

/** Beside it: the signature of its bytes, where manifests are signed. */
export const signatureFile = 'manifest.sig';

/** A source's name as one path segment: whatever is not a plain letter, digit, `.`, `_` or `-` is percent-encoded. */
export function sourceSegment(source: SourceName): string {
  const encoded = encodeURIComponent(source).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return encoded.replace(/^\.+/, (dots) => '%2E'.repeat(dots.length));
}

/** The name behind a path segment; undefined where no source is written so. */
export function sourceOfSegment(segment: string): SourceName | undefined {
  try {
    const name = decodeURIComponent(segment) as SourceName;
    return sourceSegment(name) === segment ? name : undefined;
  } catch {
    return undefined;
  }
}

/** Where a backup's objects lie. */
export function backupPrefix(source: SourceName, id: BackupId): string {
  return `${sourceSegment(source)}/${id}/`;
}

/** Where a backup's manifest lies. */
export function manifestKey(source: SourceName, id: BackupId): ObjectKey {
  return objectKey(`${backupPrefix(source, id)}${manifestFile}`);
}

/** Where the signature of a backup's manifest lies. */
export function signatureKey(source: SourceName, id: BackupId): ObjectKey {
  return objectKey(`${backupPrefix(source, id)}${signatureFile}`);
}

/** Where a backup's part of this name lies. */
export function partKey(source: SourceName, id: BackupId, part: string): ObjectKey {
  return objectKey(`${backupPrefix(source, id)}${part}`);
}

/** Where a source's lease lies. */
export function leaseKey(source: SourceName): ObjectKey {
  return objectKey(`${sourceSegment(source)}/lease.json`);
}

/** Where lies what the vault remembers of a source. */
export function ledgerKey(source: SourceName): ObjectKey {
  return objectKey(`${sourceSegment(source)}/ledger.json`);
}

/** The backup whose manifest this key is; undefined for every other object. */
export function backupOfManifestKey(key: string): { source: SourceName; id: BackupId } | undefined {
  const found = manifestPattern.exec(key);
  if (found === null) return undefined;
  const [, segment, id] = found as unknown as [string, string, string];
  const source = sourceOfSegment(segment);
  return source === undefined || !isBackupId(id) ? undefined : { source, id };
}

/** Where outboxes lie, below the vault's prefix: no source can have a folder of this name. */
export const outboxFolder = '.outbox/';

/** Where lies which databases whole servers have: no source can have a folder of this name. */
export const serversFolder = '.servers/';

/** Where lies which databases one of them has. */
export function serverKey(server: SourceName): ObjectKey {
  return objectKey(`${serversFolder}${sourceSegment(server)}.json`);
}

/** Where claims lie in a store without conditional writes: no source can have a folder of this name. */
export const claimsFolder = '.claims/';

/**
 * Where `nightjar doctor` tries what a vault can do: one small object, which each run writes anew and removes. Every role
 * that tells may write there.
 */
export const probeKey = objectKey(`${outboxFolder}doctor.json`);
