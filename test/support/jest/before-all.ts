import { execFile } from 'node:child_process';
import { chmod, chown, statfs, writeFile } from 'node:fs/promises';
import { freemem } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryFolder } from '../../servers/folder.ts';

const memory = '/dev/shm';
const tmpfs = 0x01021994;
/** What the servers and files of one suite take at their largest, and a fifth as much again: not all are so large at once. */
const roomBytes = 1.2 * 1024 ** 3;

/**
 * Before a run of tests (jest.config.mjs): temporary folders lie in memory where the machine has enough of it.
 * Everything in them is thrown away, and a third of a run was waiting for the disk. The folder goes with this process,
 * however that ends.
 */
export default async function beforeAll({ maxWorkers }: { maxWorkers: number }): Promise<void> {
  await keepFilesInMemory(maxWorkers);
  // tests must run years after the last update of the pins, when Debian's mirror has dropped them
  process.env['NIGHTJAR_PINS'] ??= 'newer';
  // bundles of the functions are made once for all suites (functions/bundle.ts), where one needs them
  process.env['NIGHTJAR_BUNDLES'] ??= (await temporaryFolder('bundles')).path;
  // a program that tests start is compiled, and its types are taken away, by the first of its processes
  process.env['NODE_COMPILE_CACHE'] ??= (await temporaryFolder('compiled')).path;
  // half of a worker lies beside V8's heap; in large pages it takes half the time to fork, for each program that is
  // started, and a third fewer page faults (glibc's manual, "Memory Allocation Tunables")
  process.env['GLIBC_TUNABLES'] ??= 'glibc.malloc.hugetlb=1';
}

async function keepFilesInMemory(maxWorkers: number): Promise<void> {
  if (process.env['TMPDIR'] !== undefined || !(await isRoomy(maxWorkers * roomBytes))) return;
  process.env['TMPDIR'] = memory;
  const { path, remove } = await temporaryFolder('tests');
  // as /tmp is: root's or ours, and open to the user that servers run as
  await chown(path, process.getuid!(), process.getgid!());
  await chmod(path, 0o1777);
  if (await runsPrograms(path)) process.env['TMPDIR'] = path;
  else {
    delete process.env['TMPDIR'];
    await remove();
  }
}

async function isRoomy(bytes: number): Promise<boolean> {
  const found = await statfs(memory).catch(() => undefined);
  return found?.type === tmpfs && found.bavail * found.bsize > bytes && freemem() > bytes;
}

/** Whether programs may be started there: some containers forbid it (`noexec`). */
async function runsPrograms(folder: string): Promise<boolean> {
  const program = join(folder, 'program');
  await writeFile(program, '#!/bin/sh\n', { mode: 0o755 });
  return promisify(execFile)(program).then(
    () => true,
    () => false,
  );
}
