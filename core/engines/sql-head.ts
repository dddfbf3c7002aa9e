import type { Manifest } from '../contract/manifest/manifest.ts';

/** The head of such a text, as SQL comments: no name in it can end a line. */
export function headOf({ source, id, nightjar }: Manifest, more: readonly string[]): string {
  const lines = [`${source} ${id}, backed up by Nightjar ${nightjar}`, ...more];
  return lines.map((line) => `-- ${line.replaceAll(/[^\x20-\x7e]/g, '?')}\n`).join('');
}
