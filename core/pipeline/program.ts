import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { abortError, BackupError } from '../domain/errors.ts';
import type { FailureCode } from '../domain/errors.ts';
import { formatDuration } from '../domain/units.ts';
import type { ByteStream } from '../ports.ts';
import { readOnce } from './memory/spent.ts';
import type { Program } from '../tools.ts';

/** One start of a program. */
export type ProgramRun = {
  program: Program;
  args: readonly string[];
  /** Its whole environment: nothing of ours is passed on. */
  env?: Readonly<Record<string, string>>;
  /**
   * What to send to its standard input when its output matters: a script, so that nothing secret is on the command
   * line.
   */
  script?: string;
  /** The same, of any length. If this stream fails, the program is killed and the stream's error is thrown. */
  input?: ByteStream;
  /** Longest time in which it may neither print nor read anything, in milliseconds. */
  idleLimitMs: number;
  /** Variables with secrets, read again for each start; their values are removed from its last words. */
  secretEnv?: (signal: AbortSignal) => Promise<Readonly<Record<string, string>>>;
  /** How many bytes of its stderr are kept when it succeeds; by default enough for warnings. */
  heardBytes?: number;
  /**
   * Receives every line of stderr as it comes, very long ones shortened, secrets included, for whoever parses it. What
   * is shown of it must go through `redact`.
   */
  hear?: (line: string) => void;
  /**
   * Makes a better error of its last words, if the engine knows one. It gets them unchanged; secrets are removed from
   * the error.
   */
  explain?: (lastWords: string) => BackupError | undefined;
  /** Whether its output is complete although it exits with this status; by default only 0 is accepted. */
  accepts?: (status: number) => boolean;
  /**
   * Receives the last words of a program that fails; they are then in no error, because nobody knows what is secret in
   * them.
   */
  said?: ((lastWords: string) => void) | undefined;
  /** Whether everything that it has started is stopped with it. */
  wholeGroup?: boolean;
};

const lastWordsBytes = 4096;
/** What is kept of a program that succeeds: its first words, because many warnings begin early. */
const firstWordsBytes = 16 * 1024;
/** How many characters of the last words fit into a message. */
const shownWords = 800;
const isError = /\b(?:ERROR|FATAL|PANIC|error:)/;
const termGraceMs = 3000;
const longestLine = 64 * 1024;

/**
 * A program's output as a stream that includes its exit status: throws `dump-failed` with its last words unless it
 * exits with 0.
 */
export async function* programOutput(run: ProgramRun, signal: AbortSignal): ByteStream {
  const child = await start(run, 'dump-failed', signal);
  if (run.script !== undefined) child.process.stdin?.end(run.script);
  let broken: { error: unknown } | undefined;
  const fed = run.input && fill(child, run.input).then(() => child.process.stdin!.end(), stop);
  function stop(error: unknown): void {
    broken = { error };
    child.kill('SIGKILL');
  }
  try {
    for (const chunks = child.process.stdout![Symbol.asyncIterator](); ; ) {
      const next = await child.unlessIdle(chunks.next());
      if (next.done) break;
      yield readOnce(next.value as Uint8Array);
    }
    await child.success();
    await fed;
  } catch (error) {
    throw broken === undefined ? error : broken.error;
  } finally {
    await child.stop();
  }
}

/** Everything that a program prints, for programs that print little. */
export async function programText(run: ProgramRun, signal: AbortSignal): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of programOutput(run, signal)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/**
 * Feeds a program. If `content` throws, the program is killed before its input ends, so that it can't take half for the
 * whole, and the error is rethrown. Throws `restore-failed` with its last words unless it exits with 0.
 */
export async function programInput(run: ProgramRun, content: ByteStream, signal: AbortSignal): Promise<void> {
  const child = await start(run, 'restore-failed', signal);
  const { stdin, stdout } = child.process;
  stdout!.resume();
  try {
    await fill(child, content);
    if (signal.aborted) throw abortError(signal);
    stdin!.end();
    await child.success();
  } catch (error) {
    if (!child.gone()) child.kill('SIGKILL');
    throw error;
  } finally {
    await child.stop();
  }
}

