import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BackupError, isBackupError, messageOf } from '../../../core/domain/errors.ts';
import { openFolder } from '../cache.ts';
import {
  configuration,
  expiredLists,
  preferences,
  settingsToReach,
  sourceLines,
  type Architecture,
  type SourceLine,
} from './apt-config.ts';
import type { DebianHost } from './host.ts';

/** One package's file, as apt's signed lists describe it. */
export type Download = { name: string; version: string; file: string; bytes: number; sha256: string };
/** Packages by name, `name/suite` or `name=version`; with all they depend on, or alone. */
export type WantedPackages = { packages: readonly string[]; withDependencies: boolean };

/** An apt of our own: own sources, lists and archives, and an empty package status. */
export type Apt = {
  folder: string;
  /** Fetches the package lists, unless they are younger than `maxAgeMs`, and tells whether it did. */
  update(maxAgeMs: number, signal: AbortSignal): Promise<boolean>;
  /** The files that `wanted` stands for, without fetching them. */
  resolve(wanted: WantedPackages, signal: AbortSignal): Promise<Download[]>;
  /** Fetches what `resolve` answered into the folder `archives`; apt checks it against its signed lists. */
  download(files: readonly Download[], signal: AbortSignal): Promise<void>;
  /** What apt-cache answers. */
  ask(args: readonly string[], signal: AbortSignal): Promise<string>;
};

/** How old package lists may be before they are fetched again. */
export const listsMaxAgeMs = 24 * 3600 * 1000;

/**
 * `only`: of the suites, what their security archive has. `current`: who asks wants to know what is newest, so that a
 * mirror without a security archive, or with one that has expired, is refused; what is pinned can be had of any.
 */
export type AptSetting = {
  host: DebianHost;
  architecture: Architecture;
  suites: readonly string[];
  only?: 'security' | undefined;
  current?: boolean | undefined;
  report: (line: string) => void;
};

/**
 * Sets up an apt in `folder` for one architecture, which prefers earlier `suites` to later ones. Of the machine's own
 * settings those of its proxies stay in force, and no other.
 */
export async function openApt(folder: string, setting: AptSetting, signal: AbortSignal): Promise<Apt> {
  const { host, architecture, suites, only, current = false, report } = setting;
  for (const part of ['lists/partial', 'archives/partial', 'none/partial', 'state', 'log', 'conf'])
    await openFolder(join(folder, part));
  const name = join(folder, 'conf', [...suites, ...(only === undefined ? [] : [only])].join('+'));
  const archives = join(folder, 'archives');
  await emptyStatus(join(folder, 'state', 'status'));
  const reaching = settingsToReach(await host.run(['apt-config', 'dump'], signal));
  await writeFile(`${name}.conf`, reaching + configuration({ folder, name, architecture, current }));
  await writeFile(`${name}.pref`, preferences(suites));
  const ours = { APT_CONFIG: `${name}.conf` };
  const call = (program: 'apt-get' | 'apt-cache', args: readonly string[], limit: AbortSignal): Promise<string> =>
    host.run([program, ...args], limit, ours);
  /** Names each file: apt leaves out of its answer what it finds fetched already, so it is shown an empty folder. */
  const uris = (args: readonly string[], limit: AbortSignal): Promise<string> =>
    call('apt-get', ['-q', '-o', `Dir::Cache::archives=${join(folder, 'none')}`, '--print-uris', ...args], limit);
  const withDependencies = ['install', '-y', '--no-install-recommends', '--download-only'];
  return {
    folder,
    async update(maxAgeMs, limit) {
      const { mtimeMs } = await stat(`${name}.updated`).catch(() => ({ mtimeMs: 0 }));
      if (Date.now() - mtimeMs < maxAgeMs) return false;
      report(
        `fetching Debian's ${only === undefined ? '' : `${only} `}package lists for ${architecture}: ` +
          `${suites.join(', ')}`,
      );
      await updateReachable(
        `${name}.list`,
        { lines: sourceLines(host, { suites, only, current }), current },
        () => call('apt-get', ['update'], limit),
        report,
        limit,
      );
      if (current) for (const line of await expiredLists(join(folder, 'lists'), suites, new Date())) report(line);
      await writeFile(`${name}.updated`, '');
      return true;
    },
    async resolve({ packages, withDependencies: whole }, limit) {
      const ask = (names: readonly string[]): Promise<string> => uris([...withDependencies, ...names], limit);
      const exactly = whole
        ? downloads(await widened(packages, ask)).map(({ name, version }) => `${name}=${version}`)
        : packages;
      return downloads(await uris(['download', ...exactly], limit));
    },
    async download(files, limit) {
      const named = files.map(({ name, version }) => `${name}=${version}`);
      await host.run(
        ['sh', '-c', 'cd "$0" && exec "$@"', archives, 'apt-get', '-qq', 'download', ...named],
        limit,
        ours,
      );
    },
    ask: (args, limit) => call('apt-cache', args, limit),
  };
}

