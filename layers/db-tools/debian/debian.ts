import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { BackupError, isBackupError, messageOf } from '../../../core/domain/errors.ts';
import { formatBytes, plural } from '../../../core/domain/units.ts';
import { listsMaxAgeMs, openApt, type Apt, type AptSetting, type Download, type WantedPackages } from './apt.ts';
import type { Architecture } from './apt-config.ts';
import { cacheRoot, exclusively, openFolder, ownCache } from '../cache.ts';
import { debianHost, type DebianHost } from './host.ts';
import { unpackTar } from './unpack.ts';

/** One package that was unpacked, as its file is named, with the hash of that file. */
export type FetchedPackage = { name: string; version: string; architecture: string; bytes: number; sha256: string };

type Elsewhere = {
  packages: readonly string[];
  fetch: (folder: string, signal: AbortSignal) => Promise<readonly Download[]>;
};

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
  /** SHA-256 of the package's file, by `name=version`: another file is refused before anything of it is unpacked. */
  pinned?: Readonly<Record<string, string>>;
  /** Of the packages, those that the mirror has dropped, and what fetches their files into a folder. */
  elsewhere?: Elsewhere;
};

/** Of what a root holds beside the packages' files: another number makes roots anew. */
const format = 2;
const fetchLimitMs = 40 * 60 * 1000;
const doubtfulListsMs = 3600 * 1000;

/**
 * Unpacks Debian packages with their dependencies into a folder of the shared cache, once, and returns the folder: a
 * Debian root without /etc set-up. No maintainer script runs. Processes that want the same root at once get the same
 * one. To run its programs in place, see `wrapPrograms` (wrap.ts).
 */
export async function debianRoot(
  want: DebianWant,
  report: (line: string) => void,
  signal: AbortSignal,
): Promise<string> {
  const { architecture, withDependencies, root } = placeOf(want);
  const { packages: dropped = [], fetch = async () => [] } = want.elsewhere ?? {};
  const wanted = { packages: want.packages.filter((name) => !dropped.includes(name)), withDependencies };
  await ownCache();
  if (await exists(root)) return root;
  const say = (line: string): void => report(`${want.name}: ${line}`);
  await withApt({ architecture, suites: want.suites }, say, signal, async (apt, host, limit) => {
    if (await exists(root)) return;
    const roots = await openFolder(dirname(root));
    await sweep(roots, `${basename(root)}.part-`);
    const archives = join(apt.folder, 'archives');
    const files = [...(await fetched(apt, wanted, say, limit)), ...(await fetch(archives, limit))];
    await requireExact(archives, files, want.pinned ?? {});
    const part = await mkdtemp(`${root}.part-`);
    await unpack(host, archives, files, part, limit);
    await chmod(part, 0o755);
    await host.run(['sync', '--file-system', part], limit);
    await rename(part, root);
    for (const { file } of files) await rm(join(archives, file), { force: true });
    say(`ready in ${root}`);
  });
  return root;
}

/** Whether the cache has this root already: then nothing needs a mirror. */
export async function isUnpacked(want: DebianWant): Promise<boolean> {
  return exists(placeOf(want).root);
}

function placeOf(want: DebianWant): { architecture: Architecture; withDependencies: boolean; root: string } {
  const { architecture = machineArchitecture(), withDependencies = true, name, suites, packages, pinned } = want;
  const identity = createHash('sha256')
    .update(JSON.stringify([format, architecture, suites, { packages, withDependencies }, pinned]))
    .digest('hex')
    .slice(0, 8);
  return { architecture, withDependencies, root: join(debianFolder(architecture), 'roots', `${name}-${identity}`) };
}

/** Takes a root out of the cache: at no moment does a half of it stand under its name. */
export async function removeRoot(root: string): Promise<void> {
  const part = `${root}.part-${randomUUID().slice(0, 8)}`;
  await rename(root, part);
  await rm(part, { recursive: true, force: true, maxRetries: 5 });
}

