import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';

// NIGHTJAR_SCALE=1000 measures what docs/freshness.md says
const sources = Number(process.env['NIGHTJAR_SCALE'] ?? 40);
const backups = 60;
const newest = Date.parse('2026-11-20T02:00:00Z');
/** As bin/nightjar and the functions run Node. */
const asInstalled = '--max-semi-space-size=2';
const programs = join(import.meta.dirname, 'programs');
let store: ChildProcess;
let endpoint = '';

beforeAll(async () => {
  store = spawn(process.execPath, [join(programs, 'large-store.ts'), `${sources}`, `${backups}`, `${newest}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(store.stdout!, 'data')) as [Buffer];
  endpoint = `http://127.0.0.1:${(JSON.parse(line.toString()) as { port: number }).port}`;
});
afterAll(() => void store?.kill());

type Took = {
  states: Record<string, number>;
  failures: string[];
  seconds: number;
  cpuSeconds: number;
  peakMegabytes: number;
};

async function checked(): Promise<Took & { requests: Record<string, number> }> {
  await fetch(`${endpoint}/count`);
  const { stdout } = await promisify(execFile)(process.execPath, [
    asInstalled,
    join(programs, 'check-large.ts'),
    endpoint,
    `${sources}`,
    `${newest + 3_600_000}`,
  ]);
  const requests = (await (await fetch(`${endpoint}/count`)).json()) as Record<string, number>;
  const took = { ...(JSON.parse(stdout) as Took), requests };
  if (process.env['NIGHTJAR_SCALE'] !== undefined) process.stderr.write(`${JSON.stringify(took)}\n`);
  return took;
}

test('a manifest is read once: the first check reads each, the next ones none, with less than two requests a source and in bounded memory', async () => {
  const first = await checked();
  const next = await checked();

  const sum = (requests: Record<string, number>): number =>
    Object.values(requests).reduce((total, one) => total + one, 0);
  expect([first.states, first.failures, next.states, next.failures]).toEqual([
    { fresh: sources },
    [],
    { fresh: sources },
    [],
  ]);
  expect(first.requests['GET']).toBe(sources * backups + 2);
  expect(next.requests).toEqual({ LIST: expect.any(Number), GET: sources + 1 });
  expect(sum(next.requests)).toBeLessThan(sources * 2);
  expect(Math.max(first.peakMegabytes, next.peakMegabytes)).toBeLessThan(256);
}, 900_000);
