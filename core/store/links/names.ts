import { objectKey } from '../../domain/keys.ts';
import type { ObjectKey } from '../../domain/keys.ts';
import { besidePack, linkOf, packOf } from '../../domain/layout/packs.ts';
import type { PartLink } from '../../domain/layout/packs.ts';
import type { Bytes } from '../../domain/units.ts';
import type { Listed, Vault } from '../../vault.ts';

/** A link that lies in the vault. */
export type LinkFound = PartLink & { key: ObjectKey; modified: Date };

/** What lies in a vault under the name of a part. `isThere`: the part itself; the links, the oldest first. */
export type NamesOfPart = { isThere: boolean; links: LinkFound[] };

/**
 * Reads the links of a part: none where it is there itself, or of a kind that has none, which is not asked for. `all`:
 * whatever lies under its name. In a vault that gets no links, a backup that has none is looked at once.
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

/** What lies under the names of many parts: the places of their backups are listed once each. */
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
 * Asks for the sizes of packs, undefined for one that is not there. Those of a source are listed together, and once more
 * where one is not among them: it may have come since.
 */
export function packSizes(vault: Vault, signal: AbortSignal): (pack: ObjectKey) => Promise<Bytes | undefined> {
  let known = { folder: '', isAgain: false, sizes: new Map<ObjectKey, Bytes>() };
  const listed = async (folder: string, isAgain: boolean) => {
    const sizes = new Map<ObjectKey, Bytes>();
    for await (const { key, bytes } of vault.list(folder, signal)) sizes.set(key, bytes);
    return { folder, isAgain, sizes };
  };
  return async (pack) => {
    const folder = besidePack(pack);
    if (folder !== known.folder) known = await listed(folder, false);
    else if (!known.sizes.has(pack) && !known.isAgain) known = await listed(folder, true);
    return known.sizes.get(pack);
  };
}

/**
 * Where a pack may be stored: where something lies already, of a run that died or a pack that proved damaged, beside it,
 * under its number with more digits, which no part of a backup has.
 */
export async function freePack(vault: Vault, pack: ObjectKey, signal: AbortSignal): Promise<ObjectKey> {
  const numbered = /.*\/\d+/.exec(pack)![0];
  const taken = new Set<string>();
  for await (const { key } of vault.list(numbered, signal)) taken.add(key);
  let free: string = pack;
  for (let nth = 1; taken.has(free); nth += 1) free = `${numbered}${nth}${pack.slice(numbered.length)}`;
  return objectKey(free);
}

/** What lies under the names of the parts in a listing. */
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
  // of several, the first one that was written counts: nobody writes over it
  for (const { links } of parts.values())
    links.sort((a, b) => a.modified.getTime() - b.modified.getTime() || (a.key < b.key ? -1 : 1));
  return parts;
}

/** A listing, folder by folder: links of one part stand together, and no more of it is held. */
export async function* byFolder(listed: AsyncIterable<Listed>): AsyncIterable<Listed[]> {
  let together: Listed[] = [];
  for await (const found of listed) {
    if (together[0] !== undefined && folderOf(together[0].key) !== folderOf(found.key)) {
      yield together;
      together = [];
    }
    together.push(found);
  }
  yield together;
}

function folderOf(part: ObjectKey): string {
  return part.slice(0, part.lastIndexOf('/') + 1);
}
