import { randomUUID } from 'node:crypto';
import {
  access,
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { BackupError, messageOf } from '../../core/domain/errors.ts';
import { assemble, type Assembled } from './assemble.ts';
import { exclusively, openFolder, ownCache } from './cache.ts';
import { bundleOf, canComplete } from './certificates.ts';
import { contentProblems, flushed, writeContents } from './contents-list.ts';
import { debianNames, type LayerArchitecture } from './contents.ts';
import { builderIdentity, certificatesVersion, expectedHash, layerFolder, layerName } from './identity.ts';
import { chooseLock, type LayerLock, type PackagePin } from './lock.ts';
import { originsOf } from './bill/origins.ts';
import { pinnedRoot, type PinnedRoot, type PinRule, type ReportLine } from './debian/pins.ts';
import { spdxDocument, type PackageFacts } from './bill/sbom.ts';

/**
 * Which pins count (`own`: a file that `nightjar layer update` has written, where there is one), and what may be done
 * about those that a mirror has dropped. `complete`: a layer in the cache that lacks authorities which can be fetched
 * by now is built anew.
 */
export type Pinning = { rule: PinRule; own?: string | undefined; complete?: boolean };

const buildLimitMs = 60 * 60 * 1000;

/**
 * The folder that holds the binary layer (what will be `/opt` in Lambda), built when the shared cache lacks it, and
 * looked at byte by byte when it does not: one that was changed is built anew. In a clone it is also reachable as
 * `layers/db-tools/build/<architecture>`. README.md tells what is in it.
 */
export async function dbToolsLayer(
  architecture: LayerArchitecture,
  { rule, own, complete = false }: Pinning,
  report: ReportLine,
  signal: AbortSignal,
): Promise<string> {
  const { lock } = await chooseLock(own);
  await openFolder(join(await ownCache(), 'layers'));
  const pinned = await layerFolder(architecture, lock);
  const expected = await expectedHash(architecture, lock);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(buildLimitMs)]);
  const incomplete = complete && (await lacksAuthorities(pinned, limit));
  if (incomplete)
    report('the layer in the cache lacks authorities of Amazon RDS that can be fetched by now, and is built anew');
  const ready = async (): Promise<string | undefined> =>
    (await wholeLayer(pinned, expected, report)) ?? (rule === 'newer' ? await standIn(pinned, report) : undefined);
  const made = (): Promise<string> => build({ architecture, lock, expected, pinned, rule }, report, limit);
  const work = async (): Promise<string> => (incomplete ? made() : ((await ready()) ?? made()));
  const layer =
    (incomplete ? undefined : await ready()) ?? (await exclusively(`${pinned}.lock`, { report, work }, limit));
  await linkTo(layer, architecture, report);
  return layer;
}

/** What NIGHTJAR_PINS asks for. */
export function pinRule(environment: NodeJS.ProcessEnv): PinRule {
  return environment['NIGHTJAR_PINS'] === 'newer' ? 'newer' : 'exact';
}

async function lacksAuthorities(layer: string, signal: AbortSignal): Promise<boolean> {
  const pem = await bundleOf(layer).catch(() => undefined);
  return pem !== undefined && canComplete(pem, signal);
}

/** The layer where it is whole; one that is not goes out of the way, and a line says what was wrong with it. */
async function wholeLayer(
  layer: string,
  expected: string | undefined,
  report: ReportLine,
): Promise<string | undefined> {
  if (
    !(await access(layer).then(
      () => true,
      () => false,
    ))
  )
    return undefined;
  const problems = await contentProblems(join(layer, 'nightjar'), expected);
  if (problems.length === 0) return layer;
  report(
    `the layer in the cache is not what was built, and is built anew: ${problems.slice(0, 5).join(', ')}${problems.length > 5 ? `, and ${problems.length - 5} more` : ''}`,
  );
  const aside = `${layer}.part-${randomUUID().slice(0, 8)}`;
  await rename(layer, aside);
  await rm(aside, { recursive: true, force: true, maxRetries: 5 });
  return undefined;
}

/** The layer of newer packages that stands in for a pinned one whose packages the mirror has dropped. */
async function standIn(pinned: string, report: ReportLine): Promise<string | undefined> {
  const name = await readFile(`${pinned}.newer`, 'utf8').catch(() => undefined);
  return name === undefined ? undefined : wholeLayer(join(dirname(pinned), basename(name)), undefined, report);
}

