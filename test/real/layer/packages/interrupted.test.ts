import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
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

function fetcher(name: string) {
  const want = JSON.stringify({ name, suites: ['trixie'], packages: ['tool=1', 'other=1'], withDependencies: false });
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

function filler(name: string): Record<string, string> {
  return Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`usr/share/${name}/${at}`, `${at}`.repeat(1000)]));
}
