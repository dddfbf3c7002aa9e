import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { serverRoot } from '../root.ts';

/** Debian's skopeo, which shares no code with us. */
export type Skopeo = {
  /** What it prints. Throws where it fails. */
  run(...args: string[]): Promise<string>;
  remove(): Promise<void>;
};

const fetchLimitMs = 300_000;
const runLimitMs = 60_000;

export async function openSkopeo(): Promise<Skopeo> {
  const want = { name: 'skopeo', suites: ['trixie'], packages: ['skopeo'] };
  const { path, env } = await serverRoot(want, () => undefined, AbortSignal.timeout(fetchLimitMs));
  const home = await mkdtemp(join(tmpdir(), 'nightjar-skopeo-'));
  const own = { ...env, HOME: home, TMPDIR: home, XDG_RUNTIME_DIR: home };
  return {
    async run(...args) {
      const options = { env: own, cwd: home, timeout: runLimitMs, maxBuffer: 2 ** 26 };
      const { stdout } = await promisify(execFile)(
        join(path, 'usr/bin/skopeo'),
        ['--insecure-policy', ...args],
        options,
      );
      return stdout;
    },
    remove: () => rm(home, { recursive: true, force: true }),
  };
}