async function fill(child: Child, content: ByteStream): Promise<void> {
  const stdin = child.process.stdin!;
  for await (const chunk of content) {
    if (child.gone() || stdin.destroyed) return; // its exit status tells why
    if (!stdin.write(chunk)) await child.unlessIdle(Promise.race([drained(stdin), child.end]));
  }
}

type End = { code: number | null; signal: NodeJS.Signals | null; error?: Error };
type Child = {
  process: ChildProcess;
  end: Promise<End>;
  gone(): boolean;
  unlessIdle<T>(wait: Promise<T>): Promise<T>;
  success(): Promise<void>;
  kill(signal: NodeJS.Signals): unknown;
  stop(): Promise<void>;
};

async function start(run: ProgramRun, failure: FailureCode, signal: AbortSignal): Promise<Child> {
  const secrets = (await run.secretEnv?.(signal)) ?? {};
  if (signal.aborted) throw abortError(signal);
  const { program } = run;
  const child = spawn(program.command, [...program.args, ...run.args], {
    env: { LC_ALL: 'C', PATH: '/usr/bin:/bin', ...program.env, ...run.env, ...secrets },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: run.wholeGroup === true,
  });
  const words = lastWords(child.stderr);
  const first = firstWords(child.stderr, run.heardBytes ?? firstWordsBytes);
  const { hear } = run;
  if (hear !== undefined) hearLines(child.stderr, hear);
  const end = new Promise<End>((resolve) => {
    child.once('error', (error) => resolve({ code: null, signal: null, error }));
    child.once('close', (code, killedBy) => resolve({ code, signal: killedBy }));
    // a child of the program may hold the pipes open for ever
    child.once('exit', (code, killedBy) => setTimeout(() => resolve({ code, signal: killedBy }), termGraceMs).unref());
  });
  const kill = (by: NodeJS.Signals) => (run.wholeGroup ? killGroup(child, by) : child.kill(by));
  /** SIGTERM lets pg_dump cancel its query on the server; SIGKILL follows if it doesn't end. */
  function terminate(): void {
    kill('SIGTERM');
    const timer = setTimeout(() => kill('SIGKILL'), termGraceMs);
    child.once('exit', () => {
      clearTimeout(timer);
      if (run.wholeGroup) kill('SIGKILL');
    });
  }
  const onAbort = terminate;
  // our process may end before the grace is over
  const onExit = () => killGroup(child, 'SIGKILL');
  if (run.wholeGroup) process.once('exit', onExit);
  signal.addEventListener('abort', onAbort, { once: true });
  child.stdin.on('error', () => {});
  const isFed = run.script !== undefined || run.input !== undefined;
  if (!isFed && failure === 'dump-failed') child.stdin.end();

  async function unlessIdle<T>(wait: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const idle = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const what = `${program.name} did nothing for ${formatDuration(run.idleLimitMs)} and was stopped`;
        reject(new BackupError(failure, withWords(what), { hint: 'is the server stuck, or a table locked?' }));
        kill('SIGKILL');
      }, run.idleLimitMs);
    });
    try {
      return await Promise.race([wait, idle]);
    } finally {
      clearTimeout(timer);
    }
  }
  function withWords(what: string): string {
    const spoken = quoted(redact(words(), Object.values(secrets)));
    if (spoken === '') return what;
    if (run.said === undefined) return `${what}: ${spoken}`;
    run.said(spoken);
    return what;
  }
  return {
    process: child,
    end,
    kill,
    gone: () => child.exitCode !== null || child.signalCode !== null,
    unlessIdle,
    async success() {
      const { code, signal: killedBy, error } = await unlessIdle(end);
      if (signal.aborted) throw abortError(signal);
      if (code === 0 || (code !== null && run.accepts?.(code) === true)) {
        if (first() !== '') program.heard?.(redact(first(), Object.values(secrets)));
        return;
      }
      const what = error
        ? `could not be started: ${error.message}`
        : killedBy
          ? `was killed by ${killedBy}`
          : `failed with exit status ${code}`;
      throw (
        withoutSecrets(run.explain?.(words()), Object.values(secrets)) ??
        new BackupError(failure, withWords(`${program.name} ${what}`), killedBy === 'SIGKILL' ? outOfMemory : {})
      );
    },
    async stop() {
      signal.removeEventListener('abort', onAbort);
      if (child.pid === undefined) return void process.off('exit', onExit);
      if (child.exitCode === null && child.signalCode === null) terminate();
      child.stdout.destroy();
      await end;
      process.off('exit', onExit);
    },
  };
}

