import type { ManifestPart, Tier } from '../../contract/manifest/manifest.ts';
import { encryptedEnding, isPartName } from '../../contract/manifest/part-name.ts';
import { BackupError } from '../../domain/errors.ts';
import type { BackupId, SourceName } from '../../domain/keys.ts';
import { packsPrefix } from '../../domain/layout/packs.ts';
import { backupPrefix, partKey } from '../../domain/layout/places.ts';
import { tierTags } from '../../domain/retention/tiers.ts';
import type { SourceHistory } from '../../domain/verdict/history.ts';
import { formatCount } from '../../domain/units.ts';
import { mapConcurrently } from '../../pipeline/concurrency.ts';
import { metered } from '../../pipeline/meter.ts';
import type { DumpTally } from '../../pipeline/rows/reader.ts';
import { summed } from '../../pipeline/sum.ts';
import { compress } from '../../pipeline/zstd.ts';
import type { PartNotes, PartOfOthers, Plan, Report, Source } from '../../ports.ts';
import type { Vault } from '../../vault.ts';
import type { LinkedVault } from '../links/shown.ts';
import { catalogPart } from './catalog.ts';

/** A stored part, and what was counted and noted while it was stored. */
export type StoredPart = { part: ManifestPart; tally?: DumpTally; notes: PartNotes };

/**
 * What is stored in one go: parts that an engine makes, other parts, and the catalog if it is already known. `shared`:
 * parts that the backup has already.
 */
export type PartsOfPlan = {
  parts: Plan['parts'];
  shared?: Plan['shared'] | undefined;
  others?: readonly PartOfOthers[] | undefined;
  catalog?: Parameters<typeof catalogPart>[0] | undefined;
};

/**
 * A backup that is being made. `listRecipient`: an additional recipient of its lists. `listed`: what its source was when
 * it was listed under the lease, as long as nothing but its shared and stored parts has been written since.
 */
export type NewBackup = {
  source: Source;
  id: BackupId;
  tiers: readonly Tier[];
  listRecipient?: string | undefined;
  listed?: SourceHistory | undefined;
};

const discardLimitMs = 30_000;

/** Loaded only for encrypted sources: it costs a cold start as much as everything else. */
const age = () => import('../../pipeline/age/age.ts');

/**
 * Sends every part of a plan, and its catalog if it has one, through the pipeline into the vault: meter, zstd, SHA-256.
 * Throws `dump-cut` if the end of a part is missing, and `internal`, before anything is written, if the engine gives a
 * part an invalid name.
 */
export async function storeParts(
  vault: LinkedVault,
  plan: PartsOfPlan,
  backup: NewBackup,
  report: Report,
  signal: AbortSignal,
): Promise<StoredPart[]> {
  const { engine, parallel } = backup.source;
  const made = plan.parts.map((part) => ({ ...part, open: (stop: AbortSignal) => engine.open(part, stop) }));
  const last = plan.catalog === undefined ? [] : [catalogPart(plan.catalog)];
  const parts = [...made, ...(plan.others ?? []), ...last];
  requirePartNames(parts, plan.shared ?? [], backup);
  const into = backup.listed === undefined ? vault : { ...vault, ...vault.knowing?.(backup.listed) };
  return mapConcurrently(parallel, parts, (part, stop) => storePart(into, part, backup, report, stop), signal);
}

function requirePartNames(
  parts: readonly PartOfOthers[],
  shared: NonNullable<Plan['shared']>,
  { source, id }: NewBackup,
): void {
  const taken = new Set(shared.map(({ file }) => file));
  for (const part of parts) {
    const file = fileOf(part, source);
    if (!taken.has(file) && isPartName(file, part.role)) taken.add(file);
    else throw badName(part, `${source.name} ${id}: the engine ${source.engine.name}`, taken.has(file));
  }
}

function badName({ role, file }: PartOfOthers, whose: string, isTaken: boolean): BackupError {
  const why = isTaken ? 'as another one' : 'as no such part may be';
  return new BackupError('internal', `${whose} calls a ${role} part ${file}, ${why}: nothing was stored`, {
    hint: 'core/contract/manifest/part-name.ts says how parts may be called',
  });
}

/** A part's name in the vault. */
function fileOf({ file, compress: isCompressed }: PartOfOthers, { recipients = [] }: Source): string {
  return `${file}${isCompressed ? '.zst' : ''}${recipients.length > 0 ? encryptedEnding : ''}`;
}

async function storePart(
  vault: Vault,
  toStore: PartOfOthers,
  { source, id, tiers, listRecipient }: NewBackup,
  report: Report,
  signal: AbortSignal,
): Promise<StoredPart> {
  const file = fileOf(toStore, source);
  const { recipients: named = [] } = source;
  const own = toStore.isList === true && named.length > 0 && listRecipient !== undefined ? [listRecipient] : [];
  const recipients = [...named, ...own];
  const key = partKey(source.name, id, file);
  const opened = toStore.open(signal);
  const meter = metered(toStore.file, opened, report);
  const packed = toStore.compress ? compress(meter.stream, source.compressionLevel) : meter.stream;
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
  report({ type: 'part-done', file, bytes, storedBytes: sum.bytes, rows: countedIn(tally).rows ?? 0 });
  const known = { role: toStore.role, file, bytes, storedBytes: sum.bytes, sha256: sum.sha256() };
  const notes = await opened.notes();
  return { part: { ...known, ...countedIn(tally) }, ...(tally && { tally }), notes };
}

/** What the manifest says about the rows in a part: how many, and of which tables. */
function countedIn(tally: DumpTally | undefined): Pick<ManifestPart, 'rows' | 'tables'> {
  if (tally === undefined || tally.uncounted === true) return {};
  return {
    rows: tally.tables.reduce((total, { rows }) => total + rows, 0),
    tables: [...new Set(tally.tables.map(({ table }) => table))],
  };
}

/**
 * Removes the parts that a failed run has stored. Failing at that is no further failure: without a manifest they are
 * leftovers, and rotation sweeps them.
 */
export async function discardParts(vault: Vault, source: SourceName, id: BackupId): Promise<void> {
  const signal = AbortSignal.timeout(discardLimitMs);
  try {
    for (const prefix of [backupPrefix(source, id), packsPrefix(source, id)])
      for await (const { key } of vault.list(prefix, signal)) await vault.delete(key, signal);
  } catch {
    return;
  }
}
