import { BackupError, messageOf } from '../../../core/domain/errors.ts';
import { oneLine } from '../../../core/domain/lines.ts';
import type { ByteStream } from '../../../core/ports.ts';
import { failureLines } from './failure.ts';
import { hanging, wrapped } from './text.ts';

const usualColumns = 80;

/** A stream for text: a terminal with a number of columns, or a pipe. */
export type Screen = {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string | Uint8Array, written?: (error?: Error | null) => void): unknown;
};

/**
 * Where a command's text goes: results to stdout, everything else to stderr. With --json, stdout gets one document at
 * the end and stderr nothing.
 */
export type Output = {
  readonly json: boolean;
  /** Adds the configuration to the commands in a text, if it has to be named. */
  naming(text: string): string;
  /** A line of the result. */
  say(line: string): void;
  /**
   * Data instead of a result, as fast as it is read. Throws `machine-failed` if the reader stops before the end, and
   * `input-invalid` if it would go to a terminal, or into the document of --json.
   */
  data(content: ByteStream): Promise<void>;
  /** Something to know on the way. */
  note(line: string): void;
  /** A failure, when it happens. */
  fail(error: unknown): void;
  /** Shows a line in place of the previous one, if somebody is watching; `undefined` removes it. */
  live(line: string | undefined): void;
  /** Whether somebody is watching stderr, and how wide it is. */
  readonly watched: boolean;
  readonly columns: number;
  /** How wide a result may be: undefined if no terminal shows it. */
  readonly room: number | undefined;
};

/** What a command did: the document for programs, and what failed on the way (already shown by `fail`). */
export type CommandOutcome = { document: object; failures: unknown[] };

/**
 * The streams of a terminal, or what they are redirected to. On a terminal, a line that is too long is wrapped between
 * words.
 */
export function openOutput(
  stdout: Screen,
  stderr: Screen,
  json: boolean,
  named: (text: string) => string = (text) => text,
): Output {
  let shown = false;
  const watched = stderr.isTTY === true && !json;
  function clear(): void {
    if (shown) stderr.write('\r\x1b[2K');
    shown = false;
  }
  function write(stream: Screen, line: string): void {
    if (json) return;
    clear();
    const text = oneLine(line);
    const lines = stream.isTTY === true ? wrapped(text, stream.columns || usualColumns, '', hanging(text)) : [text];
    stream.write(`${lines.join('\n')}\n`);
  }
  return {
    json,
    naming: named,
    watched,
    columns: stderr.columns || usualColumns,
    room: stdout.isTTY === true && !json ? stdout.columns || usualColumns : undefined,
    say: (line) => write(stdout, line),
    async data(content) {
      if (json || stdout.isTTY === true) throw noPlaceForData(json);
      for await (const chunk of content) await written(stdout, chunk);
    },
    note: (line) => write(stderr, named(line)),
    fail: (error) => failureLines(error).forEach((line) => write(stderr, named(line))),
    live(line) {
      if (!watched) return;
      clear();
      if (line === undefined) return;
      stderr.write(oneLine(line));
      shown = true;
    },
  };
}

function written(stream: Screen, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(chunk, (cause) => (cause ? reject(notTaken(cause)) : resolve()));
  });
}

function notTaken(cause: Error): BackupError {
  return new BackupError('machine-failed', `stdout takes no more: ${messageOf(cause)}`, {
    hint: 'what was written so far is not whole: is there room, and did the program that reads it end early?',
    cause,
  });
}

function noPlaceForData(json: boolean): BackupError {
  return new BackupError(
    'input-invalid',
    `data does not go ${json ? 'into the document of --json' : 'to a terminal'}`,
    {
      hint: json ? 'leave --json out' : 'send stdout into a file, or into a program: > shop.sql',
    },
  );
}
