import { BackupError } from '../domain/errors.ts';
import type { Vault } from '../vault.ts';

/** Stands for a vault that could not be opened: every use throws the reason. */
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
