import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DebianHost } from './host.ts';

/** As Debian names them. */
export type Architecture = 'amd64' | 'arm64';

/** What of a machine's own settings (`apt-config dump`) is needed to reach a mirror: proxies, certificates, limits. */
export function settingsToReach(dump: string): string {
  const lines = dump.match(/^Acquire::(?:https?|ftp|socks5h?|tor(?:\+https?)?)::\S+ ".*";$/gm) ?? [];
  return lines.map((line) => `${line}\n`).join('');
}

/**
 * Read in place of the machine's own: `Dir::Etc::parts` and `main` are where those would come from. Lists may have
 * expired unless `current` (see `sourceLines`), for what is pinned is known by its hash.
 */
export function configuration({
  folder,
  name,
  architecture,
  current,
}: {
  folder: string;
  name: string;
  architecture: Architecture;
  current: boolean;
}): string {
  return `Dir::Etc { main "/dev/null"; parts "/dev/null"; };
APT { Architecture "${architecture}"; Architectures { "${architecture}"; }; Install-Recommends "false"; Update::Error-Mode "any"; };
Dir { State "${folder}/state"; State::lists "${folder}/lists"; State::status "${folder}/state/status"; Log "${folder}/log";
  Cache "${folder}"; Cache::archives "${folder}/archives"; Cache::pkgcache "${name}.pkgcache"; Cache::srcpkgcache "";
  Etc::sourcelist "${name}.list"; Etc::sourceparts "/dev/null"; Etc::preferences "${name}.pref"; Etc::preferencesparts "/dev/null";
  Etc::trusted "/dev/null"; Etc::trustedparts "/dev/null"; };
APT { Get { AllowUnauthenticated "false"; Allow-Downgrades "false"; List-Cleanup "false"; }; Authentication { TrustCDROM "false"; }; };
Acquire { AllowInsecureRepositories "false"; AllowWeakRepositories "false"; AllowDowngradeToInsecureRepositories "false";
  Languages "none"; GzipIndexes "true"; Retries "3"; http::Timeout "60"; https::Timeout "60"; Check-Valid-Until "${current}"; Check-Date "${current}";
  IndexTargets { deb::DEP-11::DefaultEnabled "false"; deb::Contents-deb::DefaultEnabled "false"; deb::CNF::DefaultEnabled "false"; }; };
`;
}

/**
 * Any suite with its updates goes before any later suite; above 100, so that a suite marked "not automatic" counts too.
 */
export function preferences(suites: readonly string[]): string {
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

export type SourceLine = { suite: string; line: string };

/** `current`: the lists of the security archive, and of it alone, must not have expired: a frozen one hides fixes. */
export function sourceLines(
  { mirror, keyring }: DebianHost,
  { suites, only, current }: { suites: readonly string[]; only: 'security' | undefined; current: boolean },
): SourceLine[] {
  return suites
    .flatMap(flavours)
    .filter((suite) => only === undefined || suite.endsWith(`-${only}`))
    .flatMap((suite) => {
      const isSecurity = suite.endsWith('-security');
      const uri = isSecurity ? mirror.security : mirror.main;
      const options = `signed-by=${keyring}${current && !isSecurity ? ' check-valid-until=no check-date=no' : ''}`;
      return uri === undefined ? [] : [{ suite, line: `deb [${options}] ${uri} ${suite} main\n` }];
    });
}

/** A line for each of the suites whose lists, as they were fetched, have expired. */
export async function expiredLists(folder: string, suites: readonly string[], now: Date): Promise<string[]> {
  const lines: string[] = [];
  for (const file of (await readdir(folder)).filter((name) => name.endsWith('_InRelease')).sort()) {
    const suite = suites.flatMap(flavours).find((name) => file.endsWith(`_dists_${name}_InRelease`));
    const until = new Date(/^Valid-Until: (.*)$/m.exec(await readFile(join(folder, file), 'utf8'))?.[1] ?? '');
    if (suite !== undefined && until < now)
      lines.push(`the lists of ${suite} expired on ${until.toISOString().slice(0, 10)}: the mirror may not be kept`);
  }
  return lines;
}
