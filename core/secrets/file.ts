import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { abortError, BackupError, messageOf } from '../domain/errors.ts';

const largestBytes = 65_536;
const readLimitMs = 10_000;

/**
 * A secret kept in a file, without one newline at its end. Does not check who else may read the file: Docker and
 * Kubernetes mount secrets readable by everybody in the container. Throws `secret-missing`.
 */
export async function readSecretFile(folder: string, file: string, signal: AbortSignal): Promise<string> {
  const path = resolve(folder, file);
  const missing = (why: string, cause?: unknown) =>
    new BackupError('secret-missing', `the secret file ${path} ${why}`, {
      hint: `write the secret, and nothing else, into ${path}, or correct the path in the configuration`,
      cause,
    });
  const limit = AbortSignal.any([signal, AbortSignal.timeout(readLimitMs)]);
  try {
    const found = await stat(path);
    // reading a pipe that nobody writes to would never end
    if (!found.isFile()) throw missing('is not a file');
    if (found.size > largestBytes) throw missing('is too large for a secret');
    const value = (await readFile(path, { encoding: 'utf8', signal: limit })).replace(/\r?\n$/, '');
    if (value === '') throw missing('is empty');
    return value;
  } catch (cause) {
    if (cause instanceof BackupError) throw cause;
    if (signal.aborted) throw abortError(signal);
    const { code } = cause as NodeJS.ErrnoException;
    throw missing(code === 'ENOENT' ? 'is not there' : `can't be read: ${code ?? messageOf(cause)}`, cause);
  }
}
