import type { ManifestPart, Tier } from '../../contract/manifest/manifest.ts';
import { encryptedEnding, isPartName } from '../../contract/manifest/part-name.ts';
import { BackupError } from '../../domain/errors.ts';
import type { BackupId, SourceName } from '../../domain/keys.ts';
import { backupPrefix, partKey } from '../../domain/layout/places.ts';
import { tierTags } from '../../domain/retention/tiers.ts';
import { formatCount } from '../../domain/units.ts';
import { mapConcurrently } from '../../pipeline/concurrency.ts';
import { metered } from '../../pipeline/meter.ts';
import type { DumpTally } from '../../pipeline/rows/reader.ts';
import { summed } from '../../pipeline/sum.ts';
import { compress } from '../../pipeline/zstd.ts';
import type { Plan, PlannedPart, Report, Source } from '../../ports.ts';
import type { Vault } from '../../vault.ts';
import { catalogPart } from './catalog.ts';

/** A part as it stands in the vault, and what was counted in it on the way. */
export type StoredPart = { part: ManifestPart; tally?: DumpTally };

/** A backup that is being made. */
export type NewBackup = { source: Source; id: BackupId; tiers: readonly Tier[] };

const discardLimitMs = 30_000;

/** Loaded where something is encrypted: it costs a cold start as much as everything else. */
const age = () => import('../../pipeline/age/age.ts');

/**
 * Sends every part of a plan, and its catalog, through the pipeline into the vault: meter, zstd, SHA-256. Throws
 * `dump-cut` when the end of one is missing, and `internal`, before anything is written, where the engine gives one a
 * name that no part may have.
 */
export async function storeParts(
  vault: Vault,
  plan: Pick<Plan, 'parts' | 'catalog'>,
  backup: NewBackup,
  report: Report,
  signal: AbortSignal,
): Promise<StoredPart[]> {
  const planned = [...plan.parts, catalogPart(plan.catalog)];
  requirePartNames(planned, backup);
  return mapConcurrently(
    backup.source.parallel,
    planned,
    (part, stop) => storePart(vault, part, backup, report, stop),
    signal,
  );
}

function requirePartNames(planned: readonly PlannedPart[], { source, id }: NewBackup): void {
  const taken = new Set<string>();
  for (const part of planned) {
    const file = fileOf(part, source);
    if (!taken.has(file) && isPartName(file, part.role)) taken.add(file);
    else throw badName(part, `${source.name} ${id}: the engine ${source.engine.name}`, taken.has(file));
  }
}

function badName({ role, file }: PlannedPart, whose: string, isTaken: boolean): BackupError {
  const why = isTaken ? 'as another one' : 'as no such part may be';
  return new BackupError('internal', `${whose} calls a ${role} part ${file}, ${why}: nothing was stored`, {
    hint: 'core/contract/manifest/part-name.ts says how parts may be called',
  });
}

/** A part's name in the vault. */
function fileOf({ file, compress: isCompressed }: PlannedPart, { recipients = [] }: Source): string {
  return `${file}${isCompressed ? '.zst' : ''}${recipients.length > 0 ? encryptedEnding : ''}`;
}

async function storePart(
  vault: Vault,
  planned: PlannedPart,
  { source, id, tiers }: NewBackup,
  report: Report,
  signal: AbortSignal,
): Promise<StoredPart> {
  const file = fileOf(planned, source);
  const { recipients = [] } = source;
  const key = partKey(source.name, id, file);
  const meter = metered(planned, report, signal);
  const packed = planned.compress ? compress(meter.stream, source.compressionLevel) : meter.stream;
  const sealed = recipients.length > 0 ? (await age()).encrypted(packed, recipients) : packed;
  const { stream, sum } = summed(sealed, (bytes) =>
    report({ type: 'progress', rows: 0, bytes: 0, storedBytes: bytes }),
  );
  const stored = await vault.put(key, stream, tierTags(tiers), signal);
  if (stored.bytes !== sum.bytes) {
    throw new BackupError(
      'vault-failed',
      `${vault.place}/${key}: ${formatCount(sum.bytes)} bytes were sent, the vault holds ${formatCount(stored.bytes)}`,
    );
  }
  const [bytes, tally] = [meter.bytes(), meter.tally()];
  const rows = tally?.tables.reduce((total, table) => total + table.rows, 0);
  report({ type: 'part-done', file, bytes, storedBytes: sum.bytes, rows: rows ?? 0 });
  const known = { role: planned.role, file, bytes, storedBytes: sum.bytes, sha256: sum.sha256() };
  return { part: { ...known, ...(rows !== undefined && { rows }) }, ...(tally && { tally }) };
}

/**
 * Removes the parts that a failed run has stored. That it can't is no further failure: what is left has no manifest,
 * and rotation sweeps it.
 */
export async function discardParts(vault: Vault, source: SourceName, id: BackupId): Promise<void> {
  const signal = AbortSignal.timeout(discardLimitMs);
  try {
    for await (const { key } of vault.list(backupPrefix(source, id), signal)) await vault.delete(key, signal);
  } catch {
    return;
  }
}
