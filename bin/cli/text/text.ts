import { clocksMs } from '../../../core/domain/verdict/verdict.ts';
import { commandInText } from '../../../core/domain/messages/commands.ts';

/** Rows of cells as columns two blanks apart, each as wide as its widest cell. `right` names the columns of numbers. */
export function aligned(rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => (right.includes(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
      .join('  ')
      .trimEnd(),
  );
}

const units: [string, number][] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
];

/**
 * A span in its largest fitting unit, at most six characters up to 27 years: `26 h`, `3 d`, `0 s`. Up to two of a unit,
 * the smaller one tells more.
 */
export function shortSpan(ms: number): string {
  const [unit, size] = units.find(([, length]) => ms >= 2 * length) ?? ['s', 1000];
  return `${Math.floor(Math.max(0, ms) / size)} ${unit}`;
}

/** How old something is, at most six characters; `future` beyond what the clocks of two machines may differ by. */
export function shortAge(ms: number): string {
  return ms < -clocksMs ? 'future' : shortSpan(ms);
}

/** A line cut to a width, with a sign of it. */
export function cut(line: string, width: number): string {
  return line.length <= width ? line : `${line.slice(0, Math.max(0, width - 1))}…`;
}

const words = new RegExp(`( *)((?:${commandInText}|\`[^\`]{0,40}\`|"[^"]{0,40}"|\\{[^{}]{0,40}\\}|[^ ])+|$)`, 'g');

/**
 * A text in lines of at most `width`, broken at blanks; `first` and `later` stand before them. A word that is longer
 * stays whole, and so does what is in quotes or short braces. So does a command of ours, for it is to be copied: one that
 * is longer has a line of its own.
 */
export function wrapped(text: string, width: number, first = '', later = first): string[] {
  const lines: string[] = [];
  let line = first;
  let empty = true;
  for (const [, blanks = '', word = ''] of text.matchAll(words)) {
    const goesOver = line.length + blanks.length + word.length > width;
    // behind a label alone, a word that fits in no line stays
    const fitsBelow = line.length > later.length || later.length + word.length <= width || word.startsWith('nightjar ');
    if (!empty && word !== '' && goesOver && fitsBelow) {
      lines.push(line);
      line = `${later}${word}`;
    } else {
      line += `${blanks}${word}`;
    }
    empty &&= word === '';
  }
  return [...lines, line];
}

/**
 * What stands before the lines that go on with this one: blanks up to behind its label (`error: `, `into    `), else
 * two more than its own.
 */
export function hanging(line: string): string {
  const [label = ''] = /^ *(?:(?:error|hint|warning|note): |[a-z]+ {2,4}(?=\S))/.exec(line) ?? [];
  return ' '.repeat(label === '' ? line.length - line.trimStart().length + 2 : label.length);
}
