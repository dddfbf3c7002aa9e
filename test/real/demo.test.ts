import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, open, readdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { changesOf } from '../../bin/demo/everything/look.ts';
import { openStage } from '../../bin/demo/stage.ts';
import { backUp, prove, restoreBoth, stockUp, strike, verify } from '../../bin/demo/steps.ts';
import type { Teller } from '../../bin/demo/teller.ts';
import { findLayer } from '../../bin/cli/setup/machine-layer.ts';

const limitMs = 600_000;
const program = join(import.meta.dirname, '../../bin/demo.ts');

let folder = '';

beforeEach(async () => {
  // one word longer than a line of the demo: it is told where its files are
  folder = await mkdtemp(join(tmpdir(), `demo-test-${'long-'.repeat(12)}`));
  await chmod(folder, 0o755);
});

afterEach(() => rm(folder, { recursive: true, force: true }));

test(
  'the demo ends with both databases proven equal, and leaves nothing behind',
  async () => {
    const demo = startDemo();

    const code = await demo.code;

    expect(demo.text()).toMatch(/✓ PostgreSQL: [\d,]+ rows in \d+ tables and sequences, equal/);
    expect(demo.text()).toMatch(/✓ MariaDB: [\d,]+ rows in \d+ tables and sequences, equal/);
    expect(code).toBe(0);
    expect(await leftovers(demo.text())).toEqual({ files: [], ports: [] });
  },
  limitMs,
);

test(
  'two whole projects come back on an empty machine by the commands of docs/everything-lost.md, and work',
  async () => {
    const demo = startDemo('--everything');

    const code = await demo.code;

    expect(demo.text()).toContain('All servers and the whole disk are gone.');
    expect(demo.text()).toMatch(/✓ The shop: [\d,]+ rows, .*; its code logs in and tells what it told/);
    expect(demo.text()).toContain('✓ Its image: the tag leads to the same digests, byte for byte');
    expect(demo.text()).toMatch(/✓ The blog: who was logged in still is, and sees every post and picture/);
    expect(demo.text()).toMatch(/✓ 112 files: content, owner, mode and time/);
    expect(demo.text()).not.toContain('✗');
    expect(code).toBe(0);
    expect(await leftovers(demo.text(), 6)).toEqual({ files: [], ports: [] });
  },
  limitMs,
);

test('whatever is not as it was is told: a row, a file, what an application says', () => {
  const orders = [{ table: 'orders', rows: 2, checksum: 'a' }];
  const before = {
    orders,
    visits: orders,
    files: ['a.jpg|0:0|644', 'sum a.jpg'],
    image: ['sha256:1'],
    morning: '2 orders',
    page: '200',
  };

  expect(changesOf(before, before)).toEqual([]);
  expect(
    changesOf(before, {
      orders: [{ table: 'orders', rows: 2, checksum: 'b' }],
      visits: [],
      files: ['a.jpg|0:0|600', 'sum a.jpg', 'more'],
      image: [],
      morning: '1 order',
      page: '302',
    }),
  ).toEqual([
    'PostgreSQL: orders: other content in its 2 rows',
    'MariaDB: orders: gone',
    'files: a.jpg|0:0|644 is not there',
    'files: there are more, or fewer',
    'the image is another, or not there',
    'the shop tells something else',
    'the blog shows something else',
  ]);
});

test(
  'a demo that is stopped by Ctrl-C cleans up, and does not look like a success',
  async () => {
    const demo = startDemo();
    await demo.until('Customers, orders');

    demo.stop();
    const code = await demo.code;

    expect(demo.text()).toContain('stopped by SIGINT');
    expect(code).toBe(1);
    expect(await leftovers(demo.text())).toEqual({ files: [], ports: [] });
  },
  limitMs,
);

test(
  'with one byte of a backup flipped, the demo finds it, restores nothing and proves nothing',
  async () => {
    const signal = AbortSignal.timeout(limitMs);
    const told: string[] = [];
    const tell = tellerTo(told);
    const stage = await openStage(await findLayer(process.env, undefined, tell.report, signal), tell, signal);
    try {
      const before = await stockUp(stage, 5, tell, signal);
      await backUp(stage, tell, signal);
      await flipByte(join(stage.folder, 'backups/shop-pg'));
      await strike(stage, before, tell, signal);

      await expect(verify(stage, tell, signal)).rejects.toMatchObject({ exitCode: 3 });
      await expect(restoreBoth(stage, tell, signal)).rejects.toMatchObject({ exitCode: 3 });
      expect(await prove(stage, before, tell, signal)).toBe(false);

      expect(told).toContain('PostgreSQL: customers: gone');
      expect(told).toContain('MariaDB: page_views: gone');
    } finally {
      await stage.close();
    }
  },
  limitMs,
);

function startDemo(...more: string[]) {
  const child = spawn(process.execPath, [program, '--megabytes', '20', ...more], {
    env: { ...process.env, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const code = once(child, 'close').then(([ended]) => ended as number | null);
  return {
    text: () => text,
    code,
    stop: () => child.kill('SIGINT'),
    async until(words: string) {
      const signal = AbortSignal.timeout(limitMs);
      const ended = code.then(() => undefined);
      while (!text.includes(words)) {
        const more = await Promise.race([once(child.stdout, 'data', { signal }), ended]);
        if (more === undefined) throw new Error(`the demo ended without "${words}":\n${text}`);
      }
    },
  };
}

/** Files below the demo's temporary folder, and ports on which its servers still answer. */
async function leftovers(text: string, servers = 2): Promise<{ files: string[]; ports: number[] }> {
  const ports = [...text.matchAll(/, port (\d+)/g)].map(([, port]) => Number(port));
  expect(ports).toHaveLength(servers);
  const answers = await Promise.all(
    ports.map(
      (port) =>
        new Promise<boolean>((resolve) => {
          connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
        }),
    ),
  );
  return { files: await readdir(folder), ports: ports.filter((_, index) => answers[index]) };
}

async function flipByte(below: string): Promise<void> {
  const names = await readdir(below, { recursive: true });
  const file = await open(join(below, names.find((name) => name.endsWith('data/0001.sql.zst'))!), 'r+');
  try {
    const at = Math.floor((await file.stat()).size / 2);
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, at);
    await file.write(Buffer.from([byte[0]! ^ 1]), 0, 1, at);
  } finally {
    await file.close();
  }
}

function tellerTo(told: string[]): Teller {
  const say = (text = '') => void told.push(text);
  return { step: say, say, command: say, good: say, bad: say, report: say, timed: (_, work) => work };
}
