/** How much a server's data matters, least first. */
export const ranks = ['development', 'test', 'staging', 'production'] as const;
export type Rank = (typeof ranks)[number];

/** The ranks of a restore: of the backup, and of the server that it writes to. */
export type RankedRestore = {
  /**
   * The rank of the source that was backed up, and the highest rank of the sources on the server that is written to.
   */
  from: Rank | undefined;
  onto: Rank | undefined;
  /** Into another database of the same server that was backed up. */
  isBeside: boolean;
  /** Into the source's own database. */
  isInPlace: boolean;
};

/**
 * The rank that a person has to name before this restore: production always, and any rank above that of the backup. A
 * source without a rank is below all. A new database beside the source's own needs none.
 */
export function rankToName({ from, onto, isBeside, isInPlace }: RankedRestore): Rank | undefined {
  if (onto === undefined || isBeside) return undefined;
  const isHigher = ranks.indexOf(onto) > (from === undefined ? -1 : ranks.indexOf(from));
  return onto === 'production' || (isHigher && !isInPlace) ? onto : undefined;
}

/** The highest of some ranks; undefined if none is known. */
export function highestRank(known: readonly (Rank | undefined)[]): Rank | undefined {
  return ranks.findLast((rank) => known.includes(rank));
}
