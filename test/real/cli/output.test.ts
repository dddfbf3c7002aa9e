import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';

const launcher = fileURLToPath(new URL('../../../bin/nightjar', import.meta.url));
const names = ['blog', 'mail', 'shop', 'wiki'];
const limitMs = 60_000;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-output-'));
  // nothing listens on this port: each backup fails, and leaves a record of that
  const source = (name: string) =>
    `  ${name}:\n    postgres: { host: 127.0.0.1, port: 9, user: app, database: ${name}, tls: off }\n`;
  await writeFile(join(folder, 'nightjar.yaml'), `vault: ./backups\nsources:\n${names.map(source).join('')}`);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function start(args: readonly string[], stdout: 'pipe' | number) {
  const { NODE_OPTIONS: _, ...env } = process.env;
  return spawn(process.execPath, [launcher, ...args], {
    cwd: folder,
    env: { ...env, NIGHTJAR_LAYER_NEWS: 'off' },
    stdio: ['ignore', stdout, 'pipe'],
    timeout: limitMs,
    killSignal: 'SIGKILL',
  });
}

test('whoever reads a backup’s output may leave: the other sources have their turn, and it ends as it would', async () => {
  const child = start(['backup'], 'pipe');
  child.stdout?.destroy();
  child.stderr!.destroy();

  const [code] = await once(child, 'exit');

  const tried = await Promise.all(names.map((name) => readdir(join(folder, 'backups', name, 'failures'))));
  expect(tried.map(({ length }) => length > 0)).toEqual(names.map(() => true));
  expect(code).toBe(1);
});

test.each([['--json'], ['--help']])('what can’t be written is no success: list %s to a full disk', async (flag) => {
  const full = await open('/dev/full', 'w');
  try {
    const child = start(['list', flag], full.fd);
    let said = '';
    child.stderr!.on('data', (chunk: Buffer) => (said += chunk.toString()));

    const [code] = await once(child, 'close');

    expect(said).toMatch(/^error: what there was to print could not be written: ENOSPC/m);
    expect(code).toBe(1);
  } finally {
    await full.close();
  }
});
