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
 * A duration in its largest fitting unit, at most six characters up to 27 years: `26 h`, `3 d`, `0 s`. Below two of a
 * unit, the next smaller unit is used.
 */
export function shortSpan(ms: number): string {
  const [unit, size] = units.find(([, length]) => ms >= 2 * length) ?? ['s', 1000];
  return `${Math.floor(Math.max(0, ms) / size)} ${unit}`;
}

/** An age, at most six characters; `future` if it is more than the clocks of two machines may differ by. */
export function shortAge(ms: number): string {
  return ms < -clocksMs ? 'future' : shortSpan(ms);
}

/** A line cut to a width, with a mark if it was cut. */
export function cut(line: string, width: number): string {
  return line.length <= width ? line : `${line.slice(0, Math.max(0, width - 1))}…`;
}

const words = new RegExp(`( *)((?:${commandInText}|\`[^\`]{0,40}\`|"[^"]{0,40}"|\\{[^{}]{0,40}\\}|[^ ])+|$)`, 'g');

/**
 * A text in lines of at most `width`, broken at blanks, with the prefixes `first` and `later`. A longer word stays
 * whole, and so does what is in quotes or short braces. A nightjar command stays whole, too, so that it can be copied:
 * one that is too long gets its own line.
 */
export function wrapped(text: string, width: number, first = '', later = first): string[] {
  const lines: string[] = [];
  let line = first;
  let empty = true;
  for (const [, blanks = '', word = ''] of text.matchAll(words)) {
    const goesOver = line.length + blanks.length + word.length > width;
    // after a label alone, a word that fits in no line stays
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
 * The prefix of the lines that continue this one: blanks to the end of its label (`error: `, `into    `), else two more
 * than its own.
 */
export function hanging(line: string): string {
  const [label = ''] = /^ *(?:(?:error|hint|warning|note): |[a-z]+ {2,4}(?=\S))/.exec(line) ?? [];
  return ' '.repeat(label === '' ? line.length - line.trimStart().length + 2 : label.length);
}
