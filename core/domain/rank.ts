/** How much is lost with a server's data, the least first. */
export const ranks = ['development', 'test', 'staging', 'production'] as const;
export type Rank = (typeof ranks)[number];

/** A restore as far as ranks go: whose backup it is, and where it writes. */
export type RankedRestore = {
  /** The rank of the source that was backed up, and the highest of the sources on the server that is written to. */
  from: Rank | undefined;
  onto: Rank | undefined;
  /** Into a database beside others of the very server that was backed up. */
  isBeside: boolean;
  /** Into the source's own database. */
  isInPlace: boolean;
};

/**
 * The rank that a person has to name before this restore: production, whatever comes there, and any rank above that of
 * the backup. A source without a rank is below all. A new database beside the source's own needs no word.
 */
export function rankToName({ from, onto, isBeside, isInPlace }: RankedRestore): Rank | undefined {
  if (onto === undefined || isBeside) return undefined;
  const isHigher = ranks.indexOf(onto) > (from === undefined ? -1 : ranks.indexOf(from));
  return onto === 'production' || (isHigher && !isInPlace) ? onto : undefined;
}

/** The highest of some ranks; undefined where none is known. */
export function highestRank(known: readonly (Rank | undefined)[]): Rank | undefined {
  return ranks.findLast((rank) => known.includes(rank));
}
