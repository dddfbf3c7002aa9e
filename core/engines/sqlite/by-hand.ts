import type { ManifestPart } from '../../contract/manifest/manifest.ts';

/** Stock commands that make the file again from a folder with the backup's objects. `DB` is the file to make. */
export function restoreCommands(parts: ManifestPart[]): string[] {
  const files = parts.filter(({ role }) => role === 'data').map(({ file }) => file);
  return [
    'test ! -e "$DB" && test ! -e "$DB-wal" && test ! -e "$DB-journal"',
    ...files.map((file) => `zstd -dc ${file} > "$DB"`),
    `sqlite3 "$DB" 'PRAGMA integrity_check'`,
  ];
}
