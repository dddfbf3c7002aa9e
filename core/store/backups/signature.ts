import { isBackupError } from '../../domain/errors.ts';
import { signatureKey } from '../../domain/layout/places.ts';
import type { BackupId, SourceName } from '../../domain/keys.ts';
import type { Vault } from '../../vault.ts';

/** Signs a manifest's bytes. */
export type Sign = (document: Uint8Array, signal: AbortSignal) => Promise<Uint8Array>;

/** How to recognise that a source's manifests are ours. */
export type Signing = {
  /** Identifies these rules: a backup that was judged by other rules is judged again. */
  rules: string;
  /** Whether the backup of this name has to be signed. */
  isDue(id: BackupId): boolean;
  /** Whether one of our keys has signed exactly these bytes. */
  isGenuine(document: Uint8Array, signature: Uint8Array): boolean;
  /**
   * The function that signs, after checking that its signatures are accepted. Throws `key-missing`, `secret-missing`.
   */
  signer(signal: AbortSignal): Promise<Sign>;
};

/** How the manifests of a source are signed; undefined if they are not. */
export type SigningOf = (source: SourceName) => Signing | undefined;

/** What is needed to read a manifest and to know who wrote it. */
export type Trust = { vault: Vault; signingOf: SigningOf };

/** The function that signs the manifests of a source; undefined if they are not signed. */
export async function signer(signingOf: SigningOf, source: SourceName, signal: AbortSignal): Promise<Sign | undefined> {
  return signingOf(source)?.signer(signal);
}

/**
 * The rules by which the manifests of a source are trusted, as a text that changes with them; undefined if all are
 * trusted.
 */
export function signingRules(signingOf: SigningOf, source: SourceName): string | undefined {
  return signingOf(source)?.rules;
}

/** Whether the backup of this name counts only if it is signed. */
export function hasToBeSigned(signingOf: SigningOf, source: SourceName, id: BackupId): boolean {
  return signingOf(source)?.isDue(id) === true;
}

/** Why a manifest that has to be signed is not ours; undefined if it is, or needs no signature. */
export async function whyUntrusted(
  { vault, signingOf }: Trust,
  { source, id }: { source: SourceName; id: BackupId },
  document: Uint8Array,
  signal: AbortSignal,
): Promise<string | undefined> {
  const signing = signingOf(source);
  if (signing === undefined || !signing.isDue(id)) return undefined;
  try {
    const { body } = await vault.read(signatureKey(source, id), signal);
    return signing.isGenuine(document, body) ? undefined : 'was changed, or no key of the configuration has signed it';
  } catch (error) {
    if (isBackupError(error, 'object-missing')) return 'is not signed';
    if (isBackupError(error, 'object-too-large')) return 'is not signed: what lies beside it is no signature';
    throw error;
  }
}
