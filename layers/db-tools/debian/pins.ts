import { BackupError, isBackupError, messageOf } from '../../../core/domain/errors.ts';
import { listsMaxAgeMs, type AptSetting, type Download } from './apt.ts';
import { baseSuite, type Architecture } from './apt-config.ts';
import { packages, suites } from '../contents.ts';
import { debianRoot, isUnpacked, packagesOf, withApt, type DebianWant } from './debian.ts';
import type { PackagePin } from '../lock.ts';
import { attempt } from './run.ts';
import { fromSnapshot } from './snapshot.ts';

/**
 * An unpacked root, and the pins of everything in it that came from a pinned file. `exact`: they are those that were
 * asked for.
 */
export type PinnedRoot = { root: string; pins: PackagePin[]; exact: boolean };
/**
 * What may be done about a pinned version that Debian's mirror has dropped: nothing (`exact`), or a newer one of the
 * same suite in its place, told (`newer`: for tests and the demo, which must run years after the last update).
 */
export type PinRule = 'exact' | 'newer';

export type ReportLine = (line: string) => void;
/** A version that the mirror has, and the suite it is in. */
export type Offer = { version: string; suite: string };
/** A pinned package that the mirror has dropped, and what it has instead. */
type Dropped = { pin: PackagePin; instead: Offer | undefined };

const updateHint =
  'take what the mirror has now: nightjar layer update (in Nightjar’s own sources: npm run layer -- --update); ' +
  'or set NIGHTJAR_DEBIAN_SNAPSHOT to the address of Debian’s snapshot service, which keeps every file';

/**
 * Unpacks what is pinned. What the mirror has dropped comes from Debian's snapshot service where one is set; else the
 * rule decides. Nothing is ever replaced by something older, and any other trouble ends with its own reason.
 */
export async function pinnedRoot(
  architecture: Architecture,
  pins: readonly PackagePin[],
  rule: PinRule,
  report: ReportLine,
  signal: AbortSignal,
): Promise<PinnedRoot> {
  const names = pins.map(({ name }) => name);
  const attempt = async (maxAgeMs: number): Promise<PinnedRoot> => {
    const offers = await offered(architecture, names, { maxAgeMs, from: suitesOf(pins) }, report, signal);
    const dropped: Dropped[] = [];
    for (const pin of pins) {
      const known = offers.get(pin.name) ?? [];
      if (!known.some(({ version }) => version === pin.version))
        dropped.push({ pin, instead: await newerOffer(pin, known, signal) });
    }
    if (dropped.length === 0) return unpacked(architecture, pins, [], report, signal);
    if (process.env['NIGHTJAR_DEBIAN_SNAPSHOT'])
      return unpacked(
        architecture,
        pins,
        dropped.map(({ pin }) => pin),
        report,
        signal,
      );
    if (rule === 'exact' || dropped.some(({ instead }) => instead === undefined)) throw droppedError(dropped);
    report(`these pinned packages have left the mirror and are replaced: ${dropped.map(change).join(', ')}`);
    const renewed = pins.map((pin) => ({ ...pin, ...replacement(pin, dropped) }));
    return { ...(await unpacked(architecture, renewed, [], report, signal)), exact: false };
  };
  if (await isUnpacked(wantOf(architecture, pins))) return unpacked(architecture, pins, [], report, signal);
  try {
    return await attempt(listsMaxAgeMs);
  } catch (error) {
    // lists of some hours ago may name what has been dropped since
    if (
      signal.aborted ||
      !isBackupError(error, 'tools-missing') ||
      !/\b404\b|was not found/.test(messageOf(error.cause))
    )
      throw error;
    return attempt(0);
  }
}

/**
 * Unpacks the newest of everything the layer wants, with all it depends on. Throws `tools-missing` where that would be
 * older than `before`.
 */
export async function newestRoot(
  architecture: Architecture,
  before: readonly PackagePin[],
  report: ReportLine,
  signal: AbortSignal,
): Promise<PinnedRoot> {
  const files = await withApt({ architecture, suites, current: true }, report, signal, async (apt, _host, limit) => {
    await apt.update(0, limit);
    return apt.resolve({ packages, withDependencies: true }, limit);
  });
  const offers = await offered(
    architecture,
    files.map(({ name }) => name),
    { maxAgeMs: listsMaxAgeMs },
    report,
    signal,
  );
  const pins = files.map(({ name, version, sha256 }): PackagePin => {
    const suite = offers.get(name)?.find((offer) => offer.version === version)?.suite ?? '';
    return { name, version, suite, sha256 };
  });
  await requireNotOlder(pins, before, signal);
  return unpacked(architecture, pins, [], report, signal);
}

