import { objectKey } from '../../domain/keys.ts';
import type { ObjectKey } from '../../domain/keys.ts';
import { besidePack, firstOfPack, linkOf, packOf } from '../../domain/layout/packs.ts';
import type { PartLink } from '../../domain/layout/packs.ts';
import type { Bytes } from '../../domain/units.ts';
import type { Listed, Vault } from '../../vault.ts';

/** A link found in the vault. */
export type LinkFound = PartLink & { key: ObjectKey; modified: Date };

/** What a vault has under the name of a part. `isThere`: the part itself; `links`: oldest first. */
export type NamesOfPart = { isThere: boolean; links: LinkFound[] };

/**
 * Reads the links of a part. Empty if the part itself is there, and, without asking, for kinds of parts that never have
 * links. `all`: everything under its name. In a vault that gets no new links, a backup without links is listed only
 * once.
 */
export function linkReader(vault: Vault, { isLinking }: { isLinking: boolean }) {
  const linkless = new Set<string>();
  const none: NamesOfPart = { isThere: false, links: [] };

  async function mayHaveLinks(part: ObjectKey, signal: AbortSignal): Promise<boolean> {
    if (packOf(part) === undefined) return false;
    if (isLinking) return true;
    const folder = folderOf(part);
    if (linkless.has(folder)) return false;
    for await (const { key } of vault.list(folder, signal)) if (linkOf(key) !== undefined) return true;
    linkless.add(folder);
    return false;
  }

  async function all(part: ObjectKey, signal: AbortSignal): Promise<NamesOfPart> {
    if (!(await mayHaveLinks(part, signal))) return none;
    return namesOfParts(await Array.fromAsync(vault.list(part, signal))).get(part) ?? none;
  }

  async function links(part: ObjectKey, signal: AbortSignal): Promise<LinkFound[]> {
    const found = await all(part, signal);
    return found.isThere ? [] : found.links;
  }
  return Object.assign(links, { all });
}

/** What the vault has under the names of many parts. Lists each of their backups once. */
export async function namesBelow(
  vault: Vault,
  parts: readonly ObjectKey[],
  signal: AbortSignal,
): Promise<ReadonlyMap<ObjectKey, NamesOfPart>> {
  const found: Listed[] = [];
  const folders = new Set(parts.map(folderOf));
  for (const folder of folders) found.push(...(await Array.fromAsync(vault.list(folder, signal))));
  return namesOfParts(found);
}

/**
 * Returns the size of a pack, undefined if it doesn't exist. A pack that is not in `seen` is looked for: the packs of a
 * source are listed together, and again if one is missing, because it may have come since.
 */
export function packSizes(
  vault: Vault,
  signal: AbortSignal,
  seen: readonly Pick<Listed, 'key' | 'bytes'>[] = [],
): (pack: ObjectKey) => Promise<Bytes | undefined> {
  const sizesIn = (listed: typeof seen) =>
    new Map(listed.filter(({ key }) => firstOfPack(key) !== undefined).map(({ key, bytes }) => [key, bytes]));
  let first: ReadonlyMap<ObjectKey, Bytes> | undefined;
  let known = { folder: '', isAgain: false, sizes: new Map<ObjectKey, Bytes>() };
  const listed = async (folder: string, isAgain: boolean) => {
    return { folder, isAgain, sizes: sizesIn(await Array.fromAsync(vault.list(folder, signal))) };
  };
  return async (pack) => {
    first ??= sizesIn(seen);
    const size = first.get(pack);
    if (size !== undefined) return size;
    const folder = besidePack(pack);
    if (folder !== known.folder) known = await listed(folder, false);
    else if (!known.sizes.has(pack) && !known.isAgain) known = await listed(folder, true);
    return known.sizes.get(pack);
  };
}

/**
 * A free key for a pack. If something is in its place (from a dead run, or a pack that proved damaged), its number gets
 * more digits, which no part of a backup has.
 */
export async function freePack(vault: Vault, pack: ObjectKey, signal: AbortSignal): Promise<ObjectKey> {
  const numbered = /.*\/\d+/.exec(pack)![0];
  const taken = new Set<string>();
  for await (const { key } of vault.list(numbered, signal)) taken.add(key);
  let free: string = pack;
  for (let nth = 1; taken.has(free); nth += 1) free = `${numbered}${nth}${pack.slice(numbered.length)}`;
  return objectKey(free);
}

/** What a listing has under the names of parts. */
export function namesOfParts(listed: readonly Listed[]): Map<ObjectKey, NamesOfPart> {
  const parts = new Map<ObjectKey, NamesOfPart>();
  const of = (part: ObjectKey): NamesOfPart => {
    const names = parts.get(part) ?? { isThere: false, links: [] };
    parts.set(part, names);
    return names;
  };
  for (const { key, modified } of listed) {
    const link = linkOf(key);
    if (link === undefined) of(key).isThere = true;
    else of(link.part).links.push({ ...link, key, modified });
  }
  // of several links the oldest counts: nobody overwrites it
  for (const { links } of parts.values())
    links.sort((a, b) => a.modified.getTime() - b.modified.getTime() || (a.key < b.key ? -1 : 1));
  return parts;
}

/**
 * A listing in groups: folder by folder as long as a source has no links, and then the rest of the source, because its
 * packs are listed behind them. The links of one part are in one group.
 */
export async function* linksWithPacks(listed: AsyncIterable<Listed>): AsyncIterable<Listed[]> {
  let together: Listed[] = [];
  let hasLinks = false;
  for await (const found of listed) {
    const [first = found] = together;
    const isNext = hasLinks ? sourceOf(first.key) !== sourceOf(found.key) : folderOf(first.key) !== folderOf(found.key);
    if (isNext) {
      yield together;
      [together, hasLinks] = [[], false];
    }
    together.push(found);
    hasLinks ||= linkOf(found.key) !== undefined;
  }
  yield together;
}

function folderOf(part: ObjectKey): string {
  return part.slice(0, part.lastIndexOf('/') + 1);
}

function sourceOf(key: ObjectKey): string {
  return key.slice(0, key.indexOf('/'));
}
