import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const most = { maxBuffer: 2 ** 26, encoding: 'latin1', env: { PATH: process.env['PATH'], LC_ALL: 'C' } } as const;

/** What stock programs say of a tree, byte for byte: of each name all that `stat` knows, and what each file holds. */
export async function seenByStock(folder: string): Promise<{ names: string[]; sums: string[] }> {
  const files = ['-type', 'f'];
  const [names, sums] = await Promise.all([
    run('find', [folder, '-printf', '%P|%y|%m|%U:%G|%T@|%l|%n\\0', ',', ...files, '-printf', '%P|%s\\0'], most),
    run('find', ['.', ...files, '-exec', 'sha256sum', '-z', '{}', '+'], { ...most, cwd: folder }),
  ]);
  return { names: lines(names.stdout), sums: lines(sums.stdout) };
}

function lines(text: string): string[] {
  return text.split('\0').sort();
}

/** A shell, for what Node can't do: times to the nanosecond, names that are no text. */
export async function bash(script: string, cwd: string, env: Record<string, string> = {}): Promise<string> {
  const { stdout } = await run('bash', ['--norc', '-euo', 'pipefail', '-c', script], {
    ...most,
    cwd,
    env: { ...most.env, ...env },
  });
  return stdout;
}
