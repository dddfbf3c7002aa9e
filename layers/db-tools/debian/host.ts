import { userInfo } from 'node:os';
import { BackupError } from '../../../core/domain/errors.ts';
import { openFolder } from '../cache.ts';
import { attempt, run } from './run.ts';
import { chooseMirror, type Mirror } from './mirror.ts';

/** A Debian with apt: this machine, or a container on it that sees the cache under the same path. */
export type DebianHost = {
  mirror: Mirror;
  keyring: string;
  /** `env`: variables beside those that are there. */
  run(
    argv: readonly [string, ...string[]],
    signal: AbortSignal,
    env?: Readonly<Record<string, string>>,
  ): Promise<string>;
};

type Runner = DebianHost['run'];

const keyringNames = ['debian-archive-keyring.gpg', 'debian-archive-keyring.pgp'].map(
  (name) => `/usr/share/keyrings/${name}`,
);

/**
 * This machine where it has apt and Debian's archive key, else a Debian container (image: NIGHTJAR_DEBIAN_IMAGE), else
 * an error that says what to install.
 */
export async function debianHost(
  cache: string,
  report: (line: string) => void,
  signal: AbortSignal,
): Promise<DebianHost> {
  const local: Runner = (argv, limit, env) => run(argv, { env: { ...process.env, LC_ALL: 'C', ...env } }, limit);
  if (await hasApt(signal)) return describe(local, signal);
  const container = await containerRunner(cache, signal);
  if (container) {
    report(
      `no apt with Debian's archive key on this machine: its packages are fetched in a container (${container.name})`,
    );
    return describe(container.run, signal);
  }
  throw new BackupError(
    'tools-missing',
    "Debian packages can't be fetched: this machine has no apt with Debian's archive key, and no container " +
      'engine that answers',
    {
      hint:
        'on Debian and Ubuntu: apt-get install debian-archive-keyring; elsewhere: install docker or podman and ' +
        'start it',
    },
  );
}

/** Whether this machine itself has apt and Debian's archive key. */
export async function hasApt(signal: AbortSignal): Promise<boolean> {
  return (
    (
      await attempt(
        ['sh', '-c', 'command -v apt-get dpkg-deb && ls /usr/share/keyrings/debian-archive-keyring.*'],
        {},
        signal,
      )
    ).status === 0
  );
}

async function describe(runHere: Runner, signal: AbortSignal): Promise<DebianHost> {
  const each =
    'for file in /etc/apt/*"$0" /etc/apt/sources.list.d/*"$0"; do cat "$file" 2>/dev/null && echo; done; true';
  const read = (ending: string): Promise<string> => runHere(['sh', '-c', each, ending], signal);
  const mirror = chooseMirror(process.env['NIGHTJAR_DEBIAN_MIRROR'], {
    deb822: await read('.sources'),
    oneLine: await read('.list'),
  });
  const found = await runHere(['sh', '-c', `ls ${keyringNames.join(' ')} 2>/dev/null || true`], signal);
  const keyring = process.env['NIGHTJAR_DEBIAN_KEYRING'] ?? (found.split('\n')[0] || keyringNames[0]!);
  return { mirror, keyring, run: runHere };
}

async function containerRunner(cache: string, signal: AbortSignal): Promise<{ name: string; run: Runner } | undefined> {
  await openFolder(cache);
  const image = process.env['NIGHTJAR_DEBIAN_IMAGE'] ?? 'debian:stable-slim';
  const { uid, gid } = userInfo();
  const identity = { docker: ['--user', `${uid}:${gid}`], podman: ['--userns=keep-id'] };
  for (const name of ['docker', 'podman'] as const) {
    if ((await attempt([name, 'info'], {}, AbortSignal.any([signal, AbortSignal.timeout(20_000)]))).status !== 0)
      continue;
    const prefix = [name, 'run', '--rm', '--init', ...identity[name]] as const;
    const runThere: Runner = (argv, limit, env = {}) => {
      const variables = Object.entries({ LC_ALL: 'C', ...env }).flatMap(([key, value]) => ['--env', `${key}=${value}`]);
      return run([...prefix, ...variables, '--volume', `${cache}:${cache}`, image, ...argv], {}, limit);
    };
    return { name: `${name}, ${image}`, run: runThere };
  }
  return undefined;
}
