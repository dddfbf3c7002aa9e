import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { partPatterns } from '../../core/contract/manifest/part-name.ts';
import type { SourceConfig } from '../../core/contract/config/config.ts';
import { databaseSourceName, wholeServer } from '../../core/contract/config/sources/whole-servers.ts';
import { outboxFolder, serverKey, serversFolder, sourceSegment } from '../../core/domain/layout/places.ts';
import type { SourceName } from '../../core/domain/keys.ts';

/** A vault as policies name it. `prefix` is empty, or ends in a slash. */
export type VaultPlace = { readonly bucket: IBucket; readonly prefix: string };
/** How a vault locks what counts for a tier, and for how many days. */
type LocksByTier = { readonly mode: 'governance' | 'compliance' } & {
  readonly [tier in 'daily' | 'weekly' | 'monthly' | 'yearly']?: number | undefined;
};

/** A backup's manifest, and the signature of it. */
export const manifests = '*/manifest.*';

/** A backup's parts, whatever the engine. In a policy `*` stands for slashes too. */
export const parts = partPatterns.map((pattern) => `*/${pattern}`);
/**
 * Only where nothing lies yet: what says that a backup exists, has begun, was proven or failed is written once, and
 * never over (S3 User Guide, enforcing conditional writes).
 */
export const onlyNew = { Null: { 's3:if-none-match': 'false' } };
/** To begin an upload and send its pieces, which take no condition; only its end makes an object (the same page). */
export const beforeItIsThere = { Bool: { 's3:ObjectCreationOperation': 'false' } };

/** With this tag an object is the lifecycle rule's: whoever could give it could delete (docs/rotation.md). */
export const notReleased = { StringNotEquals: { 's3:RequestObjectTag/nightjar-tier': 'released' } };

/** Where everything of a source lies, or of every database of a whole server. */
export function placeOf(source: SourceName, config?: SourceConfig): string {
  return config !== undefined && wholeServer(config) !== undefined
    ? `${sourceSegment(databaseSourceName(source, ''))}*/`
    : `${sourceSegment(source)}/`;
}

/** What the backup of a source, or of several below one pattern, does in the vault: writes below its own place, over nothing, and deletes nothing. */
export function backupStatements(vault: VaultPlace, place: string): PolicyStatement[] {
  const keys = keysBelow(vault, place);
  return [
    listing(vault, place, outboxFolder),
    remembering(vault),
    allow('HoldLease', ['s3:GetObject', 's3:GetObjectTagging', 's3:PutObject'], keys('lease.json')),
    allow('StoreParts', ['s3:PutObject'], keys(...parts), onlyNew),
    allow('UploadParts', ['s3:PutObject'], keys(...parts), beforeItIsThere),
    // each part is confirmed by a HEAD request, which takes the right to read
    allow('ConfirmParts', ['s3:AbortMultipartUpload', 's3:GetObject'], keys(...parts)),
    allow('MakeItExist', ['s3:PutObject'], keys(manifests, 'failures/*', 'starts/*'), onlyNew),
    allow('ReadManifests', ['s3:GetObject'], keys(manifests, 'ledger.json')),
    allow('Tag', ['s3:PutObjectTagging'], keys(manifests, ...parts), notReleased),
  ];
}

/**
 * What a restore does: reads the backups of one source, and leaves beside them whether they were proven, and which
 * requests were carried out.
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

/** What a drill does: reads the backups of one source, and leaves beside them whether they have passed. */
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
 * What rotation does: reads manifests alone, tags and deletes what is Nightjar's. It has no right to delete versions,
 * so that what it deletes stays for some time.
 */
export function rotateStatements(vault: VaultPlace): PolicyStatement[] {
  const keys = keysBelow(vault, '');
  return [
    listing(vault, ''),
    remembering(vault),
    // this action knows no condition of a prefix (Service Authorization Reference, Amazon S3)
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
 * What rotation does besides in a vault that has days by tier: it lengthens locks, to the longest of these days, in the
 * mode that the vault has: under another one nobody might lift them. S3 makes none shorter without another right.
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

/** What a check does: lists, reads manifests and leases alone, remembers what it has seen, and tells. */
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

/** Which sources were found by their tag. */
const roster = 'roster.json';

/** To know the sources that were found by their tag. */
export function readRosterStatement(vault: VaultPlace): PolicyStatement {
  return allow('ReadRoster', ['s3:GetObject'], keysBelow(vault, '')(roster));
}

/** To write them down, which nobody else may: who can, says where the backups by tag log in. */
export function rosterStatements(vault: VaultPlace): PolicyStatement[] {
  const writing = ['s3:GetObject', 's3:GetObjectTagging', 's3:PutObject'];
  return [
    listing(vault, roster, outboxFolder),
    remembering(vault),
    allow('WriteRoster', writing, keysBelow(vault, '')(roster)),
  ];
}

/** To know which databases whole servers have. */
export function readServersStatements(vault: VaultPlace, servers: readonly SourceName[]): PolicyStatement[] {
  if (servers.length === 0) return [];
  return [
    listing(vault, serversFolder).copy({ sid: 'ListServers' }),
    allow('ReadServers', ['s3:GetObject'], keysBelow(vault, '')(...servers.map(serverKey))),
  ];
}

/** To write that down of one: who can, decides which of its databases are missed, and nothing else. */
export function rememberServerStatement(vault: VaultPlace, server: SourceName): PolicyStatement {
  return allow('RememberDatabases', ['s3:GetObjectTagging', 's3:PutObject'], keysBelow(vault, '')(serverKey(server)));
}

/** Use of keys, through one service alone. */
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

/** What every function does that tells: it remembers whom it has told what, and what waits for whom. */
export function remembering(vault: VaultPlace): PolicyStatement {
  return allow(
    'RememberWhatWasTold',
    ['s3:GetObject', 's3:GetObjectTagging', 's3:PutObject'],
    keysBelow(vault, outboxFolder)('*'),
  );
}

/** Without the right to list what begins so, S3 calls what is missing forbidden. */
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
