import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { partPatterns } from '../../core/contract/manifest/part-name.ts';
import type { SourceConfig } from '../../core/contract/config/config.ts';
import { databaseSourceName, wholeServer } from '../../core/contract/config/sources/whole-servers.ts';
import { outboxFolder, serverKey, serversFolder, sourceSegment } from '../../core/domain/layout/places.ts';
import type { SourceName } from '../../core/domain/keys.ts';

/** A vault as policies name it. `prefix` is empty, or ends in a slash. */
export type VaultPlace = { readonly bucket: IBucket; readonly prefix: string };
/** For how many days a vault locks backups, by tier. */
type LocksByTier = { readonly mode: 'governance' | 'compliance' } & {
  readonly [tier in 'daily' | 'weekly' | 'monthly' | 'yearly']?: number | undefined;
};

/** A backup's manifest and its signature. */
export const manifests = '*/manifest.*';

/** A backup's parts, of any engine. In a policy `*` also matches slashes. */
export const parts = partPatterns.map((pattern) => `*/${pattern}`);
/**
 * Only new objects: what records that a backup exists, has begun, was proven or failed is written once and never
 * overwritten (S3 User Guide, enforcing conditional writes).
 */
export const onlyNew = { Null: { 's3:if-none-match': 'false' } };
/**
 * For beginning an upload and sending its pieces, which take no condition; only completing it makes an object (the same
 * page).
 */
export const beforeItIsThere = { Bool: { 's3:ObjectCreationOperation': 'false' } };

/** An object with this tag is deleted by the lifecycle rule: whoever could set it could delete (docs/rotation.md). */
export const notReleased = { StringNotEquals: { 's3:RequestObjectTag/nightjar-tier': 'released' } };

/** Where everything of a source lies, or of every database of a whole server. */
export function placeOf(source: SourceName, config?: SourceConfig): string {
  return config !== undefined && wholeServer(config) !== undefined
    ? `${sourceSegment(databaseSourceName(source, ''))}*/`
    : `${sourceSegment(source)}/`;
}

/**
 * For the backup of a source, or of several below one pattern: writes below its own place, overwrites nothing and
 * deletes nothing.
 */
export function backupStatements(vault: VaultPlace, place: string): PolicyStatement[] {
  const keys = keysBelow(vault, place);
  return [
    listing(vault, place, outboxFolder),
    remembering(vault),
    allow('HoldLease', ['s3:GetObject', 's3:GetObjectTagging', 's3:PutObject'], keys('lease.json')),
    allow('StoreParts', ['s3:PutObject'], keys(...parts), onlyNew),
    allow('UploadParts', ['s3:PutObject'], keys(...parts), beforeItIsThere),
    // each part is confirmed by a HEAD request, which needs the right to read
    allow('ConfirmParts', ['s3:AbortMultipartUpload', 's3:GetObject'], keys(...parts)),
    allow('MakeItExist', ['s3:PutObject'], keys(manifests, 'failures/*', 'starts/*'), onlyNew),
    allow('ReadManifests', ['s3:GetObject'], keys(manifests, 'ledger.json')),
    allow('Tag', ['s3:PutObjectTagging'], keys(manifests, ...parts), notReleased),
  ];
}

/**
 * For a restore: reads the backups of one source, and records beside them whether they were proven and which requests
 * were carried out.
 */
export function restoreStatements(vault: VaultPlace, place: string): PolicyStatement[] {
  const keys = keysBelow(vault, place);
  return [
    listing(vault, place, outboxFolder),
    remembering(vault),
    allow('ReadBackups', ['s3:GetObject'], keys(manifests, 'ledger.json', ...parts)),
    allow('RecordProof', ['s3:PutObject'], keys('*/proofs/*'), onlyNew),
    allow('ReadRequests', ['s3:GetObject'], keys('restores/*')),
    allow('RecordRequest', ['s3:PutObject'], keys('restores/*'), onlyNew),
  ];
}

/** For a drill: reads the backups of one source, and records beside them whether they passed. */
export function drillStatements(vault: VaultPlace, place: string): PolicyStatement[] {
  const keys = keysBelow(vault, place);
  return [
    listing(vault, place, outboxFolder),
    remembering(vault),
    allow('ReadBackups', ['s3:GetObject'], keys(manifests, 'ledger.json', ...parts)),
    allow('RecordProof', ['s3:PutObject'], keys('*/proofs/*-drill-*.json'), onlyNew),
  ];
}

/**
 * For rotation: reads only manifests, and tags and deletes what is Nightjar's. It may not delete versions, so that what
 * it deletes stays for some time.
 */
export function rotateStatements(vault: VaultPlace): PolicyStatement[] {
  const keys = keysBelow(vault, '');
  return [
    listing(vault, ''),
    remembering(vault),
    // this action has no condition for a prefix (Service Authorization Reference, Amazon S3)
    allow('ListUploads', ['s3:ListBucketMultipartUploads'], [vault.bucket.bucketArn]),
    allow(
      'ReadManifests',
      ['s3:GetObject', 's3:GetObjectRetention', 's3:GetObjectLegalHold', 's3:GetObjectTagging'],
      keys(manifests),
    ),
    allow('ReadLedgers', ['s3:GetObject'], keys('*/ledger.json')),
    allow('Tag', ['s3:PutObjectTagging'], keys(manifests, ...parts)),
    allow(
      'Remove',
      ['s3:DeleteObject'],
      keys(manifests, '*/pin.json', '*/proofs/*', '*/failures/*', '*/starts/*', '*/restores/*', ...parts),
    ),
    allow('EndUploads', ['s3:AbortMultipartUpload'], keys(...parts)),
    allow('HoldLeases', ['s3:GetObject', 's3:GetObjectTagging', 's3:PutObject'], keys('*/lease.json')),
  ];
}

