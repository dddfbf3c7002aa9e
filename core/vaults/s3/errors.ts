import { BackupError, messageOf, type FailureCode } from '../../domain/errors.ts';
import { endpointHint } from './reading/listing.ts';

type S3Meaning = { code: FailureCode; hint?: string };

const rights =
  's3:ListBucket on the bucket, and s3:GetObject, s3:GetObjectTagging, s3:PutObject, s3:PutObjectTagging and ' +
  's3:AbortMultipartUpload on all that is in it (s3:DeleteObject to rotate)';
const denied: S3Meaning = { code: 'vault-denied', hint: `allow these credentials ${rights}` };
const unknownKey: S3Meaning = {
  code: 'vault-denied',
  hint:
    'the store does not know this access key: correct accessKeyId in the place that the configuration names, or ' +
    'what AWS programs use (AWS_PROFILE, role)',
};
const wrongSecret: S3Meaning = {
  code: 'vault-denied',
  hint: 'the secret is not that of the access key: correct secretAccessKey in the place that the configuration names',
};
const expired: S3Meaning = {
  code: 'vault-denied',
  hint: 'log in to AWS again: the SDK looks at the environment, the profile (AWS_PROFILE) and the role of the machine',
};
const full: S3Meaning = { code: 'vault-full', hint: 'enlarge the quota, or keep fewer backups' };
const elsewhere: S3Meaning = { code: 'vault-unreachable', hint: "set the vault's region to the bucket's" };
const away: S3Meaning = {
  code: 'vault-unreachable',
  hint: "check the vault's endpoint (http or https, host and port) and the network, then run again",
};
const noTls: S3Meaning = {
  code: 'vault-unreachable',
  hint: 'the endpoint speaks no TLS: write it with http:// where the way to it is safe, or give it a certificate',
};
const untrusted: S3Meaning = {
  code: 'vault-unreachable',
  hint:
    "the endpoint's certificate is not trusted here: name its authority in the vault's ca (a PEM file), and the " +
    'endpoint as its certificate does',
};
const damaged: S3Meaning = {
  code: 'vault-failed',
  hint: 'something on the way to the store changes data: proxy, memory, network',
};

/** By the store's error code. It goes first, because one status has several meanings. */
const byName: Record<string, S3Meaning> = {
  NoSuchBucket: { code: 'vault-unreachable', hint: 'make the bucket, or correct its name' },
  NoSuchKey: { code: 'object-missing' },
  NoSuchUpload: {
    code: 'vault-failed',
    hint: 'the upload was ended by somebody else, a lifecycle rule of the bucket perhaps: run again',
  },
  QuotaExceeded: full,
  EntityTooLarge: full,
  InsufficientStorage: full,
  XMinioStorageFull: full,
  PermanentRedirect: elsewhere,
  AuthorizationHeaderMalformed: elsewhere,
  IllegalLocationConstraintException: elsewhere,
  InvalidAccessKeyId: unknownKey,
  SignatureDoesNotMatch: wrongSecret,
  RequestTimeTooSkewed: {
    code: 'vault-denied',
    hint: 'the clock of this machine is wrong by more than 15 minutes: set it, and keep it by NTP (timedatectl)',
  },
  ExpiredToken: expired,
  InvalidToken: expired,
  CredentialsProviderError: expired,
  TokenProviderError: expired,
  RequestTimeout: away,
  SlowDown: away,
  BadDigest: damaged,
  InvalidDigest: damaged,
  XAmzContentSHA256Mismatch: damaged,
  XAmzContentChecksumMismatch: damaged,
  NotAListing: { code: 'vault-failed', hint: endpointHint },
  NotImplemented: {
    code: 'vault-failed',
    hint: 'the store lacks what was asked for: try checksums: when-required, or tags: false',
  },
};

const byStatus: Record<number, S3Meaning> = {
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
  const { code, hint } =
    byName[nameOf(error)] ??
    byStatus[statusOf(error) ?? 0] ??
    (isNetwork(error) ? ofNetwork(error) : { code: 'vault-failed' });
  return new BackupError(code, `${what}: ${wordsOf(error)}`, { hint, cause: error });
}

/**
 * The HTTP status of a failed request, also if it is the cause of one of our errors; undefined if there was no answer.
 */
export function statusOf(error: unknown): number | undefined {
  return metadataOf(error)?.httpStatusCode;
}

/** How often the SDK sent a request that failed: after more than one attempt, an earlier one may have succeeded. */
export function attemptsOf(error: unknown): number {
  return metadataOf(error)?.attempts ?? 1;
}

/** The store's code for an error, also if it is the cause of one of our errors. */
export function nameOf(error: unknown): string {
  if (error instanceof BackupError) return nameOf(error.cause);
  return typeof error === 'object' && error !== null && 'name' in error ? String(error.name) : '';
}

/** Whether the store says that it received something else than was sent. */
export function isDamage(error: unknown): boolean {
  return byName[nameOf(error)] === damaged;
}

function metadataOf(error: unknown): { httpStatusCode?: number; attempts?: number } | undefined {
  if (error instanceof BackupError) return metadataOf(error.cause);
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return undefined;
  return error.$metadata as { httpStatusCode?: number; attempts?: number };
}

/** No answer came: a system error (`ECONNREFUSED`), a timeout, or several errors for several addresses. */
function isNetwork(error: unknown): boolean {
  if (typeof error !== 'object' || error === null || statusOf(error) !== undefined) return false;
  return 'code' in error || ['TimeoutError', 'AbortError', 'AggregateError'].includes(nameOf(error));
}

/** Node's TLS errors (OpenSSL's codes), and all others. */
function ofNetwork(error: unknown): S3Meaning {
  const words = `${messageOf(error)} ${String((error as { code?: unknown }).code)}`;
  if (/wrong version number|EPROTO|packet length too long/i.test(words)) return noTls;
  return /certificate|altnames|CERT_|SELF_SIGNED/i.test(words) ? untrusted : away;
}

function wordsOf(error: unknown): string {
  const name = nameOf(error);
  const words = messageOf(error).replace(/EPROTO .*?:SSL routines:\w*:([^:]+):.*$/s, 'EPROTO: $1');
  const status = statusOf(error);
  // the SDK says "UnknownError" if the store gives no code
  const said =
    words === 'UnknownError'
      ? name
      : name === '' || name === 'Error' || words.includes(name)
        ? words
        : `${name}: ${words}`;
  return status === undefined ? said : `${said} (HTTP ${status})`;
}
