import { BackupError } from '../errors.ts';
import { plainHost } from '../watch/account.ts';

/**
 * The server for a restore in the cloud: the first one that the configuration allows, or the named one of them;
 * undefined if none is configured, which means the source's own. The source's login is sent there, so any other name
 * throws `input-invalid`.
 */
export function hostOfRestore(allowed: readonly string[] | undefined, named: string | undefined): string | undefined {
  if (named === undefined) return allowed?.[0];
  const host = allowed?.find((one) => plainHost(one) === plainHost(named));
  if (host === undefined)
    throw new BackupError('input-invalid', `restoreHost: restores of this source may not go to ${named}`, {
      hint:
        allowed === undefined
          ? 'leave it out; cloud.restoreHost of the source lists the servers that an event may name, and names none'
          : `the configuration allows ${allowed.join(', ')}`,
    });
  return host;
}
