import type { Manifest } from '../contract/manifest/manifest.ts';

/** What stands above such a text, as comments of SQL: nothing in a name ends a line. */
export function headOf({ source, id, nightjar }: Manifest, more: readonly string[]): string {
  const lines = [`${source} ${id}, backed up by Nightjar ${nightjar}`, ...more];
  return lines.map((line) => `-- ${line.replaceAll(/[^\x20-\x7e]/g, '?')}\n`).join('');
}
