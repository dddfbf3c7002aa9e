import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { machineArchitecture } from '../../../../layers/db-tools/debian/debian.ts';
import { startMirror, type Mirror } from './debian-mirror.ts';

const limitMs = 5 * 60_000;
const kills = Number(process.env['NIGHTJAR_TEST_KILLS'] ?? 5);
const module = join(import.meta.dirname, '../../../../layers/db-tools/debian/debian.ts');

let mirror: Mirror;

beforeAll(async () => {
  mirror = await startMirror(machineArchitecture());
  await mirror.publish([
    { name: 'tool', version: '1', suite: 'trixie', files: { 'usr/bin/tool': 'tool', ...filler('tool') } },
    { name: 'other', version: '1', suite: 'trixie', files: filler('other') },
    // with what it needs: apt names no file that it has already
    { name: 'whole', version: '1', suite: 'trixie', files: filler('whole'), depends: 'large' },
    { name: 'large', version: '1', suite: 'trixie', files: filler('large', 1000) },
  ]);
}, limitMs);
afterAll(() => mirror.close());

test(
  'a fetch killed at any moment, and whatever it leaves behind, is followed by a whole one',
  async () => {
    for (let kill = 0; kill < kills; kill += 1) {
      const name = `root${kill}`;
      const victim = fetcher(name);
      const delayMs = 150 + (kill * 2000) / kills;
      await Promise.race([sleep(delayMs), once(victim, 'close')]);
      // itself, or with all that it has started: as a machine that is out of memory, as a container that ends
      if (victim.exitCode === null) process.kill(kill % 2 === 0 ? victim.pid! : -victim.pid!, 'SIGKILL');

      const { status, text } = await ended(fetcher(name));

      expect({ kill, status, text: status === 0 ? '' : text }).toEqual({ kill, status: 0, text: '' });
      const root = /root: (.*)/.exec(text)![1]!;
      expect(await readFile(join(root, 'usr/bin/tool'), 'utf8')).toBe('tool');
      expect((await readdir(join(root, 'usr/share/tool'))).length).toBe(200);
      expect((await readdir(join(root, 'usr/share/other'))).length).toBe(200);
    }
  },
  limitMs,
);

test.each([
  ['itself', false],
  ['with all that it started', true],
])(
  'a fetch that is killed, %s, once all is downloaded leaves no root without packages, and whoever waits for it ' +
    'makes a whole one',
  async (who, all) => {
    const wanted = { packages: ['whole'], withDependencies: true };
    const debian = join(mirror.cache, 'debian', machineArchitecture());
    await rm(join(debian, 'archives'), { recursive: true, force: true });
    const victim = fetcher(`whole-${who.length}`, wanted);
    await appears(debian, /^lock$/);
    const next = ended(fetcher(`whole-${who.length}`, wanted));
    await appears(join(debian, 'archives'), /^large_.*\.deb$/);
    expect(victim.exitCode).toBe(null);
    process.kill(all ? -victim.pid! : victim.pid!, 'SIGKILL');

    const { status, text } = await next;

    expect({ status, text: status === 0 ? '' : text }).toEqual({ status: 0, text: '' });
    const unpacked = await readdir(join(/root: (.*)/.exec(text)![1]!, 'usr/share')).catch(() => []);
    expect(unpacked).toEqual(expect.arrayContaining(['large', 'whole']));
  },
  limitMs,
);

/** Waits until something of this name lies in a folder. */
async function appears(folder: string, name: RegExp): Promise<void> {
  for (let left = 60_000; left > 0; left -= 1) {
    if ((await readdir(folder).catch(() => [])).some((one) => name.test(one))) return;
    await sleep(1);
  }
  throw new Error(`nothing like ${String(name)} in ${folder}`);
}

function fetcher(name: string, wanted: object = { packages: ['tool=1', 'other=1'], withDependencies: false }) {
  const want = JSON.stringify({ name, suites: ['trixie'], ...wanted });
  const code = `import { debianRoot } from ${JSON.stringify(module)};
    console.log('root: ' + await debianRoot(${want}, () => {}, AbortSignal.timeout(60_000)));`;
  const env = { ...process.env, ...mirror.env, NODE_OPTIONS: '' };
  return spawn(process.execPath, ['--input-type=module', '-e', code], {
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function ended(child: ReturnType<typeof fetcher>): Promise<{ status: number | null; text: string }> {
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, text };
}

function filler(name: string, length = 200): Record<string, string> {
  return Object.fromEntries(Array.from({ length }, (_, at) => [`usr/share/${name}/${at}`, `${at}`.repeat(1000)]));
}
