import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Ended } from '../cli/command.ts';
import type { Image } from './build.ts';

const limitMs = 120_000;

/** A container as the kernel sees it, with the host's network: `docker run --read-only --tmpfs /tmp --network host`. */
const enter = `
set -e
root="$1"; mounted="$2"; work="$3"; user="$4"; group="$5"; shift 5
mount --bind "$root" "$root"
mount --bind "$mounted" "$root$work"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -o remount,bind,ro "$root"
exec setpriv --clear-groups --no-new-privs unshare --setgid "$group" --setuid "$user" --root "$root" --wd "$work" "$@"`;

/** Runs the image as its own configuration says, with `mounted` at its working folder, in its own pid namespace. */
export async function runImage(image: Image, mounted: string, args: readonly string[]): Promise<Ended> {
  const [user = '', group = ''] = image.user.split(':');
  const own = ['--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child'];
  const words = ['sh', '-c', enter, 'enter', image.rootfs, mounted, image.workingDir, user, group, ...image.entrypoint];
  const child = spawn('unshare', [...own, ...words, ...args], {
    cwd: '/',
    env: Object.fromEntries(image.env.map((one) => one.split(/=(.*)/s, 2))) as Record<string, string>,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: limitMs,
    killSignal: 'SIGKILL',
  });
  const seen = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].on('data', (chunk: Buffer) => (seen[name] += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...seen };
}