async function requireNotOlder(
  pins: readonly PackagePin[],
  before: readonly PackagePin[],
  signal: AbortSignal,
): Promise<void> {
  const older: string[] = [];
  for (const { name, version } of pins) {
    const pinned = before.find((pin) => pin.name === name);
    if (pinned !== undefined && pinned.version !== version && (await isNewer(pinned.version, version, signal)))
      older.push(`${name} ${version} (pinned: ${pinned.version})`);
  }
  if (older.length === 0) return;
  throw new BackupError(
    'tools-missing',
    `the mirror is older than the pins, which stay as they are: ${older.join(', ')}`,
    {
      hint: 'is the mirror out of date, or without its security archive? Name another one in NIGHTJAR_DEBIAN_MIRROR',
    },
  );
}

async function unpacked(
  architecture: Architecture,
  pins: readonly PackagePin[],
  dropped: readonly PackagePin[],
  report: ReportLine,
  signal: AbortSignal,
): Promise<PinnedRoot> {
  const fetch = async (folder: string, limit: AbortSignal): Promise<Download[]> => {
    const found: Download[] = [];
    for (const pin of dropped) found.push(await fromSnapshot(pin, architecture, folder, limit));
    return found;
  };
  const elsewhere = { packages: dropped.map(exactly), fetch };
  const root = await debianRoot({ ...wantOf(architecture, pins), elsewhere }, report, signal);
  const fetched = new Map((await packagesOf(root)).map((one) => [one.name, one]));
  return {
    root,
    pins: pins.map((pin): PackagePin => ({ ...pin, sha256: fetched.get(pin.name)?.sha256 ?? '' })),
    exact: true,
  };
}

function wantOf(architecture: Architecture, pins: readonly PackagePin[]): DebianWant {
  return {
    name: 'db-tools',
    architecture,
    suites: suitesOf(pins),
    packages: pins.map(exactly),
    withDependencies: false,
    pinned: Object.fromEntries(pins.map((pin) => [exactly(pin), pin.sha256])),
  };
}

/** Those that the pins are from, in the order of preference. */
function suitesOf(pins: readonly PackagePin[]): string[] {
  return suites.filter((suite) => pins.some((pin) => baseSuite(pin.suite) === suite));
}

function exactly({ name, version }: PackagePin): string {
  return `${name}=${version}`;
}

async function newerOffer(pin: PackagePin, offers: readonly Offer[], signal: AbortSignal): Promise<Offer | undefined> {
  const newest = offers.find(({ suite }) => baseSuite(suite) === baseSuite(pin.suite));
  return newest !== undefined && (await isNewer(newest.version, pin.version, signal)) ? newest : undefined;
}

function replacement(pin: PackagePin, dropped: readonly Dropped[]): Partial<PackagePin> {
  const instead = dropped.find((one) => one.pin === pin)?.instead;
  return instead === undefined ? {} : { ...instead, sha256: '' };
}

function droppedError(dropped: readonly Dropped[]): BackupError {
  return new BackupError(
    'tools-missing',
    `Debian's mirror has dropped what is pinned: ${dropped.map(change).join(', ')}`,
    { hint: updateHint },
  );
}

function change({ pin, instead }: Dropped): string {
  return `${pin.name} ${pin.version} → ${instead?.version ?? 'nothing newer'}`;
}

/** `from`: the suites; `only` and `current` are apt's (`AptSetting`). */
type ListsWanted = Pick<AptSetting, 'only' | 'current'> & { maxAgeMs: number; from?: readonly string[] };

/** The versions of each package that the mirror, or its security archive alone, has, newest first. */
export async function offered(
  architecture: Architecture,
  names: readonly string[],
  { maxAgeMs, from = suites, ...asked }: ListsWanted,
  report: ReportLine,
  signal: AbortSignal,
): Promise<Map<string, Offer[]>> {
  const printed = await withApt({ architecture, suites: from, ...asked }, report, signal, async (apt, _host, limit) => {
    await apt.update(maxAgeMs, limit);
    return apt.ask(['madison', ...names], limit);
  });
  const offers = new Map<string, Offer[]>();
  for (const [, name, version, suite] of printed.matchAll(
    /^\s*(\S+) \|\s*(\S+) \| \S+ ([^/\s]+)\/main \S+ Packages$/gm,
  )) {
    offers.set(name!, [...(offers.get(name!) ?? []), { version: version!, suite: suite! }]);
  }
  return offers;
}

/** Debian's own comparison of versions. */
export async function isNewer(version: string, than: string, signal: AbortSignal): Promise<boolean> {
  return (await attempt(['dpkg', '--compare-versions', version, 'gt', than], {}, signal)).status === 0;
}
