import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isBackupError, messageOf } from '../../../core/domain/errors.ts';
import { openFolder } from '../cache.ts';
import type { DebianHost } from './host.ts';

export type Architecture = 'amd64' | 'arm64';
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

/** `only`: of the suites, what their security archive has. */
export type AptSetting = {
  host: DebianHost;
  architecture: Architecture;
  suites: readonly string[];
  only?: 'security' | undefined;
  report: (line: string) => void;
};

/**
 * Sets up an apt in `folder` for one architecture, which prefers earlier `suites` to later ones. The machine's own
 * proxy settings stay in force; signatures and hashes are checked whatever they say.
 */
export async function openApt(folder: string, { host, architecture, suites, only, report }: AptSetting): Promise<Apt> {
  for (const part of ['lists/partial', 'archives/partial', 'none/partial', 'state', 'log', 'conf'])
    await openFolder(join(folder, part));
  const name = join(folder, 'conf', [...suites, ...(only === undefined ? [] : [only])].join('+'));
  const archives = join(folder, 'archives');
  await emptyStatus(join(folder, 'state', 'status'));
  await writeFile(`${name}.conf`, configuration(folder, name, architecture));
  await writeFile(`${name}.pref`, preferences(suites));
  const call = (program: 'apt-get' | 'apt-cache', args: readonly string[], signal: AbortSignal): Promise<string> =>
    host.run([program, '-c', `${name}.conf`, ...args], signal);
  /** Names each file: apt leaves out of its answer what it finds fetched already, so it is shown an empty folder. */
  const uris = (args: readonly string[], signal: AbortSignal): Promise<string> =>
    call('apt-get', ['-q', '-o', `Dir::Cache::archives=${join(folder, 'none')}`, '--print-uris', ...args], signal);
  const withDependencies = ['install', '-y', '--no-install-recommends', '--download-only'];
  return {
    folder,
    async update(maxAgeMs, signal) {
      const { mtimeMs } = await stat(`${name}.updated`).catch(() => ({ mtimeMs: 0 }));
      if (Date.now() - mtimeMs < maxAgeMs) return false;
      report(
        `fetching Debian's ${only === undefined ? '' : `${only} `}package lists for ${architecture}: ` +
          `${suites.join(', ')}`,
      );
      await updateReachable(
        `${name}.list`,
        sourceLines(host, suites, only),
        (limit) => call('apt-get', ['update'], limit),
        report,
        signal,
      );
      await writeFile(`${name}.updated`, '');
      return true;
    },
    async resolve({ packages, withDependencies: whole }, signal) {
      const ask = (names: readonly string[]): Promise<string> => uris([...withDependencies, ...names], signal);
      const exactly = whole
        ? downloads(await widened(packages, ask)).map(({ name, version }) => `${name}=${version}`)
        : packages;
      return downloads(await uris(['download', ...exactly], signal));
    },
    async download(files, signal) {
      const named = files.map(({ name, version }) => `${name}=${version}`);
      await host.run(
        ['sh', '-c', 'cd "$0" && exec "$@"', archives, 'apt-get', '-c', `${name}.conf`, '-qq', 'download', ...named],
        signal,
      );
    },
    ask: (args, signal) => call('apt-cache', args, signal),
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

function configuration(folder: string, name: string, architecture: Architecture): string {
  return `#clear APT::Update; #clear DPkg; #clear APT::Architectures; #clear Dir::Cache; #clear Binary; #clear APT::Get;
APT { Architecture "${architecture}"; Architectures { "${architecture}"; }; Install-Recommends "false"; Update::Error-Mode "any"; };
Dir { State "${folder}/state"; State::lists "${folder}/lists"; State::status "${folder}/state/status"; Log "${folder}/log";
  Cache "${folder}"; Cache::archives "${folder}/archives"; Cache::pkgcache "${name}.pkgcache"; Cache::srcpkgcache "";
  Etc::sourcelist "${name}.list"; Etc::sourceparts "/dev/null"; Etc::preferences "${name}.pref"; Etc::preferencesparts "/dev/null";
  Etc::trusted "/dev/null"; Etc::trustedparts "/dev/null"; };
APT { Get { AllowUnauthenticated "false"; Allow-Downgrades "false"; List-Cleanup "false"; }; Authentication { TrustCDROM "false"; }; };
Acquire { AllowInsecureRepositories "false"; AllowWeakRepositories "false"; AllowDowngradeToInsecureRepositories "false";
  Languages "none"; GzipIndexes "true"; Retries "3"; http::Timeout "60"; https::Timeout "60";
  IndexTargets { deb::DEP-11::DefaultEnabled "false"; deb::Contents-deb::DefaultEnabled "false"; deb::CNF::DefaultEnabled "false"; }; };
`;
}

/**
 * Any suite with its updates goes before any later suite; above 100, so that a suite marked "not automatic" counts too.
 */
function preferences(suites: readonly string[]): string {
  const pins = suites.flatMap((suite, place) =>
    flavours(suite).map((flavour) => `Package: *\nPin: release n=${flavour}\nPin-Priority: ${900 - 50 * place}\n`),
  );
  return pins.join('\n');
}

function flavours(suite: string): string[] {
  return ['sid', 'experimental'].includes(suite) ? [suite] : [suite, `${suite}-updates`, `${suite}-security`];
}

/** `trixie` for `trixie-security`. */
export function baseSuite(suite: string): string {
  return suite.replace(/-(security|updates)$/, '');
}

function sourceLines(
  { mirror, keyring }: DebianHost,
  suites: readonly string[],
  only: AptSetting['only'],
): { suite: string; line: string }[] {
  return suites
    .flatMap(flavours)
    .filter((suite) => only === undefined || suite.endsWith(`-${only}`))
    .flatMap((suite) => {
      const uri = suite.endsWith('-security') ? mirror.security : mirror.main;
      return uri === undefined ? [] : [{ suite, line: `deb [signed-by=${keyring}] ${uri} ${suite} main\n` }];
    });
}

async function updateReachable(
  file: string,
  lines: { suite: string; line: string }[],
  update: (signal: AbortSignal) => Promise<string>,
  report: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  await writeFile(file, lines.map(({ line }) => line).join(''));
  try {
    await update(signal);
  } catch (error) {
    const absent = lines.filter(({ suite }) => /-(updates|security)$/.test(suite) && isAbsent(error, suite));
    if (signal.aborted || absent.length === 0) throw error;
    report(`the mirror has no ${absent.map(({ suite }) => suite).join(', ')}: going on without`);
    await updateReachable(
      file,
      lines.filter((line) => !absent.includes(line)),
      update,
      report,
      signal,
    );
  }
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
