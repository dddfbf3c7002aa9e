import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attempt } from '../../../../layers/db-tools/debian/run.ts';

const limitMs = 5 * 60 * 1000;
const module = join(import.meta.dirname, '../../../../layers/db-tools/debian/debian.ts');
const wanted = JSON.stringify({
  name: 'small',
  suites: ['trixie'],
  packages: ['zstd', 'ca-certificates'],
  withDependencies: false,
});
const script = `
import { debianRoot } from ${JSON.stringify(module)};
const report = (line) => console.log('report: ' + line);
debianRoot(${wanted}, report, AbortSignal.timeout(${limitMs})).then(
  (root) => console.log('root: ' + root),
  (error) => { console.log('error: ' + [error.code, error.message, error.hint].join(' | ')); process.exitCode = 1; });
`;

let cache: string;

beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), 'nightjar-fetch-'));
  await chmod(cache, 0o755);
});
afterAll(() => rm(cache, { recursive: true }));

test(
  'a fetch that is killed half way leaves nothing that counts, and the next is not held up',
  async () => {
    const killed = fetcher();
    await said(killed, 'downloading 2 Debian packages');
    killed.kill('SIGKILL');
    await once(killed, 'close');
    expect((await roots()).filter((name) => !name.includes('.part-'))).toEqual([]);

    const before = Date.now();
    const text = await said(fetcher(), 'root: ');

    expect(Date.now() - before).toBeLessThan(45_000);
    expect(text).toMatch(/root: .*small-[0-9a-f]{8}/);
    expect(await roots()).toHaveLength(1);
  },
  limitMs,
);

test(
  'two processes that want the same root at once get one good root, and one of them fetches it',
  async () => {
    await rm(join(cache, 'debian', ...(await readdir(join(cache, 'debian'))), 'roots'), { recursive: true });

    const texts = await Promise.all([finished(fetcher()), finished(fetcher())]);

    const [first, second] = texts.map((text) => /root: (.*)/.exec(text)?.[1]);
    expect(first).toBe(second);
    expect(texts.filter((text) => text.includes('downloading'))).toHaveLength(1);
    const packages = JSON.parse(await readFile(join(first!, '.nightjar/packages.json'), 'utf8')) as {
      name: string;
      sha256: string;
    }[];
    expect(packages.map(({ name }) => name).sort()).toEqual(['ca-certificates', 'zstd']);
    expect(packages.every(({ sha256 }) => /^[0-9a-f]{64}$/.test(sha256))).toBe(true);
    expect((await stat(join(first!, 'usr/bin/zstd'))).mode & 0o7777).toBe(0o755);
    expect(await realpath(join(first!, 'bin/zstd'))).toBe(await realpath(join(first!, 'usr/bin/zstd')));
    expect(await roots()).toHaveLength(1);
  },
  limitMs,
);

test(
  'a machine without apt fetches in a Debian container, and says so',
  async () => {
    const engine =
      `#!/bin/sh\n[ "$1" = info ] && exit 0\necho "$@" >> ${cache}/engine.log\nwhile [ "$1" != debian:stable-slim ` +
      `]; do shift; done\nshift\nPATH=/usr/bin:/bin exec "$@"\n`;
    const path = await pathWithout('apt-get', { docker: engine });
    await rm(join(cache, 'debian', ...(await readdir(join(cache, 'debian'))), 'roots'), { recursive: true });

    const text = await finished(fetcher({ PATH: path }));

    expect(text).toContain(
      "no apt with Debian's archive key on this machine: its packages are fetched in a container (docker, " +
        'debian:stable-slim)',
    );
    expect(text).toMatch(/root: .*small-/);
    const calls = (await readFile(join(cache, 'engine.log'), 'utf8')).trim().split('\n');
    expect(
      calls.every(
        (call) =>
          call.startsWith('run --rm --init --user ') &&
          call.includes(` --volume ${cache}:${cache} debian:stable-slim `),
      ),
    ).toBe(true);
  },
  limitMs,
);

test(
  'a machine without apt and without a container engine that answers is told what to install',
  async () => {
    const path = await pathWithout('apt-get', { docker: '#!/bin/sh\nexit 1\n' });
    await rm(join(cache, 'debian', ...(await readdir(join(cache, 'debian'))), 'roots'), { recursive: true });

    const text = await finished(fetcher({ PATH: path }));

    expect(text).toMatch(
      /error: tools-missing \| .*no apt.*no container engine.* \| .*apt-get install debian-archive-keyring.*docker or podman/,
    );
  },
  limitMs,
);

test(
  'a package that no suite has is named',
  async () => {
    const { status, output } = await attempt(
      [process.execPath, '--input-type=module', '-e', script.replace('"zstd"', '"no-such-package-anywhere"')],
      { env: { ...process.env, NIGHTJAR_CACHE: cache } },
      AbortSignal.timeout(limitMs),
    );

    expect(status).toBe(1);
    expect(output).toMatch(/error: tools-missing \| .*no-such-package-anywhere/);
  },
  limitMs,
);

function fetcher(environment: NodeJS.ProcessEnv = {}): ChildProcess {
  const env = { ...process.env, NODE_OPTIONS: '', NIGHTJAR_CACHE: cache, ...environment };
  return spawn(process.execPath, ['--input-type=module', '-e', script], { env, stdio: ['ignore', 'pipe', 'inherit'] });
}

async function said(child: ChildProcess, words: string): Promise<string> {
  let text = '';
  for await (const chunk of child.stdout!.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    text += chunk.toString();
    if (text.includes(words)) return text;
  }
  throw new Error(`never said "${words}": ${text}`);
}

async function finished(child: ChildProcess): Promise<string> {
  let text = '';
  child.stdout!.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  await once(child, 'close');
  return text;
}

async function roots(): Promise<string[]> {
  const [architecture = ''] = await readdir(join(cache, 'debian'));
  return readdir(join(cache, 'debian', architecture, 'roots'));
}

/**
 * A search path on which `missing` and what stands beside it in the system's folders can't be found; only a shell and
 * `programs`.
 */
async function pathWithout(missing: string, programs: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(cache, `without-${missing}-`));
  for (const name of ['sh', 'ls']) await symlink(`/bin/${name}`, join(folder, name));
  await mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(programs)) await writeFile(join(folder, name), text, { mode: 0o755 });
  return folder;
}
