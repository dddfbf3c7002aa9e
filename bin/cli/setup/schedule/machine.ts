import { execFile } from 'node:child_process';
import { constants, access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { BackupError, messageOf } from '../../../../core/domain/errors.ts';

const limitMs = 60_000;

/** What a program of this machine printed, and how it ended. */
export type Said = { code: number; stdout: string; stderr: string };

/** Starts a program of this machine (systemctl, crontab). Throws `machine-failed` if it can't be started. */
export function say(
  program: string,
  args: readonly string[],
  { input, env, limit = limitMs }: { input?: string; env?: NodeJS.ProcessEnv; limit?: number },
  signal: AbortSignal,
): Promise<Said> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      args,
      { signal, timeout: limit, maxBuffer: 16 * 1024 ** 2, ...(env && { env }) },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : error.code;
        if (typeof code === 'number') resolve({ code, stdout, stderr });
        else reject(signal.aborted ? signal.reason : failed(program, args, error));
      },
    );
    child.stdin?.on('error', () => undefined).end(input ?? '');
  });
}

/** The same for a program that has to succeed. */
export async function must(
  program: string,
  args: readonly string[],
  options: { input?: string },
  signal: AbortSignal,
): Promise<string> {
  const said = await say(program, args, options, signal);
  if (said.code !== 0) throw failed(program, args, said.stderr.trim() || `it ended with ${said.code}`);
  return said.stdout;
}

export async function isOnPath(program: string): Promise<boolean> {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const found = await Promise.all(
    folders.map((folder) =>
      access(join(folder, program), constants.X_OK).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.includes(true);
}

function failed(program: string, args: readonly string[], why: unknown): BackupError {
  const said = typeof why === 'string' ? why : messageOf(why);
  return new BackupError('machine-failed', `${[program, ...args].join(' ')}: ${said}`, {
    hint: 'what is written so far stays, and the same command goes on where this one ended',
    ...(why instanceof Error && { cause: why }),
  });
}
