import type { Manifest, ManifestPart } from '../contract/manifest.ts';
import { isBackupError } from '../domain/errors.ts';
import type { BackupError } from '../domain/errors.ts';
import { partKey } from '../domain/keys.ts';
import type { BackupId, SourceName } from '../domain/keys.ts';
import { formatBytes, plural } from '../domain/units.ts';
import type { Bytes } from '../domain/units.ts';
import type { Clock, Report, Vault } from '../ports.ts';
import { atOnce } from './at-once.ts';
import { openPart } from './parts.ts';
import { recorded } from './records.ts';

/** What reading everything again has shown: every damaged or missing part, not only the first. */
export type Verification = { id: string; source: string; parts: number; bytes: Bytes; storedBytes: Bytes; problems: { file: string; error: BackupError }[] };

/** Is told of each chunk that was read. */
type Watch = (part: ManifestPart, chunk: Uint8Array) => void;

const readsAtOnce = 2;

/** Reads every byte of a backup again and compares sizes and checksums. Throws only where the vault could not be asked. */
export async function verify(manifest: Manifest, { vault, report, watch = () => {} }: { vault: Vault; report: Report; watch?: Watch }, signal: AbortSignal): Promise<Verification> {
  const source = manifest.source as SourceName;
  const id = manifest.id as BackupId;
  const totalBytes = manifest.parts.reduce((sum, part) => sum + part.bytes, 0);
  report({ type: 'planned', source, id, what: 'reading every part again', totalBytes, parts: manifest.parts.length });
  const problems = await atOnce(readsAtOnce, manifest.parts, async (part, stop) => {
    try {
      for await (const chunk of openPart(partKey(source, id, part.file), part, vault, stop)) {
        watch(part, chunk);
        report({ type: 'progress', rows: 0, bytes: chunk.length, storedBytes: 0 });
      }
      report({ type: 'part-done', file: part.file, bytes: part.bytes, storedBytes: part.storedBytes, rows: part.rows ?? 0 });
      return [];
    } catch (error) {
      if (!isBackupError(error, 'part-corrupt', 'object-missing')) throw error;
      return [{ file: part.file, error }];
    }
  }, signal);
  const storedBytes = manifest.parts.reduce((sum, part) => sum + part.storedBytes, 0);
  return { id, source, parts: manifest.parts.length, bytes: totalBytes, storedBytes, problems: problems.flat() };
}

/** The same, and writes down beside the backup how it ended. */
export async function verifyRecorded(manifest: Manifest, deps: { vault: Vault; report: Report; clock: Clock }, signal: AbortSignal): Promise<Verification> {
  return recorded('verify', manifest, deps, () => verify(manifest, deps, signal), ({ parts, storedBytes, problems }) => ({
    compared: `size and SHA-256 of ${plural(parts, 'part')}, ${formatBytes(storedBytes)}`,
    differences: problems.map(({ error }) => error.message),
  }));
}
