import { abortError, BackupError, messageOf, type FailureCode } from '../../domain/errors.ts';

type FolderMeaning = { code: FailureCode; hint?: string };

const full: FolderMeaning = { code: 'vault-full', hint: 'free some space or enlarge the quota, then run again' };
const denied: FolderMeaning = {
  code: 'vault-denied',
  hint: 'give the user that runs this the right to read and write there',
};
const gone: FolderMeaning = { code: 'vault-unreachable', hint: 'is the disk or the network share mounted?' };
const noLink: FolderMeaning = {
  code: 'vault-failed',
  hint: 'the file system there has no hard links, which leases need; use ext4, xfs, btrfs, zfs, apfs, ntfs or nfs',
};

const meanings: Record<string, FolderMeaning> = {
  ENOSPC: full,
  EDQUOT: full,
  EFBIG: {
    code: 'vault-full',
    hint: 'a file may not become that large: ulimit -f tells the limit of this user, and FAT takes 4 GB',
  },
  EACCES: denied,
  EPERM: denied,
  EROFS: denied,
  ENODEV: gone,
  ENOTCONN: gone,
  EHOSTDOWN: gone,
  ETIMEDOUT: gone,
  ESTALE: gone,
  ENOTSUP: noLink,
  EOPNOTSUPP: noLink,
  EMLINK: noLink,
};

/** Longest wait for a disk to answer: a share whose server is gone may never answer. */
const answerLimitMs = 300_000;

/** The system's code of an error, such as `ENOENT`; undefined for other errors. */
export function codeOf(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;
}

/** Returns undefined if nothing is there; rethrows other errors. */
export function absent(error: unknown): undefined {
  if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR') throw error;
}

/** What a failed disk call means for a vault. `what` says what was tried, on what. */
export function folderError(what: string, error: unknown): BackupError {
  if (error instanceof BackupError) return error;
  const { code, hint } = meanings[codeOf(error) ?? ''] ?? { code: 'vault-failed' };
  return new BackupError(code, `${what}: ${messageOf(error)}`, { hint, cause: error });
}

/** The result of `work`, unless the signal aborts or the disk does not answer in time. */
export async function answered<T>(what: string, work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(abortError(signal));
  const late = new BackupError('vault-unreachable', `${what}: no answer for ${answerLimitMs / 1000} s`, gone);
  const limit = setTimeout(() => reject(late), answerLimitMs);
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort);
  try {
    return await Promise.race([work, promise]);
  } catch (error) {
    throw folderError(what, error);
  } finally {
    clearTimeout(limit);
    signal.removeEventListener('abort', onAbort);
  }
}
