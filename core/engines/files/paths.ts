import { messageOf } from '../../domain/errors.ts';

/** What reads alike as letters and as bytes. */
const plain = /^[\x01-\x7f]*$/;

/** The path of what lies at `path` (bytes, a letter each) below a folder, for the system. */
export function at(folder: string, path: string): string | Buffer {
  if (plain.test(path)) return `${folder}/${path}`;
  return Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(path, 'latin1')]);
}

/** What the system calls an error: `ENOENT`. */
export function codeOf(error: unknown): string | undefined {
  const { code } = error as NodeJS.ErrnoException;
  return code;
}

/** Lets pass that something is not there. */
export function unlessGone(error: unknown): undefined {
  if (!['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '')) throw error;
}

/** Why the system refused something, without the path, which may be no text. */
export function whyOf(error: unknown): string {
  return messageOf(error).replace(/, \w+ '.*$/s, '');
}
