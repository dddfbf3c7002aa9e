import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { BackupError } from '../../core/domain/errors.ts';
import { formatBytes } from '../../core/domain/units.ts';
import { mozillaFiles, writeCertificates } from './certificates.ts';
import { closureOf } from './elf/closure.ts';
import { mariadbPlugins, maxLayerBytes, outputBuffer, programs, type LayerArchitecture } from './contents.ts';
import { writeLicences } from './bill/licences.ts';
import { withoutHostFolders } from './elf/loader.ts';
import { originsOf, upstreamVersion, type Origin, type Origins } from './bill/origins.ts';

/** One file of the layer; paths are relative to `/opt/nightjar`. `origin` is the Debian package it came from. */
export type LayerFile = { path: string; bytes: number; sha1: string; sha256: string; origin: Origin | undefined };
/**
 * The layer's files, every Debian package that they or their licences came from, and when the newest program was built.
 */
export type Assembled = { files: LayerFile[]; origins: Origin[]; builtAt: Date };

const loader = 'lib/ld.so';

type Copy = { from: string; path: string };

/** What a layer is laid out from: a Debian root that has all its packages, and the day of its pins. */
export type Ingredients = { root: string; architecture: LayerArchitecture; pinnedAt: string };

/** Lays the layer out in `home`, the folder that will be `/opt/nightjar`. */
export async function assemble(
  { root, architecture, pinnedAt }: Ingredients,
  home: string,
  signal: AbortSignal,
): Promise<Assembled> {
  const origins = await originsOf(root);
  await requireUnchanged(root, origins);
  const copies = await planCopies(root, architecture);
  for (const { from, path } of copies) await place(from, join(home, path));
  await withoutHostFolders(join(home, loader));
  for (const { path, script } of programs) await writeScript(home, path, script);
  await writeCertificates(root, home, signal);

  const origin = new Map<string, Origin>();
  for (const { from, path } of copies) origin.set(path, await origins.of(from));
  const packages = [...origin.values(), await origins.of((await mozillaFiles(root))[0] ?? root)];
  const licensed = await writeLicences(root, packages, origins, join(home, 'licences.txt'));
  await writeFile(
    join(home, 'db-tools.json'),
    `${JSON.stringify(await index(home, { architecture, pinnedAt }, origin), null, 2)}\n`,
    { mode: 0o644 },
  );

  const built = await Promise.all(copies.map(async ({ from }) => (await stat(from)).mtimeMs));
  return { files: await listed(home, origin), origins: licensed, builtAt: new Date(Math.max(...built)) };
}

/** What lies in a cache is not believed: it may be a month old, and a disk, or somebody, may have changed it. */
async function requireUnchanged(root: string, origins: Origins): Promise<void> {
  const changed = await origins.changed();
  if (changed.length === 0) return;
  throw new BackupError(
    'tools-missing',
    `in the cache, these are not what Debian's packages hold: ${changed.slice(0, 10).join(', ')}`,
    { hint: `remove ${root}, and run this again` },
  );
}

async function planCopies(root: string, architecture: LayerArchitecture): Promise<Copy[]> {
  const triplet = architecture === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
  const plugins = join(root, 'usr/lib', triplet, 'libmariadb3/plugin');
  const started = [
    ...programs.map(({ from, path }): Copy => ({ from: join(root, from), path })),
    ...mariadbPlugins.map((name): Copy => ({ from: join(plugins, `${name}.so`), path: `mariadb/plugin/${name}.so` })),
    { from: join(root, outputBuffer.from), path: outputBuffer.path },
  ];
  const { loader: found, libraries } = await closureOf(
    root,
    started.map(({ from }) => from),
    architecture,
  );
  return [
    ...started,
    { from: found, path: loader },
    ...[...libraries].sort().map(([name, from]): Copy => ({ from, path: `lib/${name}` })),
  ];
}

async function place(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, to);
  await chmod(to, 0o755);
}

/**
 * For people, and for programs that start one another: runs the program from wherever the layer lies. Needs a shell,
 * which the layer hasn't.
 */
async function writeScript(home: string, path: string, script: string): Promise<void> {
  const up = script
    .split('/')
    .slice(1)
    .map(() => '..')
    .join('/');
  const text = `#!/bin/sh
home="\${0%/*}/${up}"
export MARIADB_PLUGIN_DIR="$home/mariadb/plugin"
exec "$home/lib/ld.so" --inhibit-cache --library-path "$home/lib" --argv0 "$0" "$home/${path}" "$@"
`;
  await mkdir(dirname(join(home, script)), { recursive: true });
  await writeFile(join(home, script), text);
  await chmod(join(home, script), 0o755);
}

async function index(
  home: string,
  about: Pick<Ingredients, 'architecture' | 'pinnedAt'>,
  origin: ReadonlyMap<string, Origin>,
): Promise<object> {
  const entries = [];
  for (const { name, product, path, script } of programs) {
    const from = origin.get(path)!;
    const version = upstreamVersion(from.version);
    const { size: bytes } = await stat(join(home, path));
    const known = { name, product, major: Number.parseInt(version, 10), version, bytes };
    entries.push({ ...known, path, argv0: script, package: from.name, packageVersion: from.version });
  }
  return {
    format: 1,
    ...about,
    loader,
    libraryPath: ['lib'],
    outputBuffer: outputBuffer.path,
    mariadbPlugins: 'mariadb/plugin',
    certificates: { rds: 'certs/rds-global-bundle.pem', public: 'certs/public-ca.pem' },
    programs: entries,
  };
}

async function listed(home: string, origin: ReadonlyMap<string, Origin>): Promise<LayerFile[]> {
  const files: LayerFile[] = [];
  for (const entry of await readdir(home, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) continue;
    const path = relative(home, join(entry.parentPath, entry.name));
    const content = await readFile(join(home, path));
    const hash = (name: string): string => createHash(name).update(content).digest('hex');
    files.push({ path, bytes: content.length, sha1: hash('sha1'), sha256: hash('sha256'), origin: origin.get(path) });
  }
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  if (bytes <= maxLayerBytes) return files.sort((a, b) => (a.path < b.path ? -1 : 1));
  throw new BackupError(
    'internal',
    `the layer has grown to ${formatBytes(bytes)}, more than ${formatBytes(maxLayerBytes)}`,
  );
}
