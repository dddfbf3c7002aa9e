import { execFile, spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { serverRoot } from '../../servers/root.ts';
import type { Ended } from './command.ts';

const execute = promisify(execFile);
const limitMs = 60_000;

/** A user's systemd, and cron: Debian's own, in a root of their own that looks like a booted system. */
export type Machine = {
  /** Runs a program there. */
  run(command: string, args: readonly string[], cwd: string): Promise<Ended>;
  /** Where units of the user are. */
  units: string;
  /** The folder of the programs. */
  root: string;
  stop(): Promise<void>;
};

/** Makes one in `folder`. Its mounts are only visible inside, and end with it. */
export async function bootMachine(folder: string, signal: AbortSignal): Promise<Machine> {
  const want = { name: 'systemd', suites: ['bookworm'], packages: ['systemd', 'cron', 'util-linux'] };
  const { path: root, env } = await serverRoot(want, () => undefined, signal);
  const units = join(folder, 'config/systemd/user');
  const runtime = join(folder, 'runtime');
  for (const one of [units, runtime]) await mkdir(one, { recursive: true, mode: 0o700 });
  const own = {
    ...env,
    HOME: folder,
    XDG_CONFIG_HOME: join(folder, 'config'),
    XDG_DATA_HOME: join(folder, 'data'),
    XDG_RUNTIME_DIR: runtime,
    SYSTEMD_UNIT_PATH: `${units}:${root}/usr/lib/systemd/user`,
    NIGHTJAR_LAYER_NEWS: 'off',
    ...(process.env['NIGHTJAR_CACHE'] && { NIGHTJAR_CACHE: process.env['NIGHTJAR_CACHE'] }),
  };
  const booted = [
    'mount -t tmpfs tmpfs /run',
    'mkdir -p /run/systemd/system',
    'mkdir -p /var/spool/cron/crontabs',
    'mount -t tmpfs tmpfs /var/spool/cron',
    'mkdir -p /var/spool/cron/crontabs',
    `exec ${root}/usr/lib/systemd/systemd --user`,
  ].join(' && ');
  const spaces = ['--mount', '--propagation', 'private', ...(process.getuid?.() === 0 ? [] : ['--map-root-user'])];
  const systemd = spawn('unshare', [...spaces, 'sh', '-c', booted], { env: own, stdio: 'ignore' });
  const run = (command: string, args: readonly string[], cwd: string): Promise<Ended> =>
    execute(
      'nsenter',
      [
        `--target=${systemd.pid}`,
        '--mount',
        ...(spaces.includes('--map-root-user') ? ['--user'] : []),
        `--wd=${cwd}`,
        command,
        ...args,
      ],
      { env: own, timeout: limitMs },
    ).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      (error: { code: number | null; stdout: string; stderr: string }) => error,
    );
  for (let is = ''; !/running|degraded/.test(is); ) {
    if (signal.aborted || systemd.exitCode !== null) throw new Error(`systemd does not start here: ${is}`);
    is = (await run('systemctl', ['--user', 'is-system-running'], folder)).stdout;
  }
  return {
    run,
    units,
    root,
    async stop() {
      systemd.kill('SIGTERM');
      await new Promise((resolve) => (systemd.exitCode === null ? systemd.once('exit', resolve) : resolve(undefined)));
    },
  };
}
