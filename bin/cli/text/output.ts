import { oneLine } from '../../../core/domain/lines.ts';
import { failureLines } from './failure.ts';
import { hanging, wrapped } from './text.ts';

const usualColumns = 80;

/** A stream that words go to: a terminal of so many columns, or a pipe. */
export type Screen = { readonly isTTY?: boolean; readonly columns?: number; write(text: string): unknown };

/**
 * Where a command's words go: results to stdout, everything else to stderr. With --json, stdout gets one document at
 * the end and stderr nothing.
 */
export type Output = {
  readonly json: boolean;
  /** Makes the commands in a text name the configuration, where it has to be named. */
  naming(text: string): string;
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
export type CommandOutcome = { document: object; failures: unknown[] };

/**
 * The streams of a terminal, or what they were sent into. On a terminal, a line that is longer than it is wide goes on
 * below, broken between words.
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
    say: (line) => write(stdout, line),
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
