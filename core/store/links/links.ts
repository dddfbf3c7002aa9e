import { BackupError, isBackupError } from '../../domain/errors.ts';
import type { ObjectKey } from '../../domain/keys.ts';
import { linkKey, linkOf, linkText, packOf } from '../../domain/layout/packs.ts';
import type { PartLink } from '../../domain/layout/packs.ts';
import type { Bytes } from '../../domain/units.ts';
import { mapConcurrently } from '../../pipeline/concurrency.ts';
import type { ByteStream } from '../../ports.ts';
import type { Deleted, Listed, SharedObject, Stored, Tags, Vault } from '../../vault.ts';
import { canShare } from '../parts/sharing.ts';
import { byFolder, freePack, linkReader, namesBelow, namesOfParts, packSizes } from './names.ts';
import type { LinkFound, NamesOfPart } from './names.ts';

const atOnce = 8;

/**
 * Gives a vault second names whose store knows none (docs/decisions/0012-packs.md): a part that later backups may have
 * in common with this one is stored as a pack beside the backups, and each backup has a link to it in the part's place.
 * To whoever works with the vault, a link is the part: listed with the size of its pack, read, tagged and removed by the
 * part's own name. Only the sweep removes packs, where no link is left. A vault that has names of its own, or locks what
 * it keeps, gets no new links; those that were copied into it are followed.
 */
