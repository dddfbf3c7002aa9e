import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { serverRoot } from '../root.ts';

/** The `sqlite3` program of Debian: another build of SQLite than the one in Node. */
export type SqliteShell = {
  /** The folder of the program. */
  bin: string;
  /** What it prints for some SQL, or commands of its own, in a database. Throws where it fails. */
  ask(file: string, sql: string, ...options: string[]): Promise<string>;
  /** One that has a database open as an application does, once it has carried out this SQL, until it is killed. */
  opened(file: string, sql: string): Promise<ChildProcess>;
};

const fetchLimitMs = 300_000;
const mostOutput = 2 ** 28;

export async function sqliteShell(): Promise<SqliteShell> {
  const want = { name: 'sqlite3', suites: ['trixie'], packages: ['sqlite3'] };
  const { path, env } = await serverRoot(want, () => undefined, AbortSignal.timeout(fetchLimitMs));
  const bin = join(path, 'usr/bin');
  const program = join(bin, 'sqlite3');
  return {
    bin,
    async ask(file, sql, ...options) {
      const running = promisify(execFile)(program, ['-batch', '-bail', ...options, file], {
        env,
        maxBuffer: mostOutput,
      });
      running.child.stdin?.end(`${sql}\n`);
      const { stdout } = await running;
      return stdout.trimEnd();
    },
    async opened(file, sql) {
      const child = spawn(program, ['-batch', file], { env, stdio: ['pipe', 'pipe', 'inherit'] });
      child.stdin.write(`${sql}\n.print ready\n`);
      for await (const chunk of child.stdout.iterator({ destroyOnReturn: false }))
        if (String(chunk).includes('ready')) break;
      return child;
    },
  };
}
