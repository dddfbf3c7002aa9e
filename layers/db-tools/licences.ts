import { writeFile } from 'node:fs/promises';
import type { Origin, Origins } from './origins.ts';

/** Gathers the copyright files of `packages` in one file, each text once, and returns the packages with those that hold their texts. */
export async function writeLicences(packages: readonly Origin[], origins: Origins, file: string): Promise<Origin[]> {
  const found = new Map(packages.map((one) => [one.name, one]));
  for (const { name } of packages) {
    const { holder } = await origins.copyright(name);
    found.set(holder.name, holder);
  }
  const texts = new Map<string, string[]>();
  for (const { name, version } of [...found.values()].sort(byName)) {
    const { text } = await origins.copyright(name);
    texts.set(text, [...(texts.get(text) ?? []), `${name} ${version}`]);
  }
  const rule = '='.repeat(80);
  await writeFile(file, [...texts].map(([text, names]) => `${rule}\n${names.join('\n')}\n${rule}\n${text}\n`).join('\n'), { mode: 0o644 });
  return [...found.values()].sort(byName);
}

/** The licence names that a machine-readable Debian copyright file (DEP 5) lists; none in an older one. */
export function licenceNames(copyright: string): string[] {
  const names = [...copyright.matchAll(/^License:[ \t]*(\S.*)$/gm)].flatMap(([, text]) => text!.split(/\s+(?:and|or)\s+|,\s*/));
  return [...new Set(names.map((name) => name.trim()))].sort();
}

function byName(a: Origin, b: Origin): number {
  return a.name < b.name ? -1 : 1;
}
