import { styleText } from 'node:util';
import { formatDuration } from '../../core/domain/units.ts';
import { wrapped } from '../cli/text/text.ts';

/** What the person sees: plain in a pipe, with colours and a running clock on a terminal. */
export type Teller = {
  /** Begins a step, which is numbered automatically. */
  step(title: string): void;
  say(text?: string): void;
  command(line: string): void;
  good(text: string): void;
  bad(text: string): void;
  /** A line of progress, such as a download's. */
  report(line: string): void;
  /** Waits for work, and says how long it took. */
  timed<T>(label: string, work: Promise<T>): Promise<T>;
};

const tickMs = 200;
const width = 78;

/** Writes everything to `out`. */
export function tellerOf(out: NodeJS.WriteStream): Teller {
  const watched = out.isTTY === true;
  const style = (format: Parameters<typeof styleText>[0], text: string) => (watched ? styleText(format, text) : text);
  let number = 0;
  let ticking = '';
  function line(text = ''): void {
    out.write(`${ticking === '' ? '' : '\r\x1b[2K'}${text}\n`);
  }
  return {
    step(title) {
      number += 1;
      line();
      line(style('bold', `${number}. ${title}`));
    },
    say: (text = '') =>
      text
        .split('\n')
        .flatMap(folded)
        .forEach((part) => line(part)),
    command: (text) => line(`\n  ${style('dim', '$')} ${style('cyan', text)}`),
    good: (text) => line(style('green', `✓ ${text}`)),
    bad: (text) => line(style('red', `✗ ${text}`)),
    report: (text) => line(style('dim', `  ${text}`)),
    async timed(label, work) {
      const start = performance.now();
      const passed = () => `${label} … ${formatDuration(performance.now() - start)}`;
      const timer = watched ? setInterval(() => out.write(`\r\x1b[2K${(ticking = passed())}`), tickMs) : undefined;
      try {
        const result = await work;
        line(passed());
        return result;
      } finally {
        clearInterval(timer);
        ticking = '';
      }
    },
  };
}

/** A text in lines that fit. Lines that begin with a blank are unchanged. */
function folded(text: string): string[] {
  return text.startsWith(' ') ? [text] : wrapped(text, width);
}
