const shown = 2;
const shownCharacters = 90;
/** How much equal text is shown before the first difference. */
const leading = 30;

/** The lines of two texts that only one of them has, shortened, for people; undefined if there are none. */
export function differingLines(before: string, after: string): string | undefined {
  const [one, other] = [linesIn(before), linesIn(after)];
  const [lost, added] = [only(one, other), only(other, one)];
  if (lost.length + added.length === 0) return undefined;
  const from = lost.length === 1 && added.length === 1 ? firstDifference(lost[0]!, added[0]!) - leading : 0;
  return `in the backup: ${quoted(lost, from)}; here: ${quoted(added, from)}`;
}

/**
 * Makes the lines of a server's definition and of a dump comparable: without comments that only some servers execute,
 * without the definer, and without whether an event runs.
 */
function linesIn(text: string): string[] {
  return text
    .replace(/\/\*M?!\d+ ?|\*\//g, ' ')
    .replace(/\bDEFINER=(?:`(?:[^`]|``)*`|"(?:[^"]|"")*")@(?:`(?:[^`]|``)*`|"(?:[^"]|"")*")/, '')
    .replace(/ AUTO_INCREMENT=\d+| (?:ENABLE|DISABLE)(?= (?:COMMENT|DO)\b)/g, '')
    .split('\n')
    .map((line) =>
      line
        .replace(/\s+/g, ' ')
        .replace(/[\s,;]+$/, '')
        .trim(),
    )
    .filter((line) => line !== '');
}

/** Lines that the other text lacks, or has less often. */
function only(lines: string[], others: string[]): string[] {
  const left = Map.groupBy(others, (line) => line);
  return lines.filter((line) => left.get(line)?.pop() === undefined);
}

function firstDifference(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at += 1;
  return at;
}

function quoted(lines: string[], from: number): string {
  if (lines.length === 0) return 'nothing of it';
  const more = lines.length > shown ? `, and ${lines.length - shown} more` : '';
  const pieces = lines.slice(0, shown).map((line) => {
    const start = Math.max(0, from);
    const end = start + shownCharacters;
    return `“${start > 0 ? '…' : ''}${line.slice(start, end)}${line.length > end ? '…' : ''}”`;
  });
  return `${pieces.join(', ')}${more}`;
}
