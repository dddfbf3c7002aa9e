import { BackupError } from '../../../domain/errors.ts';
import { programInput, programOutput, programText } from '../../../pipeline/program.ts';
import type { ByteStream } from '../../../ports.ts';
import type { Program, Tools } from '../../../tools.ts';

/** A disk that spins up, or a share whose server restarts, takes its time. */
const idleLimitMs = 900_000;
const hint = 'install GNU tar: apt-get install tar, apk add tar, brew install gnu-tar';

/** How to start it; survives JSON. */
export type TarProgram = Pick<Program, 'command' | 'args' | 'env'>;
/** Its messages are parsed, so they must not be quoted by a locale. */
const common = [
  '--quoting-style=escape',
  '--numeric-owner',
  '--sparse',
  '--acls',
  '--xattrs',
  '--xattrs-include=user.*',
];
/** By default it writes 10 kB at a time. */
const recordSize = '--record-size=262144';
/** Leaves out what changes with each run or each reading. */
const created = '--pax-option=delete=atime,delete=ctime,exthdr.name=%d/PaxHeaders/%f,globexthdr.name=PaxHeaders/all';

/**
 * The content of a tar: paths are bytes, one letter each. `oneTable`: the tar begins with a comment that says so. `say`
 * receives what tar prints although it succeeds.
 */
export type TarWanted = { paths: readonly string[]; oneTable: boolean; say(line: string): void };
export const oneTableComment = 'one table';

/** The GNU tar of this machine, else that of the layer. Throws `tools-missing`. */
export async function gnuTar(
  tools: (signal: AbortSignal) => Promise<Tools>,
  signal: AbortSignal,
): Promise<{ program: TarProgram; version: string }> {
  for (const command of ['tar', 'gtar']) {
    const version = await versionOf(command, signal);
    if (version !== undefined) return { program: { command, args: [] }, version };
  }
  try {
    const { version, command, args, env = {} } = (await tools(signal)).program('tar');
    return { program: { command, args, env }, version };
  } catch (cause) {
    if (signal.aborted) throw cause;
    throw new BackupError('tools-missing', 'there is no GNU tar on this machine, which reads and writes folders', {
      hint,
      cause,
    });
  }
}

async function versionOf(command: string, signal: AbortSignal): Promise<string | undefined> {
  const run = { program: { name: 'tar', version: '', command, args: [] }, args: ['--version'], idleLimitMs };
  const text = await programText(run, signal).catch((error: unknown) => {
    if (signal.aborted) throw error;
    return '';
  });
  return /^tar \(GNU tar\) (\d+\.\d+)/.exec(text)?.[1];
}

/**
 * A tar of paths below a folder. It is complete even if a file changed or vanished meanwhile: the caller checks for
 * that. Throws `dump-failed`.
 */
export function createTar(
  folder: string,
  { paths, oneTable, say }: TarWanted,
  program: TarProgram,
  signal: AbortSignal,
): ByteStream {
  const lines: string[] = [];
  const options = oneTable ? `${created},comment=${oneTableComment}` : created;
  const args = ['--create', '--file=-', '--format=posix', recordSize, options, ...common];
  const list = paths.map((path) => (path === '' ? '.\0' : `./${path}\0`)).join('');
  return programOutput(
    {
      program: { ...called(program), heard: () => lines.forEach(say) },
      args: [...args, `--directory=${folder}`, '--no-recursion', '--null', '--files-from=-'],
      input: once(Buffer.from(list, 'latin1')),
      idleLimitMs,
      hear: (line) => void (isHarmless(line) || lines.push(line)),
      accepts: (status) => status <= 2 && lines.length === 0,
    },
    signal,
  );
}

const called = (program: TarProgram): Program => ({ name: 'tar', version: '', ...program });

async function* once(bytes: Buffer): ByteStream {
  yield bytes;
}

/** What tar prints about files that are changed or removed while it works; disk errors are different. */
function isHarmless(line: string): boolean {
  return (
    /: file changed as we read it$/.test(line) ||
    /: File shrank by \d+ bytes?; padding with zeros$/.test(line) ||
    /: File removed before we read it$/.test(line) ||
    /: (Cannot \w+|Warning: Cannot \w+): No such file or directory$/.test(line) ||
    /: Exiting with failure status due to previous errors$/.test(line)
  );
}

/** Unpacks a tar into an existing folder. `owners`: gives files to their owners, which needs root. */
export function extractTar(
  folder: string,
  content: ByteStream,
  { program, owners }: { program: TarProgram; owners: boolean },
  signal: AbortSignal,
): Promise<void> {
  const owner = owners ? '--same-owner' : '--no-same-owner';
  const args = ['--extract', '--file=-', '--preserve-permissions', owner, '--delay-directory-restore', ...common];
  return programInput(
    { program: called(program), args: [...args, `--directory=${folder}`], idleLimitMs },
    content,
    signal,
  );
}
