import type { Manifest, ManifestPart } from '../contract/manifest/manifest.ts';
import { BackupError, isBackupError } from '../domain/errors.ts';
import type { BackupId, SourceName } from '../domain/keys.ts';
import { formatBytes, plural } from '../domain/units.ts';
import type { Bytes } from '../domain/units.ts';
import type { ByteStream, Clock, Inspect, Report } from '../ports.ts';
import { mapConcurrently } from '../pipeline/concurrency.ts';
import type { Store } from '../store/store.ts';

/** What reading everything again has shown: every damaged or missing part, not only the first. */
export type Verification = {
  id: string;
  source: string;
  parts: number;
  bytes: Bytes;
  storedBytes: Bytes;
  /** Encrypted, and nobody here has the key: sizes and checksums are all that was looked at. */
  sealed: boolean;
  problems: PartProblem[];
};

type PartProblem = { file: string; error: BackupError };

/** `watch` is told of each chunk that was read. */
type VerifyDeps = {
  store: Store;
  report: Report;
  inspect?: Inspect;
  watch?: (part: ManifestPart, chunk: Uint8Array) => void;
};

const readsAtOnce = 2;
const unjudged: Inspect = (_, content) => content;

/**
 * Reads every byte of a backup again, compares sizes and checksums, and has its content inspected. Throws only where
 * the vault could not be asked.
 */
export async function verify(manifest: Manifest, deps: VerifyDeps, signal: AbortSignal): Promise<Verification> {
  const { parts } = manifest;
  const [source, id] = [manifest.source as SourceName, manifest.id as BackupId];
  const totalBytes = parts.reduce((sum, part) => sum + part.bytes, 0);
  deps.report({ type: 'planned', source, id, what: 'reading every part again', totalBytes, parts: parts.length });
  const sealed = await isSealed(manifest, deps.store, signal);
  const found = await mapConcurrently(
    readsAtOnce,
    parts,
    (part, stop) => verifyPart({ backup: manifest, part, sealed }, deps, stop),
    signal,
  );
  const problems = found.flatMap((problem) => problem ?? []);
  if (problems.some(({ error }) => error.code === 'object-missing'))
    await requireStillThere(source, id, deps.store, signal);
  const storedBytes = parts.reduce((sum, part) => sum + part.storedBytes, 0);
  return { id, source, parts: parts.length, bytes: totalBytes, storedBytes, sealed, problems };
}

async function verifyPart(
  { backup, part, sealed }: { backup: Manifest; part: ManifestPart; sealed: boolean },
  { store, report, inspect = unjudged, watch = () => {} }: VerifyDeps,
  signal: AbortSignal,
): Promise<PartProblem | undefined> {
  async function pass(content: ByteStream): Promise<void> {
    for await (const chunk of content) {
      if (!sealed) watch(part, chunk);
      report({ type: 'progress', rows: 0, bytes: chunk.length, storedBytes: 0 });
    }
  }
  const { file, bytes, storedBytes, rows = 0 } = part;
  try {
    const read = { backup, part, sealed, inspect: (content: ByteStream) => inspect(part, content) };
    await store.readWhole(read, pass, report, signal);
  } catch (error) {
    if (!isBackupError(error, 'part-corrupt', 'object-missing')) throw error;
    return { file, error };
  }
  report({ type: 'part-done', file, bytes, storedBytes, rows });
  return undefined;
}

/** Whether a backup is encrypted and can't be opened here. */
async function isSealed({ source, encryption }: Manifest, store: Store, signal: AbortSignal): Promise<boolean> {
  if (encryption === null) return false;
  try {
    await store.identitiesOf(source as SourceName, signal);
    return false;
  } catch (error) {
    if (isBackupError(error, 'key-missing')) return true;
    throw error;
  }
}

/** A backup that was removed while it was read is none, and not damaged. */
async function requireStillThere(source: SourceName, id: BackupId, store: Store, signal: AbortSignal): Promise<void> {
  if ((await store.backupIds(source, signal)).includes(id)) return;
  throw new BackupError('backup-missing', `${source} ${id} was removed from ${store.place} while it was read`, {
    hint: `see what there is: nightjar list ${source}`,
  });
}

/** The same, and writes down beside the backup how it ended. */
export async function verifyRecorded(
  manifest: Manifest,
  deps: { store: Store; report: Report; clock: Clock; inspect?: Inspect },
  signal: AbortSignal,
): Promise<Verification> {
  return deps.store.withProofRecord(
    'verify',
    manifest,
    deps,
    () => verify(manifest, deps, signal),
    ({ parts, storedBytes, sealed, problems }) => ({
      compared: `size${sealed ? ' and SHA-256' : ', SHA-256 and form'} of ${plural(parts, 'part')}, ${formatBytes(storedBytes)}${sealed ? ', encrypted and not opened' : ''}`,
      differences: problems.map(({ error }) => error.message),
    }),
  );
}
