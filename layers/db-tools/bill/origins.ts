import { createHash } from 'node:crypto';
import { readdir, readFile, realpath } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { BackupError } from '../../../core/domain/errors.ts';

/** A Debian package as its control file describes it. */
export type Origin = {
  name: string;
  version: string;
  architecture: string;
  source: string;
  sourceVersion: string;
  homepage: string | undefined;
};

/** Which package of a Debian root a file came from. */
export type Origins = {
  /** The package of a file given by its path in the file system; links are followed. Throws where none is known. */
  of(file: string): Promise<Origin>;
  /** The package's copyright file, and the package that holds it. */
  copyright(name: string): Promise<{ text: string; holder: Origin }>;
  /** Which files of the root are not what was unpacked, or were added. */
  changed(): Promise<string[]>;
};

/** Reads the notes that `debianRoot` keeps of what it unpacked. */
export async function originsOf(root: string): Promise<Origins> {
  const notes = join(root, '.nightjar');
  const names = (await readdir(notes))
    .filter((name) => name.endsWith('.control'))
    .map((name) => name.slice(0, -'.control'.length));
  const byName = new Map<string, Origin>();
  const byPath = new Map<string, string>();
  const hashes = new Map<string, string | undefined>();
  for (const name of names) {
    byName.set(name, parseControl(await readFile(join(notes, `${name}.control`), 'utf8')));
    for (const [path, sha256] of await hashesOf(root, name)) {
      byPath.set(path, name);
      hashes.set(path, sha256);
    }
  }
  const of: Origins['of'] = async (file) => {
    const origin = byName.get(byPath.get(relative(await realpath(root), await realpath(file))) ?? '');
    if (origin) return origin;
    throw new BackupError('internal', `no package is known to hold ${file}`);
  };
  return {
    of,
    async copyright(name) {
      const file = join(root, 'usr/share/doc', name, 'copyright');
      return { text: await readFile(file, 'utf8'), holder: await of(file) };
    },
    async changed() {
      const found = (await filesIn(root)).filter((path) => !hashes.has(path)).map((path) => `${path} (added)`);
      for (const [path, sha256] of hashes) {
        if (sha256 === undefined) continue;
        const content = await readFile(join(root, path)).catch(() => undefined);
        if (content === undefined || createHash('sha256').update(content).digest('hex') !== sha256) found.push(path);
      }
      return found;
    },
  };
}

/** Files and links, but for what every root has beside its packages. */
async function filesIn(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((path) => path.includes('/') && !path.startsWith('.nightjar/'));
}

/** What a package put into a root, with the SHA-256 of each file; undefined for folders and links. */
async function hashesOf(root: string, name: string): Promise<[path: string, sha256: string | undefined][]> {
  const lines = (await readFile(join(root, '.nightjar', `${name}.files`), 'utf8')).split('\n').filter(Boolean);
  return lines.map((line) => [
    line.slice(line.indexOf('  ') + 2),
    line.startsWith('-') ? undefined : line.slice(0, 64),
  ]);
}

function parseControl(text: string): Origin {
  const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1] ?? '';
  const [, source = '', sourceVersion] = /^(\S+)(?: \((.*)\))?/.exec(field('Source') || field('Package')) ?? [];
  const version = field('Version');
  return {
    name: field('Package'),
    version,
    architecture: field('Architecture'),
    source,
    sourceVersion: sourceVersion ?? version,
    homepage: field('Homepage') || undefined,
  };
}

/** What the makers call the version: `1:11.8.6-0+deb13u1` is `11.8.6`. */
export function upstreamVersion(debianVersion: string): string {
  return debianVersion
    .replace(/^\d+:/, '')
    .replace(/-[^-]*$/, '')
    .replace(/[+~].*$/, '');
}
