import type { ManifestPart, TableRows } from '../../../contract/manifest/manifest.ts';
import { mergeTallies, tableRows } from '../../../pipeline/rows/tables.ts';
import type { BackupBefore, PlannedPart, SharedPart } from '../../../ports.ts';
import { blobNamed, layerTally } from '../facts.ts';
import { recipeOf } from './parts.ts';

/** `shared`: blobs that the previous backup has, with their rows; `anew`: what has to be pulled. */
export type BlobsTakenOver = { shared: SharedPart[]; rows: TableRows[]; anew: PlannedPart[] };

/** Equal digests mean equal blobs: what the previous backup has is not pulled again. */
export function takeOverBlobs(parts: readonly PlannedPart[], before: BackupBefore | undefined): BlobsTakenOver {
  const known = new Map<string, ManifestPart>();
  for (const part of before?.manifest.parts ?? []) {
    const digest = blobNamed(part);
    if (digest !== undefined && isItself(part, digest) && before!.isSharable(part)) known.set(digest, part);
  }
  const shared: SharedPart[] = [];
  const tallies: ReturnType<typeof layerTally> = [];
  const anew: PlannedPart[] = [];
  for (const part of parts) {
    const { digest, size, tables } = recipeOf(part);
    const there = known.get(digest);
    if (there?.bytes !== size) {
      anew.push(part);
      continue;
    }
    const tally = layerTally(digest, tables, size);
    tallies.push(...tally);
    const rows = tally.reduce((sum, one) => sum + one.rows, 0);
    const file = `${part.file}${/(\.zst)?(\.age)?$/.exec(there.file)![0]}`;
    shared.push({ part: { ...there, rows, tables: Object.keys(tables) }, file, live: size });
  }
  return { shared, rows: tableRows(mergeTallies([{ tables: tallies, ended: true }])), anew };
}

/** A part stored unchanged has the digest that it is named after; for a compressed or encrypted one nobody can tell. */
function isItself({ file, sha256 }: ManifestPart, digest: string): boolean {
  return /\.(zst|age)$/.test(file) || digest === `sha256:${sha256}`;
}

/** The rows of both. */
export function rowsTogether(...all: (readonly TableRows[])[]): TableRows[] {
  const tallies = all.map((tables) => ({ tables: tables.map((one) => ({ ...one, bytes: 0 })), ended: true }));
  return tableRows(mergeTallies(tallies));
}
