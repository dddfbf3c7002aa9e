/** The candidate that `text` most probably means: at most a third of its letters are wrong, missing or swapped. */
export function nearest(text: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let fewest = Math.max(1, Math.floor(text.length / 3)) + 1;
  for (const candidate of candidates) {
    const edits = distance(text.toLowerCase(), candidate.toLowerCase());
    if (edits >= fewest) continue;
    fewest = edits;
    best = candidate;
  }
  return best;
}

/** `, did you mean "x"?`, or empty if nothing is similar. */
export function suggestion(text: string, candidates: Iterable<string>): string {
  const found = nearest(text, candidates);
  return found === undefined ? '' : `, did you mean "${found}"?`;
}

/** Edits that turn `a` into `b`; swapping two neighbours counts as one (optimal string alignment). */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const replaced = previous[column - 1]! + (a[row - 1] === b[column - 1] ? 0 : 1);
      const swapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1] ? before[column - 2]! + 1 : Infinity;
      current.push(Math.min(replaced, previous[column]! + 1, current[column - 1]! + 1, swapped));
    }
    before = previous;
    previous = current;
  }
  return previous[b.length]!;
}
