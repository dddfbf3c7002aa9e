import { realpath } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { BackupError } from '../../../core/domain/errors.ts';
import { readElf, type Elf } from './elf.ts';
import { readElfVersions } from './elf-versions.ts';

/**
 * The libraries that programs load, by the name they are asked for, and the loader that starts them. Paths are real
 * files.
 */
export type Closure = { loader: string; libraries: Map<string, string> };

type Lookup = (name: string, runPath: readonly string[]) => Promise<string | undefined>;

/**
 * Collects what `files` (programs and plugins of a Debian root) load, directly or not. Anything missing, of another
 * machine, or too old for a symbol version that is asked of it is a `tools-missing` error that names all such.
 */
export async function closureOf(root: string, files: readonly string[], machine: Elf['machine']): Promise<Closure> {
  const triplet = machine === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
  const lookup: Lookup = async (name, runPath) => {
    for (const folder of [join(root, 'usr/lib', triplet), ...runPath.map((path) => join(root, path))]) {
      const found = await realpath(join(folder, name)).catch(() => undefined);
      if (found) return found;
    }
    return undefined;
  };
  const libraries = new Map<string, string>();
  const troubles: string[] = [];
  let loader: string | undefined;
  for (const queue = [...files]; queue.length > 0; ) {
    const file = queue.pop()!;
    const elf = await readElf(file);
    if (elf?.machine !== machine) troubles.push(`${basename(file)} is not for ${machine}`);
    if (elf?.interpreter) loader ??= await realpath(join(root, elf.interpreter));
    for (const name of elf?.needed ?? []) {
      if (libraries.has(name)) continue;
      const found = await lookup(name, elf?.runPath ?? []);
      if (found) queue.push(found);
      else troubles.push(`${basename(file)} needs ${name}, which no package has`);
      if (found) libraries.set(name, found);
    }
  }
  if (loader === undefined) throw new BackupError('tools-missing', 'none of the programs names a loader');
  const own = (await readElf(loader))?.soname;
  if (own) libraries.set(own, loader);
  troubles.push(...(await unmetVersions([...files, ...libraries.values()], libraries)));
  if (own) libraries.delete(own);
  if (troubles.length === 0) return { loader, libraries };
  throw new BackupError('tools-missing', `the programs of ${root} are not whole: ${[...new Set(troubles)].join('; ')}`);
}

async function unmetVersions(files: readonly string[], libraries: ReadonlyMap<string, string>): Promise<string[]> {
  const offers = new Map<string, Set<string>>();
  for (const [name, file] of libraries) offers.set(name, new Set((await readElfVersions(file)).offered));
  const unmet: string[] = [];
  for (const file of new Set(files)) {
    for (const { from, version } of (await readElfVersions(file)).required) {
      if (offers.get(from)?.has(version) === false) unmet.push(`${basename(file)} needs ${version} of ${from}`);
    }
  }
  return unmet;
}