/**
 * Lets `work` ask and use the cache's own apt, with no other process at it meanwhile. The signal that `work` gets also
 * ends it after 40 minutes.
 */
export async function withApt<T>(
  setting: Pick<AptSetting, 'architecture' | 'suites' | 'only' | 'current'>,
  report: (line: string) => void,
  signal: AbortSignal,
  work: (apt: Apt, host: DebianHost, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(fetchLimitMs)]);
  const folder = await openFolder(debianFolder(setting.architecture));
  const inTurn = async (): Promise<T> => {
    const host = await debianHost(cacheRoot(), report, limit);
    return work(await openApt(folder, { ...setting, host, report }, limit), host, limit);
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
async function fetched(
  apt: Apt,
  wanted: WantedPackages,
  report: (line: string) => void,
  signal: AbortSignal,
): Promise<Download[]> {
  if (wanted.packages.length === 0) return [];
  await apt.update(listsMaxAgeMs, signal);
  const once = async (): Promise<Download[]> => {
    const files = await apt.resolve(wanted, signal);
    report(
      `downloading ${plural(files.length, 'Debian package')}, ` +
        `${formatBytes(files.reduce((sum, { bytes }) => sum + bytes, 0))}`,
    );
    await apt.download(files, signal);
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

/** Throws `tools-missing` unless every file is the one that apt's signed lists, and the pins, name. */
async function requireExact(
  archives: string,
  files: readonly Download[],
  pinned: Readonly<Record<string, string>>,
): Promise<void> {
  if (files.length === 0) throw new BackupError('tools-missing', 'apt answered, and named no file to fetch');
  const wrong: string[] = [];
  for (const { name, version, file, sha256 } of files) {
    const is = await sha256Of(join(archives, file));
    const meant = [sha256, pinned[`${name}=${version}`] ?? ''].filter((one) => one !== '');
    if (meant.length === 0 || meant.some((one) => one !== is)) wrong.push(`${name} ${version}`);
    if (wrong.at(-1) === `${name} ${version}`) await rm(join(archives, file));
  }
  if (wrong.length === 0) return;
  throw new BackupError(
    'tools-missing',
    `not the files that are pinned, or that the mirror's signed lists name: ${wrong.join(', ')}`,
    {
      hint:
        'nothing of them was unpacked; if the mirror serves other bytes under the same version on purpose: ' +
        'nightjar layer update',
    },
  );
}

async function unpack(
  host: DebianHost,
  archives: string,
  files: readonly Download[],
  part: string,
  signal: AbortSignal,
): Promise<void> {
  const notes = join(part, '.nightjar');
  await mkdir(notes);
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    await mkdir(join(part, 'usr', name), { recursive: true, mode: 0o755 });
    await symlink(`usr/${name}`, join(part, name));
  }
  const tar = join(notes, 'files.tar');
  const links = new Set<string>();
  const packages: FetchedPackage[] = [];
  for (const { name, version, file, bytes, sha256 } of files) {
    const script = 'dpkg-deb --field "$0" > "$1.control" && dpkg-deb --fsys-tarfile "$0" > "$2"';
    await host.run(['sh', '-c', script, join(archives, file), join(notes, name), tar], signal);
    const unpacked = await unpackTar(tar, part, links);
    await writeFile(
      join(notes, `${name}.files`),
      unpacked.map(({ path, sha256: sum = '-' }) => `${sum}  ${path}\n`).join(''),
    );
    packages.push({
      name,
      version,
      architecture: /_([^_]+)\.deb$/.exec(file)?.[1] ?? '',
      bytes,
      sha256: sha256 || (await sha256Of(join(archives, file))),
    });
  }
  await rm(tar, { force: true });
  await writeFile(join(notes, 'packages.json'), `${JSON.stringify(packages, null, 2)}\n`);
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

async function sweep(folder: string, prefix: string): Promise<void> {
  for (const name of await readdir(folder))
    if (name.startsWith(prefix)) await rm(join(folder, name), { recursive: true, force: true, maxRetries: 5 });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
