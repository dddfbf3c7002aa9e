/** Who may do what, for people: a line for each deed, a column for each role. */
export function tableOf(columns: readonly string[], rows: readonly [string, string[]][]): string {
  const width = Math.max(...rows.map(([what]) => what.length)) + 2;
  const narrow = Math.max(14, ...columns.map((one) => one.length + 2));
  const line = (what: string, cells: readonly string[]): string =>
    `${what.padEnd(width)}${cells.map((cell) => cell.padEnd(narrow)).join('')}`.trimEnd();
  return `${[line('', columns), ...rows.map(([what, answers]) => line(what, answers))].join('\n')}\n`;
}
