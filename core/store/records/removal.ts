import * as z from 'zod';
import { isBackupError } from '../../domain/errors.ts';
import type { BackupId, SourceName } from '../../domain/keys.ts';
import { removalKey } from '../../domain/layout/records.ts';
import type { Clock, Identity } from '../../ports.ts';
import type { Trust } from '../backups/signature.ts';
import { readJson, writeJson } from '../json.ts';

/** Who removes a backup, and why. */
export type RemovalReason = { reason: string; by: string };

/** The record of a removal. `signature` (base64): over `signedBytes` of the rest, where backups are signed. */
const removalSchema = z.strictObject({
  source: z.string(),
  id: z.string(),
  reason: z.string(),
  by: z.string(),
  at: z.iso.datetime(),
  run: z.string(),
  signature: z.base64(),
});
type RemovalWord = Omit<z.infer<typeof removalSchema>, 'signature'>;

/**
 * Records that a person removes a backup, before anything of it is gone, so that a check does not call it lost. An
 * existing record, of a removal that never ended, stays. Where backups are signed, the record is signed, and replaces
 * one that is not. Returns `unsigned` if no private key is configured: a check will then call the backup lost.
 */
export async function recordRemoval(
  trust: Trust,
  source: SourceName,
  id: BackupId,
  { reason, by }: RemovalReason,
  { clock, identity: { run } }: { clock: Clock; identity: Identity },
  signal: AbortSignal,
): Promise<{ unsigned: boolean }> {
  const { vault, signingOf } = trust;
  const key = removalKey(source, id);
  const word = { source, id, reason, by, at: clock.now().toISOString(), run };
  const signature = await signatureOf(word, trust, signal);
  const { source: _, ...plain } = word;
  const unsigned = signature === undefined && signingOf(source) !== undefined;
  try {
    await writeJson(vault, key, signature === undefined ? plain : { ...word, signature }, {}, signal);
  } catch (error) {
    if (!isBackupError(error, 'object-exists')) throw error;
    const version = signature === undefined ? undefined : (await vault.read(key, signal)).version;
    if (version !== undefined && !(await isRemovalGenuine(trust, source, id, signal)))
      await writeJson(vault, key, { ...word, signature }, { version }, signal);
  }
  return { unsigned };
}

/**
 * Whether the record of a removal is ours, where backups are signed; otherwise anybody who may write could hide a loss.
 */
export async function isRemovalGenuine(
  { vault, signingOf }: Trust,
  source: SourceName,
  id: BackupId,
  signal: AbortSignal,
): Promise<boolean> {
  const signing = signingOf(source);
  if (signing === undefined) return true;
  const read = await readJson(vault, removalKey(source, id), signal);
  const { success, data } = removalSchema.safeParse(read?.document);
  if (!success || data.source !== source || data.id !== id) return false;
  const { signature, ...word } = data;
  return signing.isGenuine(signedBytes(word), Buffer.from(signature, 'base64'));
}

async function signatureOf(word: RemovalWord, { signingOf }: Trust, signal: AbortSignal): Promise<string | undefined> {
  const sign = await signingOf(word.source as SourceName)
    ?.signer(signal)
    .catch((error: unknown) => {
      if (!isBackupError(error, 'secret-missing')) throw error;
      return undefined;
    });
  return sign && Buffer.from(await sign(signedBytes(word), signal)).toString('base64');
}

/** Can never equal the bytes of a manifest, which begin with a brace. */
function signedBytes({ source, id, reason, by, at, run }: RemovalWord): Buffer {
  return Buffer.from(`nightjar removal\n${JSON.stringify([source, id, reason, by, at, run])}`);
}
