import { isBackupError } from '../../domain/errors.ts';
import type { BackupId, SourceName } from '../../domain/keys.ts';
import type { SourceRules } from '../../domain/verdict/verdict.ts';
import type { Clock } from '../../ports.ts';
import type { Store } from '../../store/store.ts';
import { chooseBackup } from '../../survey/choose.ts';

/**
 * How the configured keys fit the newest backup of a source. `signature`: `older` means from before signing. `content`:
 * opened by one of our identities, or never encrypted. `signs`: a private key is here and fits.
 */
export type KeysChecked = {
  source: SourceName;
  id: string;
  signature: 'genuine' | 'older' | 'unasked';
  content: 'opened' | 'plain';
  signs: boolean;
};

/**
 * Tries the keys of a source on its newest backup, whatever its verdict: its signature must be as configured, it must
 * open, and a private key that can be read here must belong to the public ones. Throws as `chooseBackup` does,
 * `key-missing`, `secret-missing`, `part-corrupt`.
 */
export async function checkKeys(
  source: SourceName,
  memory: SourceRules,
  deps: { store: Store; clock: Clock },
  signal: AbortSignal,
): Promise<KeysChecked> {
  const { store } = deps;
  const { manifest } = await chooseBackup(source, 'newest', memory, deps, signal);
  const isAsked = store.signingRules(source) !== undefined;
  const isDue = store.hasToBeSigned(source, manifest.id as BackupId);
  // reads the whole of the smallest part, so its checksum and its end are checked, too
  await store.readCatalog(manifest, signal);
  return {
    source,
    id: manifest.id,
    signature: isDue ? 'genuine' : isAsked ? 'older' : 'unasked',
    content: manifest.encryption === null ? 'plain' : 'opened',
    signs: isAsked && (await canSign(source, store, signal)),
  };
}

/** A private key that can't be read here is no fault: only what makes backups needs it. */
async function canSign(source: SourceName, store: Store, signal: AbortSignal): Promise<boolean> {
  try {
    return (await store.signer(source, signal)) !== undefined;
  } catch (error) {
    if (isBackupError(error, 'secret-missing')) return false;
    throw error;
  }
}
