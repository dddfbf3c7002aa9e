import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const most = { maxBuffer: 2 ** 26, encoding: 'latin1', env: { PATH: process.env['PATH'], LC_ALL: 'C' } } as const;

/** What stock programs say of a tree, byte for byte: of each name all that `stat` knows, and what each file holds. */
export async function seenByStock(folder: string): Promise<{ names: string[]; sums: string[] }> {
  const names = await run('find', [folder, '-printf', '%P|%y|%m|%U:%G|%T@|%l|%n\\0'], most);
  const sizes = await run('find', [folder, '-type', 'f', '-printf', '%P|%s\\0'], most);
  const sums = await run('bash', ['-c', 'cd "$0" && find . -type f -print0 | xargs -0r sha256sum -z', folder], most);
  return { names: [...lines(names.stdout), ...lines(sizes.stdout)], sums: lines(sums.stdout) };
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
