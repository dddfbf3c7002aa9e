import type { Adopted } from '../../../../core/contract/manifest/manifest.ts';
import { formatBytes } from '../../../../core/domain/units.ts';

/** What dump a backup was, and who took it over: `adopted from shop.sql.gz (1.2 MB), by ann@desk, 2026-11-29T…`. */
export function adoptedText({ file, bytes, by, at }: Adopted): string {
  return `adopted from ${file} (${formatBytes(bytes)}), by ${by}, ${at}`;
}