export function withLinks(vault: Vault): Vault {
  const { hold, locks } = vault;
  const isLinking = vault.share === undefined;
  const linksOf = linkReader(vault, { isLinking });
  let mayShare: Promise<boolean> | undefined;
  return {
    ...vault,
    ...(isLinking && { put, share }),
    list,
    get,
    delete: remove,
    tags: async (key, signal) => vault.tags((await linksOf(key, signal))[0]?.key ?? key, signal),
    retag: (key, tags, signal) => each(key, (one) => vault.retag(one, tags, signal), signal),
    ...(hold && { hold: (key, on, signal) => holdAll(key, on, hold, signal) }),
    ...(locks && {
      locks: {
        days: locks.days,
        lengthen: async (key, until, signal) => {
          for (const { pack } of await linksOf(key, signal)) await locks.lengthen(pack, until, signal);
          await each(key, (one) => locks.lengthen(one, until, signal), signal);
        },
      },
    }),
  };

  async function put(key: ObjectKey, body: ByteStream, tags: Tags, signal: AbortSignal): Promise<Stored> {
    const pack = packOf(key);
    if (pack === undefined || !(await isShared(signal))) return vault.put(key, body, tags, signal);
    const taken = await linksOf.all(key, signal);
    if (await isTaken(taken, packSizes(vault, signal))) throw exists(key);
    const free = await freePack(vault, pack, signal);
    // without tags: no rule of the bucket may take what another backup needs
    const stored = await vault.put(free, body, {}, signal);
    await link({ part: key, pack: free, bytes: stored.bytes }, tags, signal);
    return stored;
  }

  /** Asked once: a bucket's locks don't come and go. */
  function isShared(signal: AbortSignal): Promise<boolean> {
    mayShare ??= canShare({ ...vault, share }, signal).catch((error: unknown) => {
      mayShare = undefined;
      throw error;
    });
    return mayShare;
  }

  /** One that is there already says the same: all of it stands in its name. */
  async function link(one: PartLink, tags: Tags, signal: AbortSignal): Promise<void> {
    const key = linkKey(one);
    if (key === undefined) throw new BackupError('internal', `${one.part} can't be a name of ${one.pack}`);
    await vault.putIfAbsent(key, Buffer.from(linkText(one)), tags, signal).catch((error: unknown) => {
      if (!isBackupError(error, 'object-exists')) throw error;
    });
  }

  async function share(objects: readonly SharedObject[], signal: AbortSignal): Promise<boolean> {
    if (!(await isShared(signal))) return false;
    const sizes = packSizes(vault, signal);
    const known = await namesBelow(
      vault,
      objects.flatMap(({ from, to }) => [from, to]),
      signal,
    );
    const links: PartLink[] = [];
    for (const { from, to, bytes } of objects) {
      const [there, taken] = [known.get(from), known.get(to)];
      if (there === undefined) throw missing(from);
      const whole = await followed(there, bytes, sizes);
      const wanted = whole && { part: to, pack: whole, bytes };
      if (wanted === undefined || linkKey(wanted) === undefined) return false;
      const other = taken?.isThere === true || (taken?.links ?? []).some(({ pack }) => pack !== whole);
      if (other && (await isTaken(taken!, sizes))) throw exists(to);
      links.push(wanted);
    }
    await mapConcurrently(atOnce, links, (one, stop) => link(one, {}, stop), signal);
    // looked at once more behind the links: from now on no sweep takes one of them
    const now = packSizes(vault, signal);
    for (const { pack, bytes } of links) if ((await now(pack)) !== bytes) return false;
    return true;
  }

  async function* list(prefix: string, signal: AbortSignal): AsyncIterable<Listed> {
    const sizes = packSizes(vault, signal);
    for await (const together of byFolder(vault.list(prefix, signal))) {
      const names = namesOfParts(together);
      for (const found of together) {
        const one = linkOf(found.key);
        const leads = one && (await leading(names.get(one.part)!, sizes))?.key === found.key;
        const bytes = leads === true ? await sizes(one!.pack) : undefined;
        // a link that leads nowhere, or that nobody follows, is shown as it is: no part
        yield bytes === undefined ? found : { ...found, key: one!.part, bytes, file: one!.pack };
      }
    }
  }

  async function* get(key: ObjectKey, signal: AbortSignal): ByteStream {
    const link = await leading({ isThere: false, links: await linksOf(key, signal) }, packSizes(vault, signal));
    yield* vault.get(link?.pack ?? key, signal);
  }

  async function remove(key: ObjectKey, signal: AbortSignal): Promise<Deleted> {
    const { isThere, links } = await linksOf.all(key, signal);
    if (links.length === 0) return vault.delete(key, signal);
    const states: Deleted['state'][] = [];
    for (const one of [...(isThere ? [key] : []), ...links.map((found) => found.key)])
      states.push((await vault.delete(one, signal)).state);
    return { state: states.includes('hidden') ? 'hidden' : 'gone', shared: true };
  }

  /** A hold is put on the bytes, too, and stays there: another backup that has them may be held as well. */
  async function holdAll(key: ObjectKey, on: boolean, put: NonNullable<Vault['hold']>, signal: AbortSignal) {
    const links = on ? await linksOf(key, signal) : [];
    const done: boolean[] = [];
    for (const { pack } of links) done.push(await put(pack, on, signal));
    await each(key, async (one) => void done.push(await put(one, on, signal)), signal);
    return done.every(Boolean);
  }

  /** Does something with every name of a part: itself, where it is no link. */
  async function each(key: ObjectKey, work: (one: ObjectKey) => Promise<unknown>, signal: AbortSignal): Promise<void> {
    const links = await linksOf(key, signal);
    for (const one of links.length === 0 ? [key] : links.map((found) => found.key)) await work(one);
  }

  function missing(key: ObjectKey): BackupError {
    return new BackupError('object-missing', `${vault.place}/${key} is not there`);
  }

  function exists(key: ObjectKey): BackupError {
    return new BackupError('object-exists', `${vault.place}/${key} is there already`);
  }
}

/** Where a part's bytes are, in a pack of this size; undefined where in none. */
async function followed(
  { isThere, links }: NamesOfPart,
  bytes: Bytes,
  sizes: (pack: ObjectKey) => Promise<Bytes | undefined>,
): Promise<ObjectKey | undefined> {
  if (isThere) return undefined;
  for (const one of links) if ((await sizes(one.pack)) === bytes) return one.pack;
  return undefined;
}

/**
 * Which link of a part is followed: of several the first to a pack of the size that it names. What is listed is what is
 * read: whoever puts a link beside a good one changes neither.
 */
async function leading(
  { isThere, links }: NamesOfPart,
  sizes: (pack: ObjectKey) => Promise<Bytes | undefined>,
): Promise<LinkFound | undefined> {
  if (isThere || links.length < 2) return isThere ? undefined : links[0];
  for (const one of links) if ((await sizes(one.pack)) === one.bytes) return one;
  return links[0];
}

/** Whether a name leads somewhere. */
async function isTaken(
  { isThere, links }: NamesOfPart,
  sizes: (pack: ObjectKey) => Promise<Bytes | undefined>,
): Promise<boolean> {
  if (isThere) return true;
  for (const { pack } of links) if ((await sizes(pack)) !== undefined) return true;
  return false;
}
