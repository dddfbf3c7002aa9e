import type { Adopted } from '../../../../core/contract/manifest/manifest.ts';
import { moment } from '../../../../core/domain/messages/text.ts';
import { formatBytes } from '../../../../core/domain/units.ts';

/**
 * Which dump a backup was, and who adopted it: `adopted from shop.sql.gz (1.2 MB), by ann@desk, 2026-11-29 18:30 UTC`.
 */
export function adoptedText({ file, bytes, by, at }: Adopted, timeZone: string): string {
  return `adopted from ${file} (${formatBytes(bytes)}), by ${by}, ${moment(new Date(at), timeZone)}`;
}
