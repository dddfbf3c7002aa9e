import * as z from 'zod';
import type { Manifest } from '../../contract/manifest/manifest.ts';
import { BackupError, isBackupError, messageOf } from '../../domain/errors.ts';
import type { FailureCode } from '../../domain/errors.ts';
import type { BackupId, SourceName } from '../../domain/keys.ts';
import { pinKey, proofKey } from '../../domain/verdict/records.ts';
import type { ProofKind } from '../../domain/verdict/records.ts';
import type { Clock, Report, Vault } from '../../ports.ts';
import { backupIds } from '../manifests.ts';

/** What a record of a proof holds, for people who look into it: nothing of Nightjar reads it. */
export type ProofBody = {
  kind: ProofKind;
  outcome: 'passed' | 'failed';
  at: string;
  compared: string;
  differences: string[];
  ms: number;
};

type Recording = { vault: Vault; clock: Clock; report: Report };

/** Failures that speak against the backup itself, and not against a target, a network or a wish. */
const againstBackup: readonly FailureCode[] = ['part-corrupt', 'object-missing', 'manifest-invalid', 'proof-failed'];
const recordLimitMs = 30_000;

/**
 * Does the work of a proof and writes down beside the backup how it ended; `judge` says what was compared and what was
 * found wrong. A record that can't be written is a warning: a role that restores may well read only. A failure that
 * says nothing about the backup leaves no record.
 */
export async function recorded<T>(
  kind: ProofKind,
  manifest: Pick<Manifest, 'source' | 'id'>,
  deps: Recording,
  work: () => Promise<T>,
  judge: (result: T) => { compared: string; differences: string[] } | undefined,
): Promise<T> {
  const began = deps.clock.now().getTime();
  try {
    const result = await work();
    const found = judge(result);
    if (found !== undefined) await record({ ...found, outcome: found.differences.length === 0 ? 'passed' : 'failed' });
    return result;
  } catch (error) {
    if (isBackupError(error, ...againstBackup))
      await record({ compared: 'ended early', differences: [messageOf(error)], outcome: 'failed' });
    throw error;
  }

  async function record({ outcome, ...found }: Pick<ProofBody, 'compared' | 'differences' | 'outcome'>): Promise<void> {
    const at = deps.clock.now();
    const key = proofKey(manifest.source as SourceName, manifest.id as BackupId, { kind, outcome, at });
    const body: ProofBody = { kind, outcome, at: at.toISOString(), ...found, ms: at.getTime() - began };
    try {
      await deps.vault.putIfAbsent(
        key,
        Buffer.from(JSON.stringify(body, undefined, 1)),
        {},
        AbortSignal.timeout(recordLimitMs),
      );
    } catch (error) {
      // of the same second and outcome: it tells the same
      if (!isBackupError(error, 'object-exists'))
        deps.report({ type: 'warning', message: `the record of this ${kind} could not be kept: ${messageOf(error)}` });
    }
  }
}

const pinSchema = z.strictObject({ reason: z.string(), at: z.iso.datetime(), by: z.string() });

/** Why a backup stays whatever the policy says. */
export type Pin = z.infer<typeof pinSchema>;

/**
 * Pins a backup: rotation leaves it alone until it is unpinned. A pin that is there already gets the new reason. Throws
 * `backup-missing`.
 */
export async function pin(
  source: SourceName,
  id: BackupId,
  { reason, by }: Pick<Pin, 'reason' | 'by'>,
  { vault, clock }: Pick<Recording, 'vault' | 'clock'>,
  signal: AbortSignal,
): Promise<Pin> {
  await requireBackup(source, id, vault, signal);
  const key = pinKey(source, id);
  const made: Pin = { reason, at: clock.now().toISOString(), by };
  const body = Buffer.from(JSON.stringify(made, undefined, 1));
  try {
    await vault.putIfAbsent(key, body, {}, signal);
  } catch (error) {
    if (!isBackupError(error, 'object-exists')) throw error;
    await vault.putIfUnchanged(key, body, (await vault.read(key, signal)).version, signal);
  }
  // a rotation may have removed it while we pinned it
  await requireBackup(source, id, vault, signal);
  return made;
}

/** Takes a pin away; false where there was none. Throws `backup-missing`. */
export async function unpin(
  source: SourceName,
  id: BackupId,
  { vault }: Pick<Recording, 'vault'>,
  signal: AbortSignal,
): Promise<boolean> {
  await requireBackup(source, id, vault, signal);
  const key = pinKey(source, id);
  for await (const found of vault.list(key, signal)) {
    if (found.key !== key) continue;
    await vault.delete(key, signal);
    return true;
  }
  return false;
}

async function requireBackup(source: SourceName, id: BackupId, vault: Vault, signal: AbortSignal): Promise<void> {
  if ((await backupIds(source, vault, signal)).includes(id)) return;
  throw new BackupError('backup-missing', `no backup of ${source} in ${vault.place}: none with the id ${id}`, {
    hint: `see what there is: nightjar list ${source}`,
  });
}
