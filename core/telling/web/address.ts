import { BackupError } from '../../domain/errors.ts';

/** Reads a secret when it is needed: a run that has done its work must not fail for want of it. */
export type SecretReader = (signal: AbortSignal) => Promise<string>;

/** A secret address: https, or http to this machine. Throws `notify-failed`, without showing it. */
export async function secretUrl(to: string, read: SecretReader, signal: AbortSignal): Promise<string> {
  const url = URL.parse((await read(signal)).trim());
  const local = url !== null && ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname);
  if (
    url !== null &&
    (url.protocol === 'https:' || (url.protocol === 'http:' && local)) &&
    url.username === '' &&
    url.password === ''
  )
    return url.href;
  throw new BackupError('notify-failed', `the address of ${to} is no https URL`, {
    hint: 'is it the right secret, and whole?',
  });
}
