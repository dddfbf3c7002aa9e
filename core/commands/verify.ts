import type { Manifest, ManifestPart } from '../contract/manifest/manifest.ts';
import { BackupError, isBackupError } from '../domain/errors.ts';
import type { BackupId, SourceName } from '../domain/keys.ts';
import { formatBytes, plural } from '../domain/units.ts';
import type { Bytes } from '../domain/units.ts';
import type { ByteStream, Clock, Inspect, Report } from '../ports.ts';
import { mapConcurrently } from '../pipeline/concurrency.ts';
import { readsDifferently } from '../store/parts/read-again.ts';
import type { PartOfBackup } from '../store/parts/read-again.ts';
import type { Store } from '../store/store.ts';

/** What reading everything again has shown: every damaged or missing part, not only the first. */
export type Verification = {
  id: string;
  source: string;
  parts: number;
  bytes: Bytes;
  storedBytes: Bytes;
  problems: { file: string; error: BackupError }[];
};

/** Is told of each chunk that was read. */
type ChunkWatch = (part: ManifestPart, chunk: Uint8Array) => void;

const readsAtOnce = 2;
const unchanged = (content: ByteStream): ByteStream => content;
const unjudged: Inspect = (_, content) => content;

/**
 * Reads every byte of a backup again, compares sizes and checksums, and has its content inspected. Throws only where
 * the vault could not be asked.
 */
export async function verify(
  manifest: Manifest,
  {
    store,
    report,
    inspect = unjudged,
    watch = () => {},
  }: { store: Store; report: Report; inspect?: Inspect; watch?: ChunkWatch },
  signal: AbortSignal,
): Promise<Verification> {
  const source = manifest.source as SourceName;
  const id = manifest.id as BackupId;
  const totalBytes = manifest.parts.reduce((sum, part) => sum + part.bytes, 0);
  report({ type: 'planned', source, id, what: 'reading every part again', totalBytes, parts: manifest.parts.length });
  const problems = await mapConcurrently(
    readsAtOnce,
    manifest.parts,
    async (part, stop) => {
      try {
        await readWhole(
          { backup: manifest, part, inspect: (content) => inspect(part, content) },
          { store, report, watch },
          stop,
        );
        report({
          type: 'part-done',
          file: part.file,
          bytes: part.bytes,
          storedBytes: part.storedBytes,
          rows: part.rows ?? 0,
        });
        return [];
      } catch (error) {
        if (!isBackupError(error, 'part-corrupt', 'object-missing')) throw error;
        return [{ file: part.file, error }];
      }
    },
    signal,
  );
  if (problems.flat().some(({ error }) => error.code === 'object-missing'))
    await requireStillThere(source, id, store, signal);
  const storedBytes = manifest.parts.reduce((sum, part) => sum + part.storedBytes, 0);
  return { id, source, parts: manifest.parts.length, bytes: totalBytes, storedBytes, problems: problems.flat() };
}

/** Reads a part to its end, once more where only its way was bad. */
async function readWhole(
  { backup, part, inspect = unchanged }: PartOfBackup,
  { store, report, watch }: { store: Store; report: Report; watch: ChunkWatch },
  signal: AbortSignal,
): Promise<void> {
  const place = store.partPlace(backup, part);
  async function read(): Promise<void> {
    for await (const chunk of inspect(store.openPart(backup, part, signal))) {
      watch(part, chunk);
      report({ type: 'progress', rows: 0, bytes: chunk.length, storedBytes: 0 });
    }
  }
  try {
    await read();
  } catch (error) {
    if (!isBackupError(error, 'part-corrupt')) throw error;
    await store.requireWhole(error, { backup, part, inspect }, signal);
    report({ type: 'warning', message: `${place} was changed on its way: read again, it is whole` });
    await read().catch((again: unknown) => {
      throw isBackupError(again, 'part-corrupt') ? readsDifferently(place, again) : again;
    });
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
    ({ parts, storedBytes, problems }) => ({
      compared: `size, SHA-256 and form of ${plural(parts, 'part')}, ${formatBytes(storedBytes)}`,
      differences: problems.map(({ error }) => error.message),
    }),
  );
}
