import type { ManifestPart } from '../contract/manifest/manifest.ts';
import { BackupError } from '../domain/errors.ts';
import { partKey } from '../domain/keys.ts';
import type { BackupId, ObjectKey } from '../domain/keys.ts';
import { formatCount } from '../domain/units.ts';
import { checked, summed } from '../pipeline/sum.ts';
import type { DumpReader, DumpTally } from '../pipeline/rows/reader.ts';
import { compress, decompress } from '../pipeline/zstd.ts';
import type { ByteStream, Catalog, PlannedPart, Report, Source, Tags, Vault } from '../ports.ts';

/** A part as it stands in the vault, and what was counted in it on the way. */
export type StoredPart = { part: ManifestPart; tally?: DumpTally };

type PartPlace = { source: Source; id: BackupId; tags: Tags; vault: Vault; report: Report };

const sweepLimitMs = 30_000;

/**
 * Sends a part through the pipeline into the vault: meter, zstd, SHA-256. Throws `dump-cut` when its end is missing.
 */
export async function storePart(planned: PlannedPart, place: PartPlace, signal: AbortSignal): Promise<StoredPart> {
  const { source, id, tags, vault, report } = place;
  const file = planned.compress ? `${planned.file}.zst` : planned.file;
  const key = partKey(source.name, id, file);
  const meter = metered(planned, report, signal);
  const packed = planned.compress ? compress(meter.stream, source.compressionLevel) : meter.stream;
  const { stream, sum } = summed(packed, (bytes) =>
    report({ type: 'progress', rows: 0, bytes: 0, storedBytes: bytes }),
  );
  const stored = await vault.put(key, stream, tags, signal);
  if (stored.bytes !== sum.bytes) {
    throw new BackupError(
      'vault-failed',
      `${vault.place}/${key}: ${formatCount(sum.bytes)} bytes were sent, the vault holds ${formatCount(stored.bytes)}`,
    );
  }
  const rows = meter.tally()?.tables.reduce((total, table) => total + table.rows, 0);
  const part = {
    role: planned.role,
    file,
    bytes: meter.bytes(),
    storedBytes: sum.bytes,
    sha256: sum.sha256(),
    ...(rows === undefined ? {} : { rows }),
  };
  report({ type: 'part-done', file, bytes: part.bytes, storedBytes: part.storedBytes, rows: rows ?? 0 });
  const tally = meter.tally();
  return { part, ...(tally && { tally }) };
}

/** A part's content as it was dumped, checked against the manifest: throws `part-corrupt` at the latest at its end. */
export function openPart(key: ObjectKey, part: ManifestPart, vault: Vault, signal: AbortSignal): ByteStream {
  const name = `${vault.place}/${key}`;
  const stored = checked(vault.get(key, signal), { bytes: part.storedBytes, sha256: part.sha256 }, name);
  return part.file.endsWith('.zst') ? sized(decompress(stored, name), part.bytes, name) : stored;
}

/** The part that holds the catalog: what a restored database is compared with. */
export function catalogPart(catalog: Catalog): PlannedPart {
  async function* open(): ByteStream {
    yield Buffer.from(JSON.stringify(catalog));
  }
  return { role: 'catalog', file: 'catalog.json', compress: true, estimatedBytes: 0, open };
}

/**
 * Removes what a failed run has stored. That it can't is no further failure: what is left has no manifest, and rotation
 * sweeps it.
 */
export async function sweep(prefix: string, vault: Vault): Promise<void> {
  const signal = AbortSignal.timeout(sweepLimitMs);
  try {
    for await (const { key } of vault.list(prefix, signal)) await vault.delete(key, signal);
  } catch {
    return;
  }
}

function metered(planned: PlannedPart, report: Report, signal: AbortSignal) {
  const reader = planned.reader?.();
  let tally: DumpTally | undefined;
  let bytes = 0;
  async function* pass(): ByteStream {
    let rows = 0;
    for await (const chunk of planned.open(signal)) {
      reader?.write(chunk);
      const now = reader?.progress().rows ?? 0;
      report({ type: 'progress', rows: now - rows, bytes: chunk.length, storedBytes: 0 });
      rows = now;
      bytes += chunk.length;
      yield chunk;
    }
    tally = wholeTally(reader, planned.file);
    if (bytes === 0)
      throw new BackupError('dump-cut', `${planned.file}: the dump program said nothing, and that it succeeded`);
  }
  return { stream: pass(), tally: () => tally, bytes: () => bytes };
}

/** What a reader has counted. Throws `dump-cut` unless the dump's own end marker was the last thing in it. */
export function wholeTally(reader: DumpReader | undefined, file: string): DumpTally | undefined {
  const tally = reader?.end();
  if (tally !== undefined && !tally.ended) {
    throw new BackupError(
      'dump-cut',
      `${file}: the dump ended without its end marker, though the program said that it succeeded`,
      { hint: 'nothing was stored; run the backup again' },
    );
  }
  return tally;
}

/** Ends as soon as there is too much: a few bytes of zstd can stand for any number of others. */
async function* sized(content: ByteStream, bytes: number, name: string): ByteStream {
  let seen = 0;
  for await (const chunk of content) {
    seen += chunk.length;
    if (seen > bytes) break;
    yield chunk;
  }
  if (seen !== bytes)
    throw new BackupError(
      'part-corrupt',
      `${name} is damaged: it holds ${seen > bytes ? 'more than' : `${seen} of`} the ${bytes} bytes that the manifest names`,
    );
}
