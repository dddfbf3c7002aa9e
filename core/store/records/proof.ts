import type { Manifest } from '../../contract/manifest/manifest.ts';
import { BackupError, isBackupError, messageOf } from '../../domain/errors.ts';
import type { FailureCode } from '../../domain/errors.ts';
import type { BackupId, ObjectKey, SourceName } from '../../domain/keys.ts';
import { proofKey } from '../../domain/layout/records.ts';
import type { ProofKind } from '../../domain/layout/records.ts';
import type { Clock, Report } from '../../ports.ts';
import type { Vault } from '../../vault.ts';
import { vaultOption, word } from '../../domain/messages/text.ts';
import { backupIds } from '../backups/manifests.ts';
import { writeJson } from '../json.ts';
import { alsoDamaged } from './also-damaged.ts';

/** The content of a record of a proof, for people: Nightjar itself never reads it. */
export type ProofBody = {
  kind: ProofKind;
  outcome: 'passed' | 'failed';
  at: string;
  compared: string;
  differences: string[];
  ms: number;
};

type RecordingDeps = { clock: Clock; report: Report };

/** `damaged`: keys of parts that were found damaged while this store was read. */
export type Recording = { vault: Vault; damaged: Set<ObjectKey> };

/** An adopted backup is proven before its manifest is written. */
type ProvenBackup = Pick<Manifest, 'source' | 'id' | 'adopted'>;
type Proving = { kind: ProofKind; manifest: ProvenBackup; began: number };
type ProofEnd = Pick<ProofBody, 'compared' | 'differences' | 'outcome'>;

/** Failures that speak against the backup itself, rather than against a target, a network or a request. */
const againstBackup: readonly FailureCode[] = ['part-corrupt', 'object-missing', 'manifest-invalid', 'proof-failed'];
const recordLimitMs = 30_000;

/**
 * Does the work of a proof and records its outcome beside the backup; `judge` says what was compared and what was found
 * wrong. A record that can't be written is a warning, because a role that restores may be allowed only to read. A
 * failure that says nothing about the backup is not recorded. If a part was found damaged, a failure is also recorded
 * beside every backup that shares it.
 */
export async function withProofRecord<T>(
  recording: Recording,
  kind: ProofKind,
  manifest: ProvenBackup,
  deps: RecordingDeps,
  work: () => Promise<T>,
  judge: (result: T) => { compared: string; differences: string[] } | undefined,
): Promise<T> {
  const proving: Proving = { kind, manifest, began: deps.clock.now().getTime() };
  const result = await work().catch(async (thrown: unknown) => {
    const error = await orRemoved(thrown, manifest, recording.vault);
    if (isBackupError(error, ...againstBackup)) await record(recording, proving, endedBy(error), deps);
    throw error;
  });
  const found = judge(result);
  const outcome = found?.differences.length === 0 ? 'passed' : 'failed';
  if (found !== undefined) await record(recording, proving, { ...found, outcome }, deps);
  return result;
}

/**
 * Does work that reads some of a backup and can't prove it. Records a failure beside the backup only if a part proved
 * damaged: as a `verify`, because its bytes were read and because a later verify that passes clears it.
 */
export async function withDamageRecord<T>(
  recording: Recording,
  manifest: ProvenBackup,
  deps: RecordingDeps,
  work: () => Promise<T>,
): Promise<T> {
  const proving: Proving = { kind: 'verify', manifest, began: deps.clock.now().getTime() };
  return work().catch(async (thrown: unknown) => {
    const error = await orRemoved(thrown, manifest, recording.vault);
    if (isBackupError(error, 'part-corrupt')) await record(recording, proving, endedBy(error), deps);
    throw error;
  });
}

/** A backup that a rotation removed while it was read is missing, not damaged: then nothing is recorded beside it. */
async function orRemoved(error: unknown, { source, id, adopted }: ProvenBackup, vault: Vault): Promise<unknown> {
  if (!isBackupError(error, 'object-missing') || adopted !== undefined) return error;
  const ids = await backupIds(vault, source as SourceName, AbortSignal.timeout(recordLimitMs)).catch(() => undefined);
  if (ids?.includes(id as BackupId) !== false) return error;
  const what = `${source} ${id} was removed from ${vault.place} while it was read: ${messageOf(error)}`;
  return new BackupError('backup-missing', what, {
    hint: `see what there is: nightjar list ${word(source)}${vaultOption(vault.name)}`,
    cause: error,
  });
}

function endedBy(error: BackupError): ProofEnd {
  return { compared: 'ended early', differences: [messageOf(error)], outcome: 'failed' };
}

async function record(
  { vault, damaged }: Recording,
  { kind, manifest, began }: Proving,
  { outcome, ...found }: ProofEnd,
  { clock, report }: RecordingDeps,
): Promise<void> {
  const [source, id] = [manifest.source as SourceName, manifest.id as BackupId];
  const at = clock.now();
  const limit = AbortSignal.timeout(recordLimitMs);
  const body: ProofBody = { kind, outcome, at: at.toISOString(), ...found, ms: at.getTime() - began };
  const write = (beside: BackupId, as: ProofKind) =>
    writeOnce(vault, proofKey(source, beside, { kind: as, outcome, at }), { ...body, kind: as }, limit);
  try {
    await write(id, kind);
    const others = outcome === 'failed' ? await alsoDamaged(vault, source, id, damaged, limit) : [];
    if (others.length > 0) report({ type: 'warning', message: inCommon(`${source} ${id}`, others) });
    // nobody has restored these: a verify would find their bytes damaged
    for (const other of others) await write(other, 'verify');
  } catch (error) {
    report({ type: 'warning', message: `the record of this ${kind} could not be kept: ${messageOf(error)}` });
  }
}

/** A record of the same second and outcome says the same. */
async function writeOnce(vault: Vault, key: ObjectKey, body: ProofBody, signal: AbortSignal): Promise<void> {
  await writeJson(vault, key, body, {}, signal).catch((error: unknown) => {
    if (!isBackupError(error, 'object-exists')) throw error;
  });
}

function inCommon(what: string, others: readonly BackupId[]): string {
  return `${what} has what is damaged in common with ${others.join(', ')}: damaged, too`;
}
