import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { cliScene } from '../../support/cli/scene.ts';
import type { CliScene } from '../../support/cli/scene.ts';

const launcher = fileURLToPath(new URL('../../../bin/nightjar', import.meta.url));
let scene: CliScene;

beforeAll(async () => {
  scene = await cliScene();
  await scene.run(['backup', 'shop']);
  await scene.sql('shop', `update orders set note = 'changed'`);
}, 20 * 60_000);
afterAll(() => scene.stop());

/** Restores in place at a terminal (made by script, of util-linux), and types this answer when asked. */
async function answering(answer: string): Promise<{ code: number; screen: string }> {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const command = `stty cols 120; '${process.execPath}' '${launcher}' restore shop --to shop --replace`;
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    cwd: scene.folder,
    env: { ...env, ...scene.env, SHELL: '/bin/sh', TERM: 'dumb' },
    timeout: 60_000,
  });
  let screen = '';
  let asked = false;
  child.stdout.on('data', (chunk: Buffer) => {
    screen += chunk.toString();
    if (asked || !screen.includes('Type shop to go on: ')) return;
    asked = true;
    child.stdin.write(answer);
  });
  const [code] = (await once(child, 'close')) as [number];
  return { code, screen };
}

const notes = async () =>
  (await scene.sql('shop', `select count(*)::int as n from orders where note = 'changed'`))[0]!['n'];

test.each([
  ['no\n', 2],
  ['\n', 2],
  ['Shop\n', 2],
  ['\x03', 130],
])('at a terminal, any answer but the name changes nothing: %p', async (answer, exitCode) => {
  const { code, screen } = await answering(answer);

  expect(screen).toMatch(/--replace puts the backup in the place of what postgres:.*\/shop holds: 1 table/);
  expect(code).toBe(exitCode);
  expect(await notes()).toBe(1000);
});

test('at a terminal, the typed name is a yes, and the progress is gone from the screen in the end', async () => {
  const { code, screen } = await answering('shop\n');

  expect(code).toBe(0);
  expect(screen).toContain('\r\x1b[2Krestored shop');
  expect(screen).toMatch(
    /proven equal: 1 table, 1,000 rows, \d+ definitions\r\nthe old database is kept as shop_before_/,
  );
  expect(await notes()).toBe(0);
});

test('what was replaced long ago goes behind a restore that is proven, and behind no other', async () => {
  const file = join(scene.folder, 'nightjar.yaml');
  const before = await readFile(file, 'utf8');
  await scene.run(['restore', 'shop', '--drop-old', '--yes']);
  await scene.run(['restore', 'shop', '--to', 'shop', '--replace', '--yes']);
  const kept = async () =>
    (await scene.sql('postgres', `select datname as name from pg_database where datname like 'shop_before_%'`)).length;
  const [{ name } = {}] = await scene.sql(
    'postgres',
    `select datname as name from pg_database where datname like 'shop_before_%'`,
  );
  await scene.sql(
    'postgres',
    `comment on database "${String(name)}" is 'nightjar replaced "shop" at 2026-01-01T02:00:00Z'`,
  );
  await writeFile(file, before.replace('  shop:\n', '  shop:\n    keepReplaced: 7d\n'));

  try {
    const unproven = await scene.run(['restore', 'shop', '--to', 'unproven', '--no-proof']);
    const elsewhere = await scene.run(['restore', 'shop', '--server', 'big', '--to', 'elsewhere']);
    const after = await kept();
    const proven = await scene.run(['restore', 'shop', '--to', 'proven']);

    expect([unproven, elsewhere, proven].map(({ code, stderr }) => (code === 0 ? 0 : stderr))).toEqual([0, 0, 0]);
    expect({ after, then: await kept(), said: proven.stdout }).toEqual({
      after: 1,
      then: 0,
      said: expect.stringContaining('dropped, as keepReplaced says'),
    });
  } finally {
    await writeFile(file, before);
  }
});
