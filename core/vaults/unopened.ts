import { BackupError } from '../domain/errors.ts';
import type { Vault } from '../vault.ts';

/** In the place of a vault that could not be opened: whatever is asked of it fails with the reason. */
export function unopenedVault(place: string, { message, hint, cause }: BackupError): Vault {
  const reason = (): BackupError => new BackupError('vault-unreachable', message, { hint, cause });
  const fail = () => Promise.reject(reason());
  async function* failing(): AsyncIterable<never> {
    throw reason();
  }
  return {
    place,
    put: fail,
    putIfAbsent: fail,
    putIfUnchanged: fail,
    read: fail,
    get: failing,
    list: failing,
    delete: fail,
    tags: fail,
    retag: fail,
    unfinished: failing,
    abandon: fail,
  };
}
