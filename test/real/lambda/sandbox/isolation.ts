import { spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * How far this machine lets us imitate Lambda. `full`: as root, with a root of its own and another user.
 * `user-namespace`: the same by an ordinary user. `none`: a plain child process that sees the machine's files and has
 * its /tmp.
 */
export type Isolation = 'full' | 'user-namespace' | 'none';

const probeLimitMs = 10_000;
const namespaces = ['--mount', '--pid', '--ipc', '--fork', '--kill-child=SIGKILL'];
let found: Promise<Isolation> | undefined;

/** The best isolation that works here; tried once. */
export function isolation(): Promise<Isolation> {
  found ??= probe();
  return found;
}

/** What `sandbox.sh` is started with. */
export function entering(mode: Isolation): string[] {
  if (mode === 'none') return [];
  return ['unshare', ...(mode === 'user-namespace' ? ['--user', '--map-root-user'] : []), ...namespaces];
}

async function probe(): Promise<Isolation> {
  const mode = process.getuid?.() === 0 ? 'full' : 'user-namespace';
  const [program = '', ...args] = [...entering(mode), 'sh', '-c', 'mount -t tmpfs tmpfs /tmp'];
  const child = spawn(program, args, { stdio: 'ignore', timeout: probeLimitMs, killSignal: 'SIGKILL' });
  const works = await once(child, 'exit').then(
    ([code]) => code === 0,
    () => false,
  );
  return works ? mode : 'none';
}
