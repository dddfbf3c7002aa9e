import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, mkdir, mkdtemp, readdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { isBackupError, messageOf } from '../../core/domain/errors.ts';
import { formatBytes, plural } from '../../core/domain/units.ts';
import { listsMaxAgeMs, openApt, type Apt, type Architecture, type Download, type Wanted } from './apt.ts';
import { cacheRoot, exclusively, openFolder } from './cache.ts';
import { debianHost, type DebianHost } from './host.ts';

/** One package that was unpacked, as its file is named, with the hash of that file. */
export type FetchedPackage = { name: string; version: string; architecture: string; bytes: number; sha256: string };

export type DebianWant = {
  /** How the folder in the cache begins: `postgresql-18`. */
  name: string;
  /** This machine's, unless given. */
  architecture?: Architecture;
  /** Stable before testing before unstable: a package comes from the first suite that has it. */
  suites: readonly string[];
  /** Names; `name/suite` takes it, and what it needs of that suite, from there; `name=version` pins it. */
  packages: readonly string[];
  /** Also all they depend on, as if nothing were installed. Yes, unless given. */
  withDependencies?: boolean;
};

const fetchLimitMs = 40 * 60 * 1000;
const doubtfulListsMs = 3600 * 1000;

/**
 * Unpacks Debian packages with their dependencies into a folder of the shared cache, once, and returns the folder: a Debian root without /etc set-up.
 * No maintainer script runs. Processes that want the same root at once get the same one. To run its programs in place, see `wrapPrograms` (wrap.ts).
 */
export async function debianRoot(want: DebianWant, report: (line: string) => void, signal: AbortSignal): Promise<string> {
  const architecture = want.architecture ?? machineArchitecture();
  const wanted: Wanted = { packages: want.packages, withDependencies: want.withDependencies ?? true };
  const identity = createHash('sha256').update(JSON.stringify([architecture, want.suites, wanted])).digest('hex').slice(0, 8);
  const root = join(debianFolder(architecture), 'roots', `${want.name}-${identity}`);
  if (await exists(root)) return root;
  const say = (line: string): void => report(`${want.name}: ${line}`);
  await withApt({ architecture, suites: want.suites }, say, signal, async (apt, host, limit) => {
    if (await exists(root)) return;
    const roots = await openFolder(dirname(root));
    await sweep(roots, `${want.name}-${identity}.part-`);
    const files = await fetched(apt, wanted, say, limit);
    const part = await mkdtemp(`${root}.part-`);
    await unpack(host, join(apt.folder, 'archives'), files, part, limit);
    await rename(part, root);
    say(`ready in ${root}`);
  });
  return root;
}

/** Lets `work` ask and use the cache's own apt, with no other process at it meanwhile. The signal that `work` gets also ends it after 40 minutes. */
export async function withApt<T>(
  { architecture, suites }: { architecture: Architecture; suites: readonly string[] },
  report: (line: string) => void,
  signal: AbortSignal,
  work: (apt: Apt, host: DebianHost, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(fetchLimitMs)]);
  const folder = await openFolder(debianFolder(architecture));
  const inTurn = async (): Promise<T> => {
    const host = await debianHost(cacheRoot(), report, limit);
    return work(await openApt(folder, { host, architecture, suites, report }), host, limit);
  };
  return exclusively(join(folder, 'lock'), { report, work: inTurn }, limit);
}

/** What `debianRoot` unpacked into a root. */
export async function packagesOf(root: string): Promise<FetchedPackage[]> {
  return JSON.parse(await readFile(join(root, '.nightjar', 'packages.json'), 'utf8')) as FetchedPackage[];
}

function debianFolder(architecture: Architecture): string {
  return join(cacheRoot(), 'debian', architecture);
}

/** Debian's name of this machine's architecture. */
export function machineArchitecture(): Architecture {
  return process.arch === 'arm64' ? 'arm64' : 'amd64';
}

/** Resolves and downloads; where that fails and the lists may be to blame, once more with fresh ones. */
async function fetched(apt: Apt, wanted: Wanted, report: (line: string) => void, signal: AbortSignal): Promise<Download[]> {
  await apt.update(listsMaxAgeMs, signal);
  const once = async (): Promise<Download[]> => {
    const { files, exactly } = await apt.resolve(wanted, signal);
    report(`downloading ${plural(files.length, 'Debian package')}, ${formatBytes(files.reduce((sum, { bytes }) => sum + bytes, 0))}`);
    await apt.download(exactly, signal);
    return files;
  };
  try {
    return await once();
  } catch (error) {
    if (signal.aborted || !isBackupError(error)) throw error;
    const hasLeft = /\b404\b|Hash Sum mismatch/.test(messageOf(error.cause));
    if (!(await apt.update(hasLeft ? 0 : doubtfulListsMs, signal))) throw error;
    return once();
  }
}

async function unpack(host: DebianHost, archives: string, files: readonly Download[], part: string, signal: AbortSignal): Promise<void> {
  await mkdir(join(part, '.nightjar'));
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    await mkdir(join(part, 'usr', name), { recursive: true });
    await symlink(`usr/${name}`, join(part, name));
  }
  const note = '"$0/.nightjar/$(dpkg-deb -f "$deb" Package)"';
  const extract = `dpkg-deb --fsys-tarfile "$deb" | tar -xv -C "$0" --keep-directory-symlink --no-same-owner > ${note}.files`;
  const script = `set -e -o pipefail; for deb; do dpkg-deb -f "$deb" > ${note}.control; ${extract}; done; chmod -R u+rwX,a+rX,ug-s "$0"`;
  const paths = files.map(({ file }) => join(archives, file));
  await host.run(['bash', '-c', script, part, ...paths], signal);
  await relinkInside(part);
  const packages: FetchedPackage[] = [];
  for (const { file, bytes } of files) {
    const [name = '', version = '', architecture = ''] = decodeURIComponent(file.replace(/\.deb$/, '')).split('_');
    packages.push({ name, version, architecture, bytes, sha256: await sha256Of(join(archives, file)) });
  }
  await writeFile(join(part, '.nightjar', 'packages.json'), `${JSON.stringify(packages, null, 2)}\n`);
  for (const path of paths) await rm(path, { force: true });
}

/** Makes absolute links relative, so that they stay in the root whether it is entered or looked at from outside. */
async function relinkInside(part: string): Promise<void> {
  for (const entry of await readdir(part, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) continue;
    const link = join(entry.parentPath, entry.name);
    const target = await readlink(link);
    if (!target.startsWith('/')) continue;
    await rm(link);
    await symlink(relative(dirname(link), join(part, target)), link);
  }
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

async function sweep(folder: string, prefix: string): Promise<void> {
  for (const name of await readdir(folder)) if (name.startsWith(prefix)) await rm(join(folder, name), { recursive: true, force: true });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(() => true, () => false);
}
