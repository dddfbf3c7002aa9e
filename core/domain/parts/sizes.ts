import type { Manifest, ManifestPart } from '../../contract/manifest/manifest.ts';
import type { Bytes } from '../units.ts';

/** A backup's content, size and duration, for all its parts and tables. */
export function sizesOf({ parts, tables, start, end }: Manifest): {
  tables: number;
  rows: number;
  bytes: Bytes;
  storedBytes: Bytes;
  ms: number;
} {
  return {
    tables: tables.length,
    rows: tables.reduce((sum, table) => sum + table.rows, 0),
    bytes: contentBytes(parts),
    storedBytes: parts.reduce((sum, part) => sum + part.storedBytes, 0),
    ms: Date.parse(end) - Date.parse(start),
  };
}

/** How much content a backup has in these parts. */
export function contentBytes(parts: readonly Pick<ManifestPart, 'bytes' | 'live'>[]): Bytes {
  return parts.reduce((sum, { bytes, live = bytes }) => sum + live, 0);
}

/** How much of a backup's stored size it shares with an older backup, from which it took these parts. */
export function sharedBytes(parts: readonly Pick<ManifestPart, 'storedBytes' | 'live'>[]): Bytes {
  return parts.reduce((sum, { storedBytes, live }) => sum + (live === undefined ? 0 : storedBytes), 0);
}
