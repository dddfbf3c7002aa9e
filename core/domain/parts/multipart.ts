import type { Bytes } from '../units.ts';

const MiB = 1024 * 1024;

/** Most parts that an upload may have (S3 User Guide, multipart upload limits). */
export const maximumParts = 10_000;

/** Sizes of the first 2,000 parts, of the next 2,000, … Together 5.05 TiB; the first step alone 15.6 GiB. */
const steps = [8, 16, 64, 512, 2048].map((size) => size * MiB);
const partsPerStep = maximumParts / steps.length;

/** What the parts under way may hold together, unless a single one is larger. */
const inFlightBudget: Bytes = 16 * MiB;

/**
 * Size of the part with this index, from 0. Every part is between 5 MiB and 5 GiB, and 10,000 of them hold more than
 * the 5 TiB that an object may have; the end of a stream that is not known beforehand needs no other plan.
 *
 * An upload holds one part being filled and those on their way (`partsInFlight`): 24 MiB up to an object of 15 GiB, 32
 * MiB up to 46 GiB, 128 MiB up to 171 GiB, 1 GiB up to 1.1 TiB, 4 GiB beyond that.
 */
export function partSize(index: number): Bytes {
  const step = Math.min(Math.floor(index / partsPerStep), steps.length - 1);
  return steps[step]!;
}

/** How many parts of this size may be under way at once: two of the smallest, one of the others. */
export function partsInFlight(size: Bytes): number {
  return Math.max(1, Math.floor(inFlightBudget / size));
}
