import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import { isGone, newRunId, thisHolder } from '../../core/holder.ts';

/** The holder that another process of ours is, and its end. */
async function otherHolder(): Promise<{ holder: string; kill(): Promise<void> }> {
  const code =
    `import { thisHolder } from ${JSON.stringify(new URL('../../core/holder.ts', import.meta.url).href)}; ` +
    'console.log(thisHolder()); setInterval(() => {}, 1000);';
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return {
    holder: line.toString().trim(),
    async kill() {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

test('this process is not gone', () => {
  expect(thisHolder()).toMatch(/^\S+ pid \d+ \([0-9a-f]{8}-[0-9a-f]{4}\.\d+\.\d+\)$/);
  expect(isGone(thisHolder())).toBe(false);
});

test('a process of this machine is gone when it was killed, and not before', async () => {
  const other = await otherHolder();
  expect(isGone(other.holder)).toBe(false);

  await other.kill();

  expect(isGone(other.holder)).toBe(true);
});

test('a process that has got the pid of another one is not taken for it', () => {
  expect(isGone(thisHolder().replace(/\d+\)$/, '1)'))).toBe(true);
});

test.each([
  ['of another machine', /^\S+/, 'elsewhere'],
  ['of another boot', /\([^.]+/, '(00000000-0000'],
  ['of another pid namespace', /\.\d+\./, '.1.'],
  ['that Lambda runs', /.*/, 'lambda nightjar-backup 7f3a9c12'],
])('a holder %s is never known to be gone', (_, pattern, other) => {
  expect(
    isGone(
      thisHolder()
        .replace(/\d+\)$/, '1)')
        .replace(pattern, other),
    ),
  ).toBe(false);
});

test('run ids are eight hex digits', () => {
  expect(newRunId()).toMatch(/^[0-9a-f]{8}$/);
  expect(newRunId()).not.toBe(newRunId());
});