/** Nothing is installed. A file that is empty already stays: apt reads all its lists anew, for seconds, when it is touched. */
async function emptyStatus(file: string): Promise<void> {
  const { size } = await stat(file).catch(() => ({ size: -1 }));
  if (size !== 0) await writeFile(file, '');
}

/**
 * Asks with the packages, and where what a later suite's package depends on is too old in the earlier suites, takes
 * that from the later suite too: apt names such packages, so it is asked until none is left.
 */
async function widened(
  packages: readonly string[],
  ask: (packages: readonly string[]) => Promise<string>,
): Promise<string> {
  try {
    return await ask(packages);
  } catch (error) {
    const later = packages.find((name) => name.includes('/'))?.split('/')[1];
    if (!isBackupError(error) || later === undefined) throw error;
    const unmet = /Depends: ([^ :]+)\S*(?: \([^)]*\))? but (?:\S+ is to be installed|it is not)/g;
    const needed = [...messageOf(error.cause).matchAll(unmet)].map(([, name]) => `${name}/${later}`);
    const wider = [...new Set([...packages, ...needed])];
    if (wider.length === packages.length) throw error;
    return widened(wider, ask);
  }
}

/**
 * The lines of `--print-uris`: address, file name, size, hash. `apt-get download` tells SHA-256; `install`, which is
 * asked for names alone, may tell none.
 */
function downloads(printed: string): Download[] {
  return [...printed.matchAll(/^'[^']*' (\S+) (\d+) ?(?:SHA256:([0-9a-f]{64}))?/gm)].map(
    ([, file = '', bytes, sha256 = '']) => {
      const [name = '', version = ''] = decodeURIComponent(file.replace(/\.deb$/, '')).split('_');
      return { name, version, file, bytes: Number(bytes), sha256 };
    },
  );
}

async function updateReachable(
  file: string,
  { lines, current }: { lines: SourceLine[]; current: boolean },
  update: () => Promise<string>,
  report: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  if (current && !lines.some(({ suite }) => suite.endsWith('-security'))) throw insecureMirror([]);
  await writeFile(file, lines.map(({ line }) => line).join(''));
  try {
    await update();
  } catch (error) {
    const absent = lines.filter(({ suite }) => /-(updates|security)$/.test(suite) && isAbsent(error, suite));
    if (signal.aborted || absent.length === 0) throw error;
    const unsafe = absent.filter(({ suite }) => suite.endsWith('-security'));
    if (current && unsafe.length > 0) throw insecureMirror(unsafe, error);
    report(`the mirror has no ${absent.map(({ suite }) => suite).join(', ')}: going on without`);
    await updateReachable(
      file,
      { lines: lines.filter((line) => !absent.includes(line)), current },
      update,
      report,
      signal,
    );
  }
}

function insecureMirror(absent: readonly SourceLine[], cause?: unknown): BackupError {
  const which = absent.map(({ suite }) => suite).join(', ');
  return new BackupError(
    'tools-missing',
    `the mirror has no security archive${which && ` (${which})`}: what is newest there lacks security fixes`,
    {
      hint: 'name a mirror and its security archive: NIGHTJAR_DEBIAN_MIRROR="<address> <address of the security archive>"',
      cause,
    },
  );
}

/**
 * Whether the mirror says in so many words that it does not have a suite: "not found" for it, and apt has found nothing
 * else wrong with it. A bad signature, an expired list, a server in trouble are no such answer.
 */
function isAbsent(error: unknown, suite: string): boolean {
  const said = messageOf((error as { cause?: unknown }).cause)
    .split('\n')
    .filter((line) => line.includes(` ${suite} `) || line.includes(`/${suite}/`));
  const isReleaseMissing = said.some(
    (line) => line.startsWith('E: The repository ') && line.endsWith(' does not have a Release file.'),
  );
  return (
    isReleaseMissing &&
    !said.some((line) => /GPG error|not signed|signature|expired|not valid|Hash Sum|Clearsigned/i.test(line))
  );
}
