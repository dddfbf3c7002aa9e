import * as z from 'zod';
import { isBackupError } from '../../domain/errors.ts';
import type { BackupId, SourceName } from '../../domain/keys.ts';
import { removalKey } from '../../domain/layout/records.ts';
import type { Clock, Identity } from '../../ports.ts';
import type { Trust } from '../backups/signature.ts';
import { readJson, writeJson } from '../json.ts';

/** Who removes a backup, and why. */
export type RemovalReason = { reason: string; by: string };

/** The word of a removal. `signature` (base64): of what `signedBytes` makes of the rest, where backups are signed. */
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
 * Leaves word that a person removes a backup, before anything of it is gone: a check that misses it then does not call
 * it lost. The word of somebody who began before and did not end stays as it is. Where backups are signed, it is signed,
 * and goes over one that is not. Returns `unsigned` where no private key is configured: then a check will call it lost.
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

/** Whether the word of a removal is ours, where backups are signed: else anybody who may write could hide a loss. */
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

/** Never the bytes of a manifest, which begin with a brace. */
function signedBytes({ source, id, reason, by, at, run }: RemovalWord): Buffer {
  return Buffer.from(`nightjar removal\n${JSON.stringify([source, id, reason, by, at, run])}`);
}