/**
 * What rotation also needs in a vault with locks by tier: it extends locks to at most the longest of these days, and
 * only in the vault's mode, because under the other one nobody might be able to lift them. S3 shortens none without
 * another right.
 */
export function lockStatements(vault: VaultPlace, locks: LocksByTier | undefined): PolicyStatement[] {
  const { mode, ...days } = locks ?? {};
  const longest = Math.max(0, ...Object.values(days).map((one) => one ?? 0));
  if (mode === undefined || longest === 0) return [];
  const only = {
    StringEquals: { 's3:object-lock-mode': mode.toUpperCase() },
    NumericLessThanEquals: { 's3:object-lock-remaining-retention-days': String(longest) },
  };
  return [allow('LengthenLocks', ['s3:PutObjectRetention'], keysBelow(vault, '')(manifests, ...parts), only)];
}

/** For a check: lists, reads only manifests and leases, remembers what it has found, and reports it. */
export function checkStatements(vault: VaultPlace): PolicyStatement[] {
  const keys = keysBelow(vault, '');
  return [
    listing(vault, ''),
    remembering(vault),
    // a lease says why nothing has come
    allow('ReadManifests', ['s3:GetObject'], keys(manifests, '*/lease.json')),
    allow(
      'RememberBackups',
      ['s3:GetObject', 's3:GetObjectTagging', 's3:PutObject'],
      keys('ledger.json', '*/ledger.json'),
    ),
  ];
}

/** The list of sources that were found by their tag. */
const roster = 'roster.json';

/** To know the sources that were found by their tag. */
export function readRosterStatement(vault: VaultPlace): PolicyStatement {
  return allow('ReadRoster', ['s3:GetObject'], keysBelow(vault, '')(roster));
}

/** To write that list, which nobody else may: whoever can decides where the backups by tag log in. */
export function rosterStatements(vault: VaultPlace): PolicyStatement[] {
  const writing = ['s3:GetObject', 's3:GetObjectTagging', 's3:PutObject'];
  return [
    listing(vault, roster, outboxFolder),
    remembering(vault),
    allow('WriteRoster', writing, keysBelow(vault, '')(roster)),
  ];
}

/** To know the databases of whole servers. */
export function readServersStatements(vault: VaultPlace, servers: readonly SourceName[]): PolicyStatement[] {
  if (servers.length === 0) return [];
  return [
    listing(vault, serversFolder).copy({ sid: 'ListServers' }),
    allow('ReadServers', ['s3:GetObject'], keysBelow(vault, '')(...servers.map(serverKey))),
  ];
}

/** To write that list for one server: whoever can only decides which of its databases are missed. */
export function rememberServerStatement(vault: VaultPlace, server: SourceName): PolicyStatement {
  return allow('RememberDatabases', ['s3:GetObjectTagging', 's3:PutObject'], keysBelow(vault, '')(serverKey(server)));
}

/** Use of keys, only through one service. */
export function keyStatement(
  sid: string,
  keyArns: string[],
  actions: readonly ('kms:Decrypt' | 'kms:GenerateDataKey')[],
  viaService: string,
): PolicyStatement {
  return allow(sid, actions, keyArns, { StringEquals: { 'kms:ViaService': viaService } });
}

/** A statement that allows. */
export function allow(
  sid: string,
  actions: readonly string[],
  resources: string[],
  conditions?: Record<string, object>,
): PolicyStatement {
  return new PolicyStatement({ sid, actions: [...actions], resources, ...(conditions && { conditions }) });
}

/** For every function that notifies: remembers who was told what, and what waits for whom. */
export function remembering(vault: VaultPlace): PolicyStatement {
  return allow(
    'RememberWhatWasTold',
    ['s3:GetObject', 's3:GetObjectTagging', 's3:PutObject'],
    keysBelow(vault, outboxFolder)('*'),
  );
}

/** Without the right to list objects with this prefix, S3 answers "forbidden" for missing ones. */
export function listing({ bucket, prefix }: VaultPlace, ...below: string[]): PolicyStatement {
  const starts = below.map((folder) => `${prefix}${folder}`);
  return allow(
    'List',
    ['s3:ListBucket'],
    [bucket.bucketArn],
    starts.includes('')
      ? undefined
      : { StringLike: { 's3:prefix': starts.length === 1 ? `${starts[0]}*` : starts.map((start) => `${start}*`) } },
  );
}

/** The objects below a place whose names match. */
export function keysBelow({ bucket, prefix }: VaultPlace, below: string): (...patterns: string[]) => string[] {
  return (...patterns) => patterns.map((pattern) => bucket.arnForObjects(`${prefix}${below}${pattern}`));
}
