import { afterEach, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lambdaFunction, type FunctionSettings, type LambdaFunction } from './sandbox/function.ts';
import { isolation } from './sandbox/isolation.ts';
import { errorOf, valueOf } from './sandbox/outcome.ts';

const fixtures = join(import.meta.dirname, 'fixtures');
let made: LambdaFunction | undefined;

function probe(settings: Partial<FunctionSettings> = {}): LambdaFunction {
  made = lambdaFunction({ task: fixtures, layer: fixtures, handler: 'probe.handler', tmpMb: 10, ...settings });
  return made;
}

afterEach(async () => made?.stop());

test('a function sees a root that it cannot write to, has a small /tmp, no rights and no home', async () => {
  const found = valueOf(await probe().invoke({ deed: 'look' }));

  expect(await isolation()).not.toBe('none');
  expect(found).toEqual({
    invocations: 1,
    uid: 993,
    home: null,
    capabilities: '0000000000000000',
    writes: ['EROFS', 'EROFS', 'EROFS', 'done'],
    fills: 'ENOSPC',
    shell: 'ENOENT',
  });
});

test('a function is frozen between two invocations and keeps its memory', async () => {
  const warm = probe();
  const first = Number(valueOf(await warm.invoke({ deed: 'beats' })));

  await sleep(5000);
  const second = Number(valueOf(await warm.invoke({ deed: 'beats' })));

  expect(second - first).toBeLessThan(250);
});

test('an error that is thrown is the failure of the invocation, and the next one goes on', async () => {
  const warm = probe();

  const failed = errorOf(await warm.invoke({ deed: 'fail' }));
  const next = await warm.invoke({ deed: 'look' });

  expect(failed).toEqual({ errorType: 'bad-luck', errorMessage: 'no luck' });
  expect(next).toMatchObject({ status: 'returned', logs: ['look, in time'] });
  expect(next.initMs).toBeUndefined();
});

test('a function that hangs, hoards memory or exits is ended with every process of it, and starts anew', async () => {
  const limited = probe({ timeoutMs: 10_000, memoryMb: 300 });

  const ends = [
    await limited.invoke({ deed: 'hang' }),
    await limited.invoke({ deed: 'hoard' }),
    await limited.invoke({ deed: 'exit' }),
  ];

  expect(ends.map(({ status }) => status)).toEqual(['timed-out', 'out-of-memory', 'exited']);
  expect(ends.map(({ initMs }) => initMs !== undefined)).toEqual([true, true, true]);
  expect(limited.processes()).toEqual([]);
});

test('a frozen function goes when the process that started it is killed', async () => {
  const script = `
    import { lambdaFunction } from '${join(import.meta.dirname, 'sandbox/function.ts')}';
    const one = lambdaFunction({ task: '${fixtures}', layer: '${fixtures}', handler: 'probe.handler' });
    await one.invoke({ deed: 'beats' });
    console.log(one.processes().join(' '));
    setInterval(() => {}, 1000);`;
  const owner = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(owner.stdout, 'data')) as [Buffer];
  const pids = line.toString().trim().split(' ').map(Number);

  owner.kill('SIGKILL');

  expect(pids.length).toBeGreaterThan(0);
  for (const pid of pids) while (isRunning(pid)) await sleep(50);
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
