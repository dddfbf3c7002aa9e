import { join } from 'node:path';
import { BackupError } from '../../core/domain/errors.ts';
import { debianNames } from '../../layers/db-tools/contents.ts';
import type { Architecture } from '../../layers/db-tools/debian/apt-config.ts';
import { debianRoot, isUnpacked, packagesOf, removeRoot, withApt } from '../../layers/db-tools/debian/debian.ts';
import type { DebianWant } from '../../layers/db-tools/debian/debian.ts';
import { isNewer, pinnedRoot } from '../../layers/db-tools/debian/pins.ts';
import type { PinRule, ReportLine } from '../../layers/db-tools/debian/pins.ts';
import { readLock, writeLock } from '../../layers/db-tools/lock.ts';
import type { PackagePin } from '../../layers/db-tools/lock.ts';

const lockFile = join(import.meta.dirname, 'lock.json');
const suite = 'trixie';

/** What Node needs to run; a missing package is noticed when the libraries are collected. */
const packages = [
  ...['libc6', 'libstdc++6', 'libgcc-s1', 'gcc-14-base'],
  'coreutils', // sync
  'base-files', // the texts of licences
];

/** A Debian root with the pinned packages, each file compared with its hash before it is unpacked. */
export async function containerRoot(
  architecture: Architecture,
  rule: PinRule,
  report: ReportLine,
  signal: AbortSignal,
): Promise<string> {
  const { packages: pins } = await readLock(lockFile);
  return (await pinnedRoot(architecture, pins[architecture], rule, report, signal)).root;
}

/** Pins the newest versions for both architectures. Throws `tools-missing` if they would be older. */
export async function updatePins(report: ReportLine, signal: AbortSignal): Promise<void> {
  const lock = await readLock(lockFile);
  for (const architecture of Object.values(debianNames))
    lock.packages[architecture] = await newestPins(architecture, lock.packages[architecture], report, signal);
  await writeLock(lockFile, { ...lock, at: new Date().toISOString().slice(0, 10) });
}

async function newestPins(
  architecture: Architecture,
  before: readonly PackagePin[],
  report: ReportLine,
  signal: AbortSignal,
): Promise<PackagePin[]> {
  const suites = [suite];
  const want: DebianWant = { name: 'container', architecture, suites, packages, withDependencies: false };
  await withApt({ architecture, suites, current: true }, report, signal, (apt, _, limit) => apt.update(0, limit));
  if (await isUnpacked(want)) await removeRoot(await debianRoot(want, report, signal));
  const root = await debianRoot(want, report, signal);
  const pins = (await packagesOf(root)).map(({ name, version, sha256 }) => ({ name, version, suite, sha256 }));
  for (const { name, version } of pins) {
    const pinned = before.find((pin) => pin.name === name)?.version ?? version;
    if (await isNewer(pinned, version, signal))
      throw new BackupError('tools-missing', `the mirror is older than the pins: ${name} ${version}, not ${pinned}`);
  }
  return pins.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
