import { isBackupId, objectKey } from '../keys.ts';
import type { BackupId, ObjectKey, SourceName } from '../keys.ts';

/** The document of a backup that makes it exist. */
export const manifestFile = 'manifest.json';

const manifestPattern = /^([^/]*)\/([^/]*)\/manifest\.json$/;

/** The signature of the manifest's bytes, where manifests are signed. */
export const signatureFile = 'manifest.sig';

/** A source's name as one path segment: everything but letters, digits, `.`, `_` and `-` is percent-encoded. */
export function sourceSegment(source: SourceName): string {
  const encoded = encodeURIComponent(source).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return encoded.replace(/^\.+/, (dots) => '%2E'.repeat(dots.length));
}

/** The source of a path segment; undefined if no source is written like this. */
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

/** Where a source's ledger lies. */
export function ledgerKey(source: SourceName): ObjectKey {
  return objectKey(`${sourceSegment(source)}/ledger.json`);
}

/** The backup that this manifest key belongs to; undefined for every other object. */
export function backupOfManifestKey(key: string): { source: SourceName; id: BackupId } | undefined {
  const found = manifestPattern.exec(key);
  if (found === null) return undefined;
  const [, segment, id] = found as unknown as [string, string, string];
  const source = sourceOfSegment(segment);
  return source === undefined || !isBackupId(id) ? undefined : { source, id };
}

/** The folder of outboxes, below the vault's prefix: no source can have this name. */
export const outboxFolder = '.outbox/';

/** The folder of the lists of databases on whole servers: no source can have this name. */
export const serversFolder = '.servers/';

/** Where the list of a server's databases lies. */
export function serverKey(server: SourceName): ObjectKey {
  return objectKey(`${serversFolder}${sourceSegment(server)}.json`);
}

/** The folder of claims in a store without conditional writes: no source can have this name. */
export const claimsFolder = '.claims/';

/**
 * The object with which `nightjar doctor` tries a vault: each run writes and removes it. Every role that sends messages
 * may write there.
 */
export const probeKey = objectKey(`${outboxFolder}doctor.json`);
