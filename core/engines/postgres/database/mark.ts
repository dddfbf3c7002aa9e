/**
 * What the comment of a database says that is being restored, was replaced, or is a drill's: in its first line, for
 * whoever looks, and for the next run.
 */
export type DatabaseMark = {
  state: 'restoring' | 'replaced' | 'drilling';
  of: string;
  /** Of a replaced one: since when it is kept, as ISO 8601 in UTC. */
  at?: string;
};

const pattern = /^nightjar (restoring|replaced|drilling) ("(?:[^"\\\n]|\\.)*")(?: at ([\d:TZ-]+))?(?:\n|$)/;

/** A comment as SQL sees it without our mark; null where nothing else stands in it. */
export const unmarkedSql = (comment: string): string =>
  `nullif(regexp_replace(${comment}, '^nightjar (restoring|replaced|drilling) "[^\\n]*(\\n|$)', ''), '')`;

export function marked({ state, of, at }: DatabaseMark, comment = ''): string {
  const since = at === undefined ? '' : ` at ${at}`;
  return `nightjar ${state} ${JSON.stringify(of)}${since}${comment === '' ? '' : `\n${comment}`}`;
}

export function markOf(comment: string | null | undefined): DatabaseMark | undefined {
  const [, state, of, at] = pattern.exec(comment ?? '') ?? [];
  if (state === undefined) return undefined;
  return {
    state: state as DatabaseMark['state'],
    of: JSON.parse(of!) as string,
    ...(at !== undefined && { at }),
  };
}
