import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Socket } from 'node:net';
import { temporaryFolder } from '../../../servers/folder.ts';
import { entering, type Isolation } from './isolation.ts';
import { descendants, nameOf, signalAll } from './process-tree.ts';

/** A folder of this machine in place of a file system that a function mounts, by a role that may write there or not. */
export type MountedFolder = { folder: string; at: string; as: 'ro' | 'rw' };

export type SandboxSettings = {
  mode: Isolation;
  task: string;
  layer: string;
  tmpMb: number;
  hosts?: string | undefined;
  fileSystem?: MountedFolder | undefined;
  /** Lambda's system has one (Lambda Developer Guide, wrapper scripts); only pg_dumpall needs it, to find pg_dump. */
  shell?: boolean | undefined;
  environment: Record<string, string>;
  log: (line: string) => void;
};

/** The processes of one execution environment. */
export type Sandbox = {
  /** Settles when all of it has ended, with how the runtime ended. */
  ended: Promise<{ code: number | null }>;
  /** The runtime and every program it has started. */
  processes(): number[];
  freeze(): void;
  thaw(): void;
  /** SIGKILL of everything, as Lambda does it. */
  kill(): Promise<void>;
};

/** Of the preparation and not of the function: what stands between us and the runtime. */
const scaffolding = new Set(['unshare', 'sandbox.sh', 'sh']);

/** Starts a runtime in an environment of its own; it ends with this process, however this one ends. */
export async function startSandbox({
  mode,
  task,
  layer,
  tmpMb,
  hosts = '/etc/hosts',
  fileSystem = { folder: '', at: '', as: 'ro' },
  shell = false,
  environment,
  log,
}: SandboxSettings): Promise<Sandbox> {
  const root = await temporaryFolder('lambda');
  const place = [
    mode,
    root.path,
    task,
    layer,
    join(import.meta.dirname, 'bootstrap.mjs'),
    String(tmpMb),
    hosts,
    nodeBinary(),
    fileSystem.folder,
    fileSystem.at,
    fileSystem.as,
    ...sharedObjects(),
    ...(shell ? ['/bin/sh'] : []),
  ];
  const [program = '', ...args] = [...entering(mode), '/bin/sh', join(import.meta.dirname, 'sandbox.sh'), ...place];
  const child = spawn(program, args, { env: environment, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  child.on('error', (error) => log(`${program}: ${error.message}`));
  child.stdin.on('error', () => {});
  (child.stdin as Socket).unref();
  for (const stream of [child.stdout, child.stderr]) createInterface(stream).on('line', log);
  const ended = once(child, 'close').then(
    async ([code]) => (await root.remove(), { code: code as number | null }),
    async () => (await root.remove(), { code: null }),
  );
  const all = (): number[] => (child.pid === undefined ? [] : descendants(child.pid));
  const processes = (): number[] => all().filter((pid) => !scaffolding.has(nameOf(pid)));
  return {
    ended,
    processes,
    freeze: () => signalAll(processes(), 'SIGSTOP'),
    thaw: () => signalAll(processes(), 'SIGCONT'),
    async kill() {
      // the one below the one we started is the first process of the namespace: its end is the end of all in it
      if (child.pid !== undefined)
        signalAll(mode === 'none' ? [-child.pid] : [child.pid, ...all().slice(0, 1)], 'SIGKILL');
      child.stdin.destroy();
      await ended;
    },
  };
}

/** The Node 24 of the npm package, which brings its own binary: the machine's may be another one. */
function nodeBinary(): string {
  return join(dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin/node');
}

/** What a Node process has loaded besides itself, its loader included: the same that the runtime needs. */
function sharedObjects(): string[] {
  // they stay the same, and a report takes longer than the rest of a start
  runtimeObjects ??= (process.report.getReport() as { sharedObjects: string[] }).sharedObjects.filter(
    (path) => path.startsWith('/') && !path.endsWith('.node'),
  );
  return runtimeObjects;
}
let runtimeObjects: string[] | undefined;
