import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BackupError, isBackupError } from '../../core/domain/errors.ts';
import { listsMaxAgeMs, type Architecture } from './apt.ts';
import { packages, suites } from './contents.ts';
import { debianRoot, packagesOf, withApt } from './debian.ts';

/** One package of the layer, exactly. `sha256` is that of Debian's file. */
export type Pin = { name: string; version: string; suite: string; sha256: string };
export type Lock = { format: 1; packages: Record<Architecture, Pin[]> };
/** An unpacked root, and the pins of everything in it that came from a pinned file. */
export type PinnedRoot = { root: string; pins: Pin[] };

type Report = (line: string) => void;
type Offer = { version: string; suite: string };

export const lockFile = join(import.meta.dirname, 'lock.json');

/** The committed pins. */
export async function readLock(): Promise<Lock> {
  return JSON.parse(await readFile(lockFile, 'utf8')) as Lock;
}

/** Unpacks what is pinned; in place of a version that has left the mirror the newest of the same package and suite, and says so. */
export async function pinnedRoot(architecture: Architecture, pins: readonly Pin[], report: Report, signal: AbortSignal): Promise<PinnedRoot> {
  try {
    return await unpacked(architecture, pins, report, signal);
  } catch (error) {
    if (signal.aborted || !isBackupError(error, 'tools-missing')) throw error;
    const offers = await offered(architecture, pins.map(({ name }) => name), report, signal);
    const renewed = pins.map((pin) => replacement(pin, offers.get(pin.name) ?? []));
    const changes = pins.flatMap((pin, at) => (renewed[at]!.version === pin.version ? [] : [`${pin.name} ${pin.version} → ${renewed[at]!.version}`]));
    if (changes.length === 0) throw error;
    report(`these pinned packages have left the mirror and are replaced: ${changes.join(', ')}`);
    return unpacked(architecture, renewed, report, signal);
  }
}

/** Unpacks the newest of everything the layer wants, with all it depends on. */
export async function newestRoot(architecture: Architecture, report: Report, signal: AbortSignal): Promise<PinnedRoot> {
  const files = await withApt({ architecture, suites }, report, signal, async (apt, _host, limit) => {
    await apt.update(0, limit);
    return (await apt.resolve({ packages, withDependencies: true }, limit)).files;
  });
  const names = files.map(({ file }) => decodeURIComponent(file).split('_') as [string, string]);
  const offers = await offered(architecture, names.map(([name]) => name), report, signal);
  const pins = names.map(([name, version]): Pin => {
    const suite = offers.get(name)?.find((offer) => offer.version === version)?.suite ?? '';
    return { name, version, suite, sha256: '' };
  });
  return unpacked(architecture, pins, report, signal);
}

async function unpacked(architecture: Architecture, pins: readonly Pin[], report: Report, signal: AbortSignal): Promise<PinnedRoot> {
  const wanted = pins.map(({ name, version }) => `${name}=${version}`);
  const root = await debianRoot({ name: 'db-tools', architecture, suites, packages: wanted, withDependencies: false }, report, signal);
  const fetched = new Map((await packagesOf(root)).map((one) => [one.name, one]));
  const found = pins.map((pin): Pin => ({ ...pin, sha256: fetched.get(pin.name)?.sha256 ?? '' }));
  const forged = found.filter((pin, at) => pins[at]!.sha256 !== '' && pins[at]!.sha256 !== pin.sha256).map(({ name, version }) => `${name} ${version}`);
  if (forged.length === 0) return { root, pins: found };
  throw new BackupError('internal', `not the files that lock.json pins: ${forged.join(', ')}`, {
    hint: 'the mirror serves other bytes under the same version; if Debian did that on purpose: npm run layer -- --update',
  });
}

function replacement(pin: Pin, offers: readonly Offer[]): Pin {
  if (offers.some(({ version }) => version === pin.version)) return pin;
  const newest = offers.find(({ suite }) => baseSuite(suite) === baseSuite(pin.suite)) ?? offers[0];
  return newest ? { ...pin, ...newest, sha256: '' } : pin;
}

/** The versions of each package that the mirror has, newest first. */
async function offered(architecture: Architecture, names: readonly string[], report: Report, signal: AbortSignal): Promise<Map<string, Offer[]>> {
  const printed = await withApt({ architecture, suites }, report, signal, async (apt, _host, limit) => {
    await apt.update(listsMaxAgeMs, limit);
    return apt.ask(['madison', ...names], limit);
  });
  const offers = new Map<string, Offer[]>();
  for (const [, name, version, suite] of printed.matchAll(/^\s*(\S+) \|\s*(\S+) \| \S+ ([^/\s]+)\/main \S+ Packages$/gm)) {
    offers.set(name!, [...(offers.get(name!) ?? []), { version: version!, suite: suite! }]);
  }
  return offers;
}

function baseSuite(suite: string): string {
  return suite.replace(/-(security|updates)$/, '');
}
