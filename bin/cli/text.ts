/** Rows of cells as columns two blanks apart, each as wide as its widest cell. `right` names the columns of numbers. */
export function aligned(rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => row.map((cell, column) => (right.includes(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!))).join('  ').trimEnd());
}

const units: [string, number][] = [['d', 86_400_000], ['h', 3_600_000], ['min', 60_000], ['s', 1000]];

/** A span in its largest fitting unit, at most six characters up to 27 years: `26 h`, `3 d`, `0 s`. Up to two of a unit, the smaller one tells more. */
export function shortSpan(ms: number): string {
  const [unit, size] = units.find(([, length]) => ms >= 2 * length) ?? ['s', 1000];
  return `${Math.floor(Math.max(0, ms) / size)} ${unit}`;
}

/** A line cut to a width, with a sign of it. */
export function cut(line: string, width: number): string {
  return line.length <= width ? line : `${line.slice(0, Math.max(0, width - 1))}…`;
}

/** A text in lines of at most `width`, broken at blanks; `first` and `later` stand before them. A word that is longer stays whole. */
export function wrapped(text: string, width: number, first = '', later = first): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const before = lines.length === 0 ? first : later;
    if (line !== '' && before.length + line.length + 1 + word.length > width) {
      lines.push(`${before}${line}`);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, `${lines.length === 0 ? first : later}${line}`];
}
