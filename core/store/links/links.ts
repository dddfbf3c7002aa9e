import { BackupError, isBackupError } from '../../domain/errors.ts';
import type { ObjectKey } from '../../domain/keys.ts';
import { linkKey, linkOf, linkText, packOf } from '../../domain/layout/packs.ts';
import type { PartLink } from '../../domain/layout/packs.ts';
import type { SourceHistory } from '../../domain/verdict/history.ts';
import { mapConcurrently } from '../../pipeline/concurrency.ts';
import type { ByteStream } from '../../ports.ts';
import type { Deleted, Listed, Tags, Vault } from '../../vault.ts';
import { canShare } from '../parts/sharing.ts';
import { followed, isTaken, leading } from './following.ts';
import { shownBy } from './shown.ts';
import type { LinkedVault, NamesShown } from './shown.ts';
import { freePack, linkReader, linksWithPacks, namesBelow, namesOfParts, packSizes } from './names.ts';

const atOnce = 8;

/**
 * Gives objects second names in a vault whose store has none (docs/decisions/0012-packs.md). A part that later backups
 * may share is stored as a pack beside the backups, and each backup has a link to it in the part's place. Users of the
 * returned vault see the link as the part: it is listed with the size of its pack, and read, tagged and deleted by the
 * part's name. Only the sweep deletes packs, once no link is left. A vault that has second names itself, or locks what
 * it keeps, gets no new links; links that were copied into it are followed.
 */
export function withLinks(vault: Vault): LinkedVault {
  const { hold, locks } = vault;
  const isLinking = vault.share === undefined;
  const linksOf = linkReader(vault, { isLinking });
  const mayLock = vault.mayLock && askedOnce(vault.mayLock);
  const locking = mayLock && { mayLock };
  const share = sharing();
  return {
    ...vault,
    ...locking,
    ...(isLinking && { put: putting(), share, knowing }),
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

  function knowing(listed: SourceHistory): Pick<Vault, 'put' | 'share'> {
    const shown = shownBy(listed);
    return { put: putting(shown), share: sharing(shown) };
  }

  function putting(shown?: NamesShown): Vault['put'] {
    return async (key, body, tags, signal) => {
      const pack = packOf(key);
      if (pack === undefined || !(await isShared(signal))) return vault.put(key, body, tags, signal);
      const free = shown?.isNew(key) === true ? pack : await freeFor(key, pack, signal);
      // without tags, so that no lifecycle rule of the bucket removes what another backup needs
      const stored = await vault.put(free, body, {}, signal);
      await link({ part: key, pack: free, bytes: stored.bytes }, tags, signal);
      return stored;
    };
  }

  async function freeFor(key: ObjectKey, pack: ObjectKey, signal: AbortSignal): Promise<ObjectKey> {
    if (await isTaken(await linksOf.all(key, signal), packSizes(vault, signal))) throw exists(key);
    return freePack(vault, pack, signal);
  }

  function isShared(signal: AbortSignal): Promise<boolean> {
    return canShare({ ...vault, ...locking, share }, signal);
  }

  /** An existing link says the same, because its name holds everything. */
  async function link(one: PartLink, tags: Tags, signal: AbortSignal): Promise<void> {
    const key = linkKey(one);
    if (key === undefined) throw new BackupError('internal', `${one.part} can't be a name of ${one.pack}`);
    await vault.putIfAbsent(key, Buffer.from(linkText(one)), tags, signal).catch((error: unknown) => {
      if (!isBackupError(error, 'object-exists')) throw error;
    });
  }

  function sharing(shown?: NamesShown): NonNullable<Vault['share']> {
    return async (objects, signal) => {
      if (!(await isShared(signal))) return false;
      const isShown = shown !== undefined && objects.every(({ to }) => shown.isNew(to));
      const sizes = isShown ? shown.size : packSizes(vault, signal);
      const keys = objects.flatMap(({ from, to }) => [from, to]);
      const known = isShown ? shown.names(keys) : await namesBelow(vault, keys, signal);
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
      // looked for after the links were written, whatever was shown before: from now on no sweep removes these packs
      const now = packSizes(vault, signal);
      for (const { pack, bytes } of links) if ((await now(pack)) !== bytes) return false;
      return true;
    };
  }

  async function* list(prefix: string, signal: AbortSignal): AsyncIterable<Listed> {
    for await (const together of linksWithPacks(vault.list(prefix, signal))) {
      const names = namesOfParts(together);
      const sizes = packSizes(vault, signal, together);
      for (const found of together) {
        const one = linkOf(found.key);
        const leads = one && (await leading(names.get(one.part)!, sizes))?.key === found.key;
        const bytes = leads === true ? await sizes(one!.pack) : undefined;
        // a link that leads nowhere, or is not the one followed, is listed as it is, not as a part
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

  /**
   * Also puts the hold on the pack. It stays there when the part's hold is removed, because other held backups may
   * share the pack.
   */
  async function holdAll(key: ObjectKey, on: boolean, put: NonNullable<Vault['hold']>, signal: AbortSignal) {
    const links = on ? await linksOf(key, signal) : [];
    const done: boolean[] = [];
    for (const { pack } of links) done.push(await put(pack, on, signal));
    await each(key, async (one) => void done.push(await put(one, on, signal)), signal);
    return done.every(Boolean);
  }

  /** Does something with every link of a part, or with the part itself if it has none. */
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

/** A bucket's locks don't come and go. A question that failed is asked again. */
function askedOnce(ask: NonNullable<Vault['mayLock']>): NonNullable<Vault['mayLock']> {
  let told: Promise<boolean> | undefined;
  return (signal) => {
    told ??= ask(signal).catch((error: unknown) => {
      told = undefined;
      throw error;
    });
    return told;
  };
}
