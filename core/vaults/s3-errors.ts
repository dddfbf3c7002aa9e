import { BackupError, messageOf, type FailureCode } from '../domain/errors.ts';
import { endpointHint } from './s3-listing.ts';

type Meaning = { code: FailureCode; hint?: string };

const denied: Meaning = { code: 'vault-denied', hint: 'check the credentials, the role and the policy of the bucket' };
const full: Meaning = { code: 'vault-full', hint: 'enlarge the quota, or keep fewer backups' };
const elsewhere: Meaning = { code: 'vault-unreachable', hint: "set the vault's region to the bucket's" };
const away: Meaning = { code: 'vault-unreachable', hint: "check the vault's endpoint and the network, then run again" };
const damaged: Meaning = { code: 'vault-failed', hint: 'something on the way to the store changes data: proxy, memory, network' };

/** By the code that the store gives. The same status stands for different things, so the code goes first. */
const byName: Record<string, Meaning> = {
  NoSuchBucket: { code: 'vault-unreachable', hint: 'make the bucket, or correct its name' },
  NoSuchKey: { code: 'object-missing' },
  QuotaExceeded: full,
  EntityTooLarge: full,
  InsufficientStorage: full,
  XMinioStorageFull: full,
  PermanentRedirect: elsewhere,
  AuthorizationHeaderMalformed: elsewhere,
  IllegalLocationConstraintException: elsewhere,
  ExpiredToken: denied,
  InvalidToken: denied,
  CredentialsProviderError: denied,
  TokenProviderError: denied,
  RequestTimeout: away,
  SlowDown: away,
  BadDigest: damaged,
  InvalidDigest: damaged,
  XAmzContentSHA256Mismatch: damaged,
  XAmzContentChecksumMismatch: damaged,
  NotAListing: { code: 'vault-failed', hint: endpointHint },
  NotImplemented: { code: 'vault-failed', hint: 'the store lacks what was asked for: try checksums: when-required, or tags: false' },
};

const byStatus: Record<number, Meaning> = {
  403: denied,
  401: denied,
  404: { code: 'object-missing' },
  502: away,
  503: away,
  504: away,
  507: full,
};

/** What a failed request means for a vault. `what` says what was tried, on what. */
export function s3Error(what: string, error: unknown): BackupError {
  if (error instanceof BackupError) return error;
  const { code, hint } = byName[nameOf(error)] ?? byStatus[statusOf(error) ?? 0] ?? (isNetwork(error) ? away : { code: 'vault-failed' });
  return new BackupError(code, `${what}: ${wordsOf(error)}`, { hint, cause: error });
}

/** The HTTP status of a failed request, also when it is the cause of an error of ours; undefined when there was no answer. */
export function statusOf(error: unknown): number | undefined {
  return metadataOf(error)?.httpStatusCode;
}

/** How often the SDK sent a request that failed: from the second time on, an earlier one may have done its work. */
export function attemptsOf(error: unknown): number {
  return metadataOf(error)?.attempts ?? 1;
}

/** The store's code for an error, also when it is the cause of an error of ours. */
export function nameOf(error: unknown): string {
  if (error instanceof BackupError) return nameOf(error.cause);
  return typeof error === 'object' && error !== null && 'name' in error ? String(error.name) : '';
}

/** Whether the store says that what arrived is not what was sent. */
export function isDamage(error: unknown): boolean {
  return byName[nameOf(error)] === damaged;
}

function metadataOf(error: unknown): { httpStatusCode?: number; attempts?: number } | undefined {
  if (error instanceof BackupError) return metadataOf(error.cause);
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return undefined;
  return error.$metadata as { httpStatusCode?: number; attempts?: number };
}

/** No answer came: a system error (`ECONNREFUSED`), a time limit, or several of them for several addresses. */
function isNetwork(error: unknown): boolean {
  if (typeof error !== 'object' || error === null || statusOf(error) !== undefined) return false;
  return 'code' in error || ['TimeoutError', 'AbortError', 'AggregateError'].includes(nameOf(error));
}

function wordsOf(error: unknown): string {
  const name = nameOf(error);
  const words = messageOf(error);
  const status = statusOf(error);
  // "UnknownError" is the SDK's word where the store gives none.
  const said = words === 'UnknownError' ? name : name === '' || name === 'Error' || words.includes(name) ? words : `${name}: ${words}`;
  return status === undefined ? said : `${said} (HTTP ${status})`;
}
