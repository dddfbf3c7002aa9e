import { word } from '../../domain/messages/text.ts';
import type { Manifest, ManifestPart } from '../../contract/manifest/manifest.ts';
import { BackupError, isBackupError } from '../../domain/errors.ts';
import type { BackupId, SourceName } from '../../domain/keys.ts';
import { formatBytes, plural } from '../../domain/units.ts';
import type { Bytes } from '../../domain/units.ts';
import { contentDifferences } from '../../domain/compare.ts';
import { firstOf } from '../../domain/lines.ts';
import type { DumpTally } from '../../pipeline/rows/reader.ts';
import { mergeTallies } from '../../pipeline/rows/tables.ts';
import type { ByteStream, Clock, Inspect, Inspection, Report } from '../../ports.ts';
import { mapConcurrently } from '../../pipeline/concurrency.ts';
import type { Store } from '../../store/store.ts';

/** The result of reading everything again: every damaged or missing part, not only the first. */
export type Verification = {
  id: string;
  source: string;
  parts: number;
  bytes: Bytes;
  storedBytes: Bytes;
  /** Encrypted and no key here: only sizes and checksums were checked. */
  sealed: boolean;
  problems: PartProblem[];
};

type PartProblem = { file: string; error: BackupError };

/** The file named by a problem that belongs to no part: the parts lack what the manifest says. */
export const manifestFile = 'manifest.json';

/** `watch` receives each chunk that was read. */
type VerifyDeps = Partial<Inspection> & {
  store: Store;
  report: Report;
  watch?: (part: ManifestPart, chunk: Uint8Array) => void;
};

const readsAtOnce = 2;
const unjudged: Inspect = (_, content) => content;

/**
 * Reads every byte of a backup again, compares sizes and checksums, inspects the content, and compares the counted rows
 * with the manifest. Throws only if the vault can't be read.
 */
export async function verify(manifest: Manifest, deps: VerifyDeps, signal: AbortSignal): Promise<Verification> {
  const { engine, parts } = manifest;
  const [source, id] = [manifest.source as SourceName, manifest.id as BackupId];
  const totalBytes = parts.reduce((sum, part) => sum + part.bytes, 0);
  deps.report({
    type: 'planned',
    source,
    engine,
    id,
    what: 'reading every part again',
    totalBytes,
    parts: parts.length,
  });
  const sealed = await isSealed(manifest, deps.store, signal);
  const inspect = sealed ? unjudged : await inspectionBy(manifest, deps, signal);
  const found = await mapConcurrently(
    readsAtOnce,
    parts,
    (part, stop) => verifyPart({ backup: manifest, part, sealed }, { ...deps, inspect }, stop),
    signal,
  );
  const broken = [...found.flatMap(({ problem }) => problem ?? []), ...uncatalogued(manifest, deps.store.place)];
  const problems =
    broken.length > 0 || deps.reader === undefined || sealed
      ? broken
      : contradictions(
          manifest,
          found.flatMap(({ tally }) => tally ?? []),
          deps.store.place,
        );
  if (problems.some(({ error }) => error.code === 'object-missing'))
    await requireStillThere(source, id, deps.store, signal);
  const storedBytes = parts.reduce((sum, part) => sum + part.storedBytes, 0);
  return { id, source, parts: parts.length, bytes: totalBytes, storedBytes, sealed, problems };
}

/** How the parts of this backup are judged. A part that can't be read for this is reported when all are read. */
async function inspectionBy(
  manifest: Manifest,
  { store, inspect = unjudged, inspectBy }: VerifyDeps,
  signal: AbortSignal,
): Promise<Inspect> {
  const open = (part: ManifestPart, stop: AbortSignal) => store.openPart(manifest, part, stop);
  try {
    return (await inspectBy?.(manifest, open, signal)) ?? inspect;
  } catch (error) {
    if (!isBackupError(error, 'part-corrupt', 'object-missing')) throw error;
    return inspect;
  }
}

