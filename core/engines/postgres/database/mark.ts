/**
 * What the comment of a database says that is being restored, was replaced, or is a drill's: in its first line, for
 * whoever looks, and for the next run.
 */
export type DatabaseMark = { state: 'restoring' | 'replaced' | 'drilling'; of: string };

const pattern = /^nightjar (restoring|replaced|drilling) ("(?:[^"\\\n]|\\.)*")(?:\n|$)/;

/** A comment as SQL sees it without our mark; null where nothing else stands in it. */
export const unmarkedSql = (comment: string): string =>
  `nullif(regexp_replace(${comment}, '^nightjar (restoring|replaced|drilling) "[^\\n]*(\\n|$)', ''), '')`;

export function marked({ state, of }: DatabaseMark, comment = ''): string {
  return `nightjar ${state} ${JSON.stringify(of)}${comment === '' ? '' : `\n${comment}`}`;
}

export function markOf(comment: string | null | undefined): DatabaseMark | undefined {
  const [, state, of] = pattern.exec(comment ?? '') ?? [];
  return state === undefined ? undefined : { state: state as DatabaseMark['state'], of: JSON.parse(of!) as string };
}
