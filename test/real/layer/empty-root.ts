import { spawn } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { temporaryFolder } from '../../servers/folder.ts';
import type { Layer, LayerProgram } from './native-layer.ts';

export type Ended = { status: number | null; output: string; complaint: string };

export type EmptyRoot = {
  /** Runs a program of the layer to its end, as Nightjar starts it. */
  run(program: LayerProgram, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ended>;
  /** Runs anything in the root. */
  runPath(argv: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ended>;
  /** Puts one more file there. */
  give(path: string, content: string | Uint8Array): Promise<void>;
  remove(): Promise<void>;
};

const runLimitMs = 60_000;
const enter = `
set -e
mount --bind "$1" "$2/opt"
mount -o remount,bind,ro "$2/opt"
root="$2"; way="$3"; also="$4"; shift 4
for folder in $also; do mkdir -p "$root$folder"; mount --rbind "$folder" "$root$folder"; done
case "$way" in
  root) exec chroot --userspec=12345:12345 --groups= "$root" "$@" ;;
  user) exec unshare --user --map-user=12345 --map-group=12345 --root="$root" --wd=/ "$@" ;;
esac`;

/**
 * A root file system that holds the layer, read-only at /opt, and nothing else: programs run there as user 12345, whom
 * nobody knows, without any privilege. An ordinary user gets there by a user namespace. `also`: folders of the host
 * that are there, too.
 */
export async function emptyRoot(layer: Layer, also: readonly string[] = []): Promise<EmptyRoot> {
  const { path: root, remove } = await temporaryFolder('empty-root');
  await chmod(root, 0o755);
  await mkdir(join(root, 'opt'));
  const isRoot = process.getuid?.() === 0;
  const namespaces = [...(isRoot ? [] : ['--user', '--map-root-user']), '--mount', '--propagation', 'private'];
  const runPath: EmptyRoot['runPath'] = (argv, env = {}) =>
    new Promise((resolve, reject) => {
      const args = [
        ...namespaces,
        'sh',
        '-c',
        enter,
        'enter',
        layer.folder,
        root,
        isRoot ? 'root' : 'user',
        also.join(' '),
        ...argv,
      ];
      const signal = AbortSignal.timeout(runLimitMs);
      const child = spawn('unshare', args, {
        cwd: '/',
        env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
        signal,
      });
      let [output, complaint] = ['', ''];
      child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
      child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
      child.on('error', reject);
      child.on('close', (status) => resolve({ status, output, complaint }));
    });
  return {
    run: (program, args, env) => runPath([...startedAs(program), ...args], env),
    runPath,
    async give(path, content) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), content, { mode: 0o755 });
    },
    remove,
  };
}

/** The words that start a program of the layer at /opt. */
export function startedAs({ path, argv0 }: LayerProgram): string[] {
  const home = '/opt/nightjar';
  return [
    `${home}/lib/ld.so`,
    '--inhibit-cache',
    '--library-path',
    `${home}/lib`,
    '--argv0',
    `${home}/${argv0}`,
    `${home}/${path}`,
  ];
}