async function verifyPart(
  { backup, part, sealed }: { backup: Manifest; part: ManifestPart; sealed: boolean },
  { store, report, inspect = unjudged, reader, watch = () => {} }: VerifyDeps,
  signal: AbortSignal,
): Promise<{ problem?: PartProblem; tally?: DumpTally | undefined }> {
  async function pass(content: ByteStream): Promise<DumpTally | undefined> {
    const counted = part.role === 'data' && !sealed ? reader?.(signal) : undefined;
    for await (const chunk of content) {
      if (!sealed) watch(part, chunk);
      await counted?.write(chunk);
      report({ type: 'progress', rows: 0, bytes: chunk.length, storedBytes: 0 });
    }
    return counted?.end();
  }
  const { file, bytes, storedBytes, rows = 0 } = part;
  try {
    const read = { backup, part, sealed, inspect: (content: ByteStream) => inspect(part, content) };
    const tally = await store.readWhole(read, pass, report, signal);
    report({ type: 'part-done', file, bytes, storedBytes, rows });
    return { tally };
  } catch (error) {
    if (!isBackupError(error, 'part-corrupt', 'object-missing')) throw error;
    return { problem: { file, error } };
  }
}

/** The problem of a manifest without a catalog: every backup is made with one, and no restore works without it. */
function uncatalogued({ parts, source, id }: Manifest, place: string): PartProblem[] {
  if (parts.some(({ role }) => role === 'catalog')) return [];
  const what = `the manifest of ${source} ${id} in ${place} names no catalog, without which nothing is restored`;
  const hint = 'who has written to the vault? Restore another backup, and keep this one to look into it';
  return [{ file: manifestFile, error: new BackupError('part-corrupt', what, { hint }) }];
}

/**
 * Rows that the manifest lists and the intact parts lack. Some engines don't print empty tables, or print sequences in
 * a form that is not counted.
 */
function contradictions(manifest: Manifest, tallies: DumpTally[], place: string): PartProblem[] {
  const lines = contradicting(manifest, tallies);
  if (lines.length === 0) return [];
  const { source, id } = manifest;
  const error = new BackupError(
    'part-corrupt',
    `the manifest of ${source} ${id} in ${place} is not of these parts: ${firstOf(lines, 10)}`,
    { hint: 'who has written to the vault? Restore another backup, and keep this one to look into it' },
  );
  return [{ file: manifestFile, error }];
}

function contradicting(manifest: Manifest, tallies: DumpTally[]): string[] {
  try {
    const seen = mergeTallies(tallies);
    const printed = new Set(seen.tables.map(({ table }) => table));
    const tables = manifest.tables.filter(({ table, rows }) => rows > 0 || printed.has(table));
    const sequences = tallies.some((tally) => tally.sequences !== undefined) ? manifest.sequences : {};
    return contentDifferences({ ...manifest, tables, sequences }, seen);
  } catch (error) {
    if (!isBackupError(error, 'source-changed')) throw error;
    return [error.message];
  }
}

/** Whether a backup is encrypted and can't be opened here: no identity is configured, or none fits. */
async function isSealed(manifest: Manifest, store: Store, signal: AbortSignal): Promise<boolean> {
  const [smallest] = manifest.parts.toSorted((a, b) => a.storedBytes - b.storedBytes);
  if (manifest.encryption === null || smallest === undefined) return false;
  try {
    for await (const _ of store.openPart(manifest, smallest, signal)) break;
    return false;
  } catch (error) {
    if (isBackupError(error, 'key-missing')) return true;
    // damage is found when everything is read
    if (isBackupError(error, 'part-corrupt', 'object-missing')) return false;
    throw error;
  }
}

/** A backup that was removed while it was read is missing, not damaged. */
async function requireStillThere(source: SourceName, id: BackupId, store: Store, signal: AbortSignal): Promise<void> {
  if ((await store.backupIds(source, signal)).includes(id)) return;
  throw new BackupError('backup-missing', `${source} ${id} was removed from ${store.place} while it was read`, {
    hint: `see what there is: nightjar list ${word(source)}`,
  });
}

/** The same, and records the outcome beside the backup. */
export async function verifyRecorded(
  manifest: Manifest,
  deps: { store: Store; report: Report; clock: Clock } & Partial<Inspection>,
  signal: AbortSignal,
): Promise<Verification> {
  return deps.store.withProofRecord(
    'verify',
    manifest,
    deps,
    () => verify(manifest, deps, signal),
    ({ parts, storedBytes, sealed, problems }) => ({
      compared:
        `size${sealed ? ' and SHA-256' : ', SHA-256, form and rows'} of ${plural(parts, 'part')}, ` +
        `${formatBytes(storedBytes)}${sealed ? ', encrypted and not opened' : ''}`,
      differences: problems.map(({ error }) => error.message),
    }),
  );
}
