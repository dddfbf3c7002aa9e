import { chmod, copyFile, cp, lstat, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BackupError } from '../../core/domain/errors.ts';
import { originsOf } from '../../layers/db-tools/bill/origins.ts';
import type { Origins } from '../../layers/db-tools/bill/origins.ts';
import { debianNames } from '../../layers/db-tools/contents.ts';
import type { LayerArchitecture } from '../../layers/db-tools/contents.ts';
import { closureOf } from '../../layers/db-tools/elf/closure.ts';
import { readElf } from '../../layers/db-tools/elf/elf.ts';
import type { ReportLine } from '../../layers/db-tools/debian/pins.ts';
import { pinRule } from '../../layers/db-tools/layer.ts';
import { installPackage } from './modules.ts';
import { containerRoot } from './pins.ts';

/** `layer`: the folder with the database clients; `tarball`: the packed package; `out`: where everything goes. */
type ContainerParts = { architecture: LayerArchitecture; layer: string; tarball: string; out: string };

const node = join(import.meta.dirname, '../../node_modules/node/bin/node');
const user = 65_532;

/**
 * Lays out the content of an image in an empty folder: a Dockerfile and the root file system that it copies. Returns
 * the size in bytes.
 */
export async function assembleContainer(
  { architecture, layer, tarball, out }: ContainerParts,
  report: ReportLine,
  signal: AbortSignal,
): Promise<number> {
  const debian = await containerRoot(debianNames[architecture], pinRule(process.env), report, signal);
  const rootfs = join(out, 'rootfs');
  await rm(out, { recursive: true, force: true });
  await mkdir(join(rootfs, 'usr'), { recursive: true });
  for (const name of ['bin', 'lib', 'lib64']) await symlink(`usr/${name}`, join(rootfs, name));
  await placePrograms({ debian, architecture, rootfs }, signal);
  await cp(join(layer, 'nightjar'), join(rootfs, 'opt/nightjar'), { recursive: true });
  await installPackage(tarball, join(rootfs, 'usr/lib/node_modules/nightjar'), signal);
  await writeSettings(rootfs);
  await readable(rootfs);
  for (const place of ['dev', 'proc', 'sys', 'tmp', 'nightjar']) await mkdir(join(rootfs, place), { mode: 0o755 });
  await chmod(join(rootfs, 'tmp'), 0o1777);
  await copyFile(join(import.meta.dirname, 'Dockerfile'), join(out, 'Dockerfile'));
  return bytesOf(rootfs);
}

type Programs = { debian: string; architecture: LayerArchitecture; rootfs: string };

/**
 * Node and `sync`, with the loader and libraries that they need, and no other program: there is no shell. The `sh` here
 * only answers one question of pg_dumpall.
 */
async function placePrograms({ debian, architecture, rootfs }: Programs, signal: AbortSignal): Promise<void> {
  const origins = await originsOf(debian);
  const changed = await origins.changed();
  if (changed.length > 0)
    throw new BackupError('tools-missing', `in the cache, ${changed[0]} is not what Debian's package holds`, {
      hint: `remove ${debian}, and run this again`,
    });
  const programs = [node, join(debian, 'usr/bin/sync')];
  const { loader, libraries } = await closureOf(debian, programs, architecture);
  signal.throwIfAborted();
  const triplet = architecture === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
  const interpreter = (await readElf(node))?.interpreter ?? '';
  await place(loader, join(rootfs, 'usr', interpreter));
  for (const [name, file] of libraries) await place(file, join(rootfs, 'usr/lib', triplet, name));
  for (const file of programs) await place(file, join(rootfs, 'usr/bin', file.slice(dirname(file).length + 1)));
  await place(join(import.meta.dirname, 'sh.cjs'), join(rootfs, 'usr/bin/sh'));
  await describePackages(origins, [loader, ...libraries.values(), ...programs.slice(1)], { debian, rootfs });
}

async function place(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, to);
  await chmod(to, 0o755);
}

/** For scanners of vulnerabilities and licences: where images without dpkg have both. */
async function describePackages(
  origins: Origins,
  files: readonly string[],
  { debian, rootfs }: Pick<Programs, 'debian' | 'rootfs'>,
): Promise<void> {
  const texts = 'usr/share/common-licenses';
  const found = new Set(['base-files']);
  for (const file of files) found.add((await origins.of(file)).name);
  for (const name of found) {
    const { text } = await origins.copyright(name);
    await write(join(rootfs, 'usr/share/doc', name, 'copyright'), text);
    await mkdir(join(rootfs, 'var/lib/dpkg/status.d'), { recursive: true });
    await copyFile(join(debian, '.nightjar', `${name}.control`), join(rootfs, 'var/lib/dpkg/status.d', name));
  }
  await cp(join(debian, texts), join(rootfs, texts), { recursive: true, verbatimSymlinks: true });
  await copyFile(
    join(dirname(node), '../node_modules', `node-linux-${process.arch}`, 'LICENSE'),
    join(rootfs, 'usr/share/doc/node-LICENSE'),
  );
}

/** Names for the user, host look-up by file and DNS, and the layer's authorities where programs look for them. */
async function writeSettings(rootfs: string): Promise<void> {
  await write(
    join(rootfs, 'etc/passwd'),
    `root:x:0:0:root:/nonexistent:/nonexistent\nnightjar:x:${user}:${user}:Nightjar:/nonexistent:/nonexistent\n`,
  );
  await write(join(rootfs, 'etc/group'), `root:x:0:\nnightjar:x:${user}:\n`);
  await write(join(rootfs, 'etc/nsswitch.conf'), 'passwd: files\ngroup: files\nhosts: files dns\n');
  await mkdir(join(rootfs, 'etc/ssl/certs'), { recursive: true });
  await symlink('/opt/nightjar/certs/public-ca.pem', join(rootfs, 'etc/ssl/certs/ca-certificates.crt'));
}

async function write(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}

/** Whatever the umask and modes were here, every user may read everything and change nothing. */
async function readable(rootfs: string): Promise<void> {
  for (const entry of await readdir(rootfs, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isSymbolicLink()) continue;
    const { mode } = await lstat(path);
    await chmod(path, (mode & 0o111) === 0 ? 0o644 : 0o755);
  }
}

async function bytesOf(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) bytes += (await lstat(join(entry.parentPath, entry.name))).size;
  return bytes;
}
