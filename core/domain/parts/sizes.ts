import type { Manifest } from '../../contract/manifest/manifest.ts';
import type { Bytes } from '../units.ts';

/** What a backup holds and took, all parts and tables together. */
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
    bytes: parts.reduce((sum, part) => sum + part.bytes, 0),
    storedBytes: parts.reduce((sum, part) => sum + part.storedBytes, 0),
    ms: Date.parse(end) - Date.parse(start),
  };
}
