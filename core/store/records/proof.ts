import type { Manifest } from '../../contract/manifest/manifest.ts';
import { isBackupError, messageOf } from '../../domain/errors.ts';
import type { FailureCode } from '../../domain/errors.ts';
import type { BackupId, SourceName } from '../../domain/keys.ts';
import { proofKey } from '../../domain/layout/records.ts';
import type { ProofKind } from '../../domain/layout/records.ts';
import type { Clock, Report } from '../../ports.ts';
import type { Vault } from '../../vault.ts';
import { writeJson } from '../json.ts';

/** What a record of a proof holds, for people who look into it: nothing of Nightjar reads it. */
export type ProofBody = {
  kind: ProofKind;
  outcome: 'passed' | 'failed';
  at: string;
  compared: string;
  differences: string[];
  ms: number;
};

type Recording = { clock: Clock; report: Report };

/** Failures that speak against the backup itself, and not against a target, a network or a wish. */
const againstBackup: readonly FailureCode[] = ['part-corrupt', 'object-missing', 'manifest-invalid', 'proof-failed'];
const recordLimitMs = 30_000;

/**
 * Does the work of a proof and writes down beside the backup how it ended; `judge` says what was compared and what was
 * found wrong. A record that can't be written is a warning: a role that restores may well read only. A failure that
 * says nothing about the backup leaves no record.
 */
export async function withProofRecord<T>(
  vault: Vault,
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
      await writeJson(vault, key, body, {}, AbortSignal.timeout(recordLimitMs));
    } catch (error) {
      // of the same second and outcome: it tells the same
      if (!isBackupError(error, 'object-exists'))
        deps.report({ type: 'warning', message: `the record of this ${kind} could not be kept: ${messageOf(error)}` });
    }
  }
}
