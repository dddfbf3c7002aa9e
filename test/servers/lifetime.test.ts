import { test, expect } from '@jest/globals';
import { spawn } from 'node:child_process';
import { access, chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { startPostgres } from './databases/postgres.ts';
import { startLimitMs } from './server.ts';

const here = import.meta.dirname;
const starts = {
  PostgreSQL: "(await import('./databases/postgres.ts')).startPostgres({ major: 18 })",
  MariaDB: "(await import('./databases/mariadb.ts')).startMariadb({ series: '11.8' })",
  moto: "(await import('./s3/moto.ts')).startMoto()",
  Ceph: "(await import('./s3/ceph.ts')).startCeph()",
};

test.each(Object.entries(starts))(
  '%s and its folder go when the process that started it is killed',
  async (_name, start) => {
    const temporary = await mkdtemp(join(tmpdir(), 'nightjar-lifetime-'));
    await chmod(temporary, 0o755);
    const script = `const { pid } = await ${start}; console.log(pid); setInterval(() => undefined, 1000);`;
    const environment = { ...process.env, TMPDIR: temporary };
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      cwd: here,
      env: environment,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const pid = await firstLine(parent.stdout);
    expect(await exists(`/proc/${pid}`)).toBe(true);
    expect(await readdir(temporary)).toHaveLength(1);

    parent.kill('SIGKILL');

    expect(await becomesTrue(async () => !(await exists(`/proc/${pid}`)))).toBe(true);
    expect(await becomesTrue(async () => (await readdir(temporary)).length === 0)).toBe(true);
    await rm(temporary, { recursive: true });
  },
  startLimitMs,
);

test(
  'a server that can not start says why',
  async () => {
    const start = startPostgres({ major: 18, settings: { shared_buffers: 'plenty' } });

    await expect(start).rejects.toThrow('invalid value for parameter "shared_buffers": "plenty"');
  },
  startLimitMs,
);

test(
  'a killed server keeps its data until it is stopped',
  async () => {
    const server = await startPostgres({ major: 18 });

    await server.kill();
    const kept = await exists(server.dataDir);
    await server.stop();

    expect(kept).toBe(true);
    expect(await exists(server.dataDir)).toBe(false);
  },
  startLimitMs,
);

test(
  'PostgreSQL leaves no shared memory behind when the process that started it is killed',
  async () => {
    const script = `const { dataDir } = await ${starts.PostgreSQL}; console.log(dataDir); setInterval(() => undefined, 1000);`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      cwd: here,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const dataDir = await firstLine(parent.stdout);
    // the seventh line of postmaster.pid: the key and the number of its System V segment
    const [, segment] = (await readFile(join(dataDir, 'postmaster.pid'), 'utf8')).split('\n')[6]!.trim().split(/\s+/);
    const segments = async () =>
      (await readFile('/proc/sysvipc/shm', 'utf8')).split('\n').map((line) => line.trim().split(/\s+/)[1]);
    expect(await segments()).toContain(segment);
    expect(await readdir(join(dataDir, 'pg_dynshmem'))).not.toEqual([]);

    parent.kill('SIGKILL');

    expect(await becomesTrue(async () => !(await segments()).includes(segment))).toBe(true);
    expect(await becomesTrue(async () => !(await exists(dataDir)))).toBe(true);
  },
  startLimitMs,
);

async function firstLine(output: Readable): Promise<string> {
  for await (const line of createInterface(output)) return line;
  throw new Error('the parent ended before its server had started');
}

async function becomesTrue(holds: () => Promise<boolean>): Promise<boolean> {
  for (let left = 600; left > 0; left -= 1) {
    if (await holds()) return true;
    await sleep(100);
  }
  return false;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
