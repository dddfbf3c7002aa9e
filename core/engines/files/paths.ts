import { messageOf } from '../../domain/errors.ts';

/** Text that is the same as letters and as bytes. */
const plain = /^[\x01-\x7f]*$/;

/** The system's path for `path` (bytes, one letter each) below a folder. */
export function at(folder: string, path: string): string | Buffer {
  if (plain.test(path)) return `${folder}/${path}`;
  return Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(path, 'latin1')]);
}

/** The system's code of an error, such as `ENOENT`. */
export function codeOf(error: unknown): string | undefined {
  const { code } = error as NodeJS.ErrnoException;
  return code;
}

/** Returns undefined if something does not exist; rethrows other errors. */
export function unlessGone(error: unknown): undefined {
  if (!['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '')) throw error;
}

/** Why the system refused something, without the path, which may not be text. */
export function whyOf(error: unknown): string {
  return messageOf(error).replace(/, \w+ '.*$/s, '');
}
