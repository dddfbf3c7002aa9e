import { isBackupError } from '../../domain/errors.ts';
import { signatureKey } from '../../domain/layout/places.ts';
import type { BackupId, SourceName } from '../../domain/keys.ts';
import type { Vault } from '../../vault.ts';

/** Signs a manifest's bytes. */
export type Sign = (document: Uint8Array, signal: AbortSignal) => Promise<Uint8Array>;

/** How it is known that a source's manifests are ours. */
export type Signing = {
  /** Tells these rules from others: what was judged by others is judged anew. */
  rules: string;
  /** Whether a backup of this name has to be signed. */
  isDue(id: BackupId): boolean;
  /** Whether one of our keys has signed exactly these bytes. */
  isGenuine(document: Uint8Array, signature: Uint8Array): boolean;
  /** What signs, once it has shown that its signatures are taken. Throws `key-missing`, `secret-missing`. */
  signer(signal: AbortSignal): Promise<Sign>;
};

/** How the manifests of a source are signed; undefined where they are not. */
export type SigningOf = (source: SourceName) => Signing | undefined;

/** What it takes to read a manifest, and to know who wrote it. */
export type Trust = { vault: Vault; signingOf: SigningOf };

/** What signs the manifests of a source; undefined where they are not signed. */
export async function signer(signingOf: SigningOf, source: SourceName, signal: AbortSignal): Promise<Sign | undefined> {
  return signingOf(source)?.signer(signal);
}

/** By what the manifests of a source are trusted, as a text that changes with it; undefined where all are. */
export function signingRules(signingOf: SigningOf, source: SourceName): string | undefined {
  return signingOf(source)?.rules;
}

/** Whether a backup of this name counts only where it is signed. */
export function hasToBeSigned(signingOf: SigningOf, source: SourceName, id: BackupId): boolean {
  return signingOf(source)?.isDue(id) === true;
}

/** Why a manifest is none of ours, though it has to be signed; undefined where nothing speaks against it. */
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