type WantedLayer = {
  architecture: LayerArchitecture;
  lock: LayerLock;
  expected: string | undefined;
  pinned: string;
  rule: PinRule;
};

/**
 * Builds the pinned layer, or the one that stands in for it, whose name says what is in it: it is never taken for the
 * pinned one.
 */
async function build(
  { architecture, lock, expected, pinned, rule }: WantedLayer,
  report: ReportLine,
  signal: AbortSignal,
): Promise<string> {
  const source = await pinnedRoot(
    debianNames[architecture],
    lock.packages[debianNames[architecture]],
    rule,
    report,
    signal,
  );
  const layer = source.exact
    ? pinned
    : join(
        dirname(pinned),
        layerName(architecture, { at: lock.at, pins: source.pins, builder: await builderIdentity() }),
      );
  await sweep(dirname(pinned), `${basename(layer)}.part-`);
  const part = await mkdtemp(`${layer}.part-`);
  const { sha256 } = await assembleIn(part, { architecture, pinnedAt: lock.at, source }, signal);
  if (source.exact) requireReproduced(sha256, expected, architecture);
  await chmod(part, 0o755);
  await flushed(part);
  await rm(layer, { recursive: true, force: true, maxRetries: 5 });
  await rename(part, layer);
  if (!source.exact) await writeFile(`${pinned}.newer`, basename(layer));
  report(`the ${architecture} layer is ready in ${layer}`);
  return layer;
}

function requireReproduced(is: string, meant: string | undefined, architecture: LayerArchitecture): void {
  if (meant === undefined || is === meant) return;
  throw new BackupError(
    'tools-missing',
    `the ${architecture} layer that was built from the pinned packages is not the one that is pinned`,
    {
      hint: 'was something in the cache, or in layers/db-tools, changed? Empty the cache and build again; after a change of the builder: npm run layer -- --update',
    },
  );
}

/** Lays a layer out in `folder`; answers the pins of what is in it, and the SHA-256 of its list of contents. */
export async function assembleIn(
  folder: string,
  { architecture, pinnedAt, source }: { architecture: LayerArchitecture; pinnedAt: string; source: PinnedRoot },
  signal: AbortSignal,
): Promise<{ pins: PackagePin[]; sha256: string }> {
  const home = await openFolder(join(folder, 'nightjar'));
  const assembled = await assemble({ root: source.root, architecture, pinnedAt }, home, signal);
  const pins = usedPins(source.pins, assembled);
  const lock = { at: pinnedAt, packages: { [debianNames[architecture]]: pins } };
  await writeFile(join(home, 'lock.json'), `${JSON.stringify(lock, null, 2)}\n`, { mode: 0o644 });
  const facts = {
    architecture,
    packages: await factsOf(source.root, pins, assembled),
    certificatesVersion: await certificatesVersion(),
  };
  await writeFile(join(home, 'sbom.spdx.json'), `${JSON.stringify(spdxDocument(assembled, facts), null, 1)}\n`, {
    mode: 0o644,
  });
  return { pins, sha256: await writeContents(home) };
}

async function sweep(folder: string, prefix: string): Promise<void> {
  for (const name of await readdir(folder))
    if (name.startsWith(prefix)) await rm(join(folder, name), { recursive: true, force: true, maxRetries: 5 });
}

function usedPins(pins: readonly PackagePin[], { origins }: Assembled): PackagePin[] {
  return pins
    .filter(({ name }) => origins.some((origin) => origin.name === name))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function factsOf(root: string, used: readonly PackagePin[], assembled: Assembled): Promise<PackageFacts[]> {
  const origins = await originsOf(root);
  const facts: PackageFacts[] = [];
  for (const origin of assembled.origins) {
    const { text: copyright } = await origins.copyright(origin.name);
    const { sha256 = '', suite = '' } = used.find(({ name }) => name === origin.name) ?? {};
    facts.push({ origin, copyright, sha256, suite });
  }
  return facts;
}

/** For people who work on Nightjar; an installed package has no such link. */
async function linkTo(layer: string, architecture: LayerArchitecture, report: ReportLine): Promise<void> {
  if (
    !(await access(join(import.meta.dirname, 'build.ts')).then(
      () => true,
      () => false,
    ))
  )
    return;
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
