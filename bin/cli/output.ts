import { failureText } from './failure.ts';
import { harmless } from './harmless.ts';

/** Where a command's words go: results to stdout, everything else to stderr. With --json, stdout gets one document at the end and stderr nothing. */
export type Output = {
  readonly json: boolean;
  /** A line of the result. */
  say(line: string): void;
  /** Something to know on the way. */
  note(line: string): void;
  /** A failure, when it happens. */
  fail(error: unknown): void;
  /** Shows a line in place of the one before, where somebody looks; `undefined` takes it away. */
  live(line: string | undefined): void;
  /** Whether somebody looks at stderr, and how wide it is. */
  readonly watched: boolean;
  readonly columns: number;
};

/** What a command has done: the document for programs, and what failed on the way (already told by `fail`). */
export type Outcome = { document: object; failures: unknown[] };

/** The streams of a terminal, or what they were sent into. */
export function openOutput(stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream, json: boolean): Output {
  let shown = false;
  const watched = stderr.isTTY === true && !json;
  function clear(): void {
    if (shown) stderr.write('\r\x1b[2K');
    shown = false;
  }
  function write(stream: NodeJS.WriteStream, line: string): void {
    if (json) return;
    clear();
    stream.write(`${harmless(line)}\n`);
  }
  return {
    json,
    watched,
    columns: stderr.columns ?? 80,
    say: (line) => write(stdout, line),
    note: (line) => write(stderr, line),
    fail: (error) => write(stderr, failureText(error)),
    live(line) {
      if (!watched) return;
      clear();
      if (line === undefined) return;
      stderr.write(harmless(line));
      shown = true;
    },
  };
}
