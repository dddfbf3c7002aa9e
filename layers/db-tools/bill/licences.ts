import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Origin, Origins } from './origins.ts';

const texts = 'usr/share/common-licenses';
const rule = '='.repeat(80);

/**
 * Gathers the copyright files of `packages` in one file, each text once, with the texts of the licences that they only
 * name, and where the source is to be had. Returns the packages with those that hold their texts.
 */
export async function writeLicences(
  root: string,
  packages: readonly Origin[],
  origins: Origins,
  file: string,
): Promise<Origin[]> {
  const found = new Map(packages.map((one) => [one.name, one]));
  for (const { name } of packages) {
    const { holder } = await origins.copyright(name);
    found.set(holder.name, holder);
  }
  const common = await origins.of(join(root, texts, 'GPL-3'));
  found.set(common.name, common);
  const all = [...found.values()].sort(byName);
  const copyrights = new Map<string, string[]>();
  for (const { name, version } of all) {
    const { text } = await origins.copyright(name);
    copyrights.set(text, [...(copyrights.get(text) ?? []), `${name} ${version}`]);
  }
  const sections = [...copyrights].map(([text, names]) => `${rule}\n${names.join('\n')}\n${rule}\n${text}\n`);
  for (const name of namedIn([...copyrights.keys()].join('\n'))) {
    sections.push(`${rule}\n/${texts}/${name}\n${rule}\n${await readFile(join(root, texts, name), 'utf8')}\n`);
  }
  await writeFile(file, [sourceOffer(all), ...sections].join('\n'), { mode: 0o644 });
  return all;
}

/** The common licences that copyright files point to by their path on a Debian system. */
export function namedIn(copyright: string): string[] {
  const names = [...copyright.matchAll(/\/usr\/share\/common-licenses\/([A-Za-z0-9][A-Za-z0-9.+-]*)/g)].map(
    ([, name]) => name!.replace(/[.+-]+$/, ''),
  );
  return [...new Set(names)].sort();
}

function sourceOffer(packages: readonly Origin[]): string {
  const sources = [...new Set(packages.map(({ source, sourceVersion }) => `${source}=${sourceVersion}`))];
  return `The programs and libraries of this layer are those of Debian's packages, unchanged but for one: in the loader of the GNU C Library (lib/ld.so, from libc6), the
four folders of a host in which it looks for libraries by itself are overwritten with paths that hold none. The complete source of each is Debian's source
package of the same version; Debian's archive has it, and Debian's snapshot service keeps every version:

${sources.map((one) => `    apt-get source ${one}`).join('\n')}

Below: the copyright file of each package, then the licences that these files name by their path on a Debian system.
`;
}

/** The licence names that a machine-readable Debian copyright file (DEP 5) lists; none in an older one. */
export function licenceNames(copyright: string): string[] {
  const names = [...copyright.matchAll(/^License:[ \t]*(\S.*)$/gm)].flatMap(([, text]) =>
    text!.split(/\s+(?:and|or)\s+|,\s*/),
  );
  return [...new Set(names.map((name) => name.trim()))].sort();
}

function byName(a: Origin, b: Origin): number {
  return a.name < b.name ? -1 : 1;
}
