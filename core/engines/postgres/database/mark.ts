/**
 * The mark in the first line of a database's comment: it is being restored, was replaced, or is a drill's. For people,
 * and for the next run.
 */
export type DatabaseMark = {
  state: 'restoring' | 'replaced' | 'drilling';
  of: string;
  /** For a replaced one: since when it is kept, ISO 8601 in UTC. */
  at?: string;
};

const pattern = /^nightjar (restoring|replaced|drilling) ("(?:[^"\\\n]|\\.)*")(?: at ([\d:TZ-]+))?(?:\n|$)/;

/** SQL for a comment without our mark; null if nothing else is in it. */
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
