import { BackupError } from '../errors.ts';
import { plainHost } from '../watch/account.ts';

/**
 * The server that a restore in the cloud goes to: the first of those that the configuration allows, or the one of them
 * that was named; undefined where it allows none, which means the source's own. The login of the source goes there: throws
 * `input-invalid` for any other name.
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