/** Nobody else is known to kill so: the kernel, and Lambda's, say it in their own logs alone. */
const outOfMemory = {
  hint:
    'the system does that where memory runs out: its log says so (dmesg); a function needs more of it ' +
    '(cloud.memory), a machine fewer at once (parallel)',
};

/** Reaches what a program has started, even if the program itself has ended. */
function killGroup({ pid }: ChildProcess, by: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, by);
  } catch (error) {
    if (!['ESRCH', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

function lastWords(stderr: Readable): () => string {
  let tail = Buffer.alloc(0);
  stderr.on('data', (chunk: Buffer) => {
    tail =
      chunk.length >= lastWordsBytes
        ? Buffer.from(chunk.subarray(-lastWordsBytes))
        : Buffer.concat([tail, chunk]).subarray(-lastWordsBytes);
  });
  return () => readable(tail);
}

/** Only whole lines, unless there is just one. */
function firstWords(stderr: Readable, mostBytes: number): () => string {
  let head = Buffer.alloc(0);
  let cut = false;
  stderr.on('data', (chunk: Buffer) => {
    cut ||= head.length + chunk.length > mostBytes;
    if (head.length < mostBytes) head = Buffer.concat([head, chunk.subarray(0, mostBytes - head.length)]);
  });
  return () => (cut ? `${readable(head).replace(/\n[^\n]*$/, '')}\n… and more than is kept of it` : readable(head));
}

function readable(bytes: Buffer): string {
  return bytes
    .toString()
    .replace(/[^\P{Cc}\n]/gu, '')
    .trim();
}

function hearLines(stderr: Readable, hear: (line: string) => void): void {
  const decoder = new TextDecoder();
  let rest = '';
  stderr.on('data', (chunk: Buffer) => {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = (lines.pop() ?? '').slice(0, longestLine);
    for (const line of lines) hear(line.slice(0, longestLine));
  });
  stderr.on('end', () => {
    if (rest !== '') hear(rest);
  });
}

function withoutSecrets(error: BackupError | undefined, secrets: readonly string[]): BackupError | undefined {
  return (
    error &&
    new BackupError(
      error.code,
      error.lines.map((line) => redact(line, secrets)),
      { hint: error.hint, cause: error.cause },
    )
  );
}

/** The text without these secrets. */
export function redact(text: string, secrets: readonly string[]): string {
  return secrets.reduce((rest, secret) => (secret === '' ? rest : rest.replaceAll(secret, '***')), text);
}

function quoted(words: string): string {
  const lines = words.split('\n');
  const last = lines.slice(-5);
  // what follows an error may be a long statement
  const told = last.some((line) => isError.test(line)) ? undefined : lines.findLast((line) => isError.test(line));
  const shown = (told === undefined ? last : [told, '…', ...last.slice(-2)]).join(' | ');
  return shown.length > shownWords ? `…${shown.slice(-shownWords)}` : shown;
}

/** Waits until it accepts more, or never will. */
export function drained(stdin: Writable): Promise<void> {
  return new Promise((resolve) => {
    function done(): void {
      stdin.off('drain', done).off('close', done);
      resolve();
    }
    if (stdin.destroyed || !stdin.writableNeedDrain) resolve();
    else stdin.on('drain', done).on('close', done);
  });
}
