import type { ObjectKey } from '../../domain/keys.ts';
import type { PartLink } from '../../domain/layout/packs.ts';
import type { Bytes } from '../../domain/units.ts';
import type { LinkFound, NamesOfPart } from './names.ts';

/** What is under the name of a part: the part itself, or links to packs. */
export type PacksOfPart = { isThere: boolean; links: readonly Pick<PartLink, 'pack'>[] };

/** The size of a pack; undefined if it doesn't exist. */
type SizeOf = (pack: ObjectKey) => Promise<Bytes | undefined>;

/** The key that has a part's bytes, if it is a pack of this size; undefined if there is none. */
export async function followed(
  { isThere, links }: PacksOfPart,
  bytes: Bytes,
  sizes: SizeOf,
): Promise<ObjectKey | undefined> {
  if (isThere) return undefined;
  for (const one of links) if ((await sizes(one.pack)) === bytes) return one.pack;
  return undefined;
}

/**
 * The link of a part that is followed: the first one whose pack has the size that the link names. Listing and reading
 * follow the same one, and another link put beside a good one changes neither.
 */
export async function leading({ isThere, links }: NamesOfPart, sizes: SizeOf): Promise<LinkFound | undefined> {
  if (isThere || links.length < 2) return isThere ? undefined : links[0];
  for (const one of links) if ((await sizes(one.pack)) === one.bytes) return one;
  return links[0];
}

/** Whether a name leads to any bytes. */
export async function isTaken({ isThere, links }: PacksOfPart, sizes: SizeOf): Promise<boolean> {
  if (isThere) return true;
  for (const { pack } of links) if ((await sizes(pack)) !== undefined) return true;
  return false;
}
