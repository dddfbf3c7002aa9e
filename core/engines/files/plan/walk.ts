import { constants } from 'node:fs';
import { lstat, readdir, statfs } from 'node:fs/promises';
import type { BigIntStats } from 'node:fs';
import { abortError, BackupError } from '../../../domain/errors.ts';
import { firstOf } from '../../../domain/lines.ts';
import { mapConcurrently } from '../../../pipeline/concurrency.ts';
import { pathText } from '../names.ts';
import { isNearby, lookingBelow } from '../looking.ts';
import { at, codeOf, whyOf } from '../paths.ts';
import { nothingFound } from './found.ts';
import type { FoundPath, FoundPaths } from './found.ts';
import { inOrderOfBytes } from './order.ts';

/**
 * `skipped`: what is in no backup, a sentence each; `secrets`: the paths of files that are secrets, in no order;
 * `isNear`: looks are answered at once.
 */
export type Walked = { found: FoundPaths; skipped: string[]; secrets: string[]; isNear: boolean };
/** A name in the folder with this number. */
type NameBelow = { folder: number; name: string; path: string };
type Device = { settles: boolean; isNear: boolean };

export type WalkOptions = {
  /** Whether a path is left out; a folder's path ends with `/`. */
  excludes(path: string): boolean;
  /** Whether a file is a secret, by its path. */
  isSecret(path: string): boolean;
  /** Reads nothing of other file systems. */
  oneFileSystem: boolean;
};

/**
 * File systems that set an inode's time of change by their own clock for every change, also for writes through a memory
 * mapping, at the latest when those reach the disk (numbers from statfs(2)). Not tmpfs, which does not notice writes
 * through mappings; not FAT and the like, which have no such time; not image file systems, which are replaced as a
 * whole.
 */
const settled: ReadonlySet<number> = new Set([
  0xef53, // ext2, ext3, ext4
  0x58465342, // xfs
  0x9123683e, // btrfs
  0x2fc12fc1, // zfs
  0xf2f52010, // f2fs
  0xca451a4e, // bcachefs
  0x6969, // nfs
]);
const kinds: ReadonlyMap<number, FoundPath['kind']> = new Map([
  [constants.S_IFDIR, 'folder'],
  [constants.S_IFREG, 'file'],
  [constants.S_IFLNK, 'symlink'],
]);
const looksAtOnce = 16;
const mostNamed = 20;
const mostShown = 300;
/** The mark of a vault: its first write makes this folder. */
export const vaultMark = '.nightjar';
const isRoot = process.getuid?.() === 0;

/**
 * Everything below a folder, in byte order. Throws `privilege-missing` for what can't be read, and `config-invalid` if
 * a vault lies in it: neither may be left out silently.
 */
export async function walk(folder: string, options: WalkOptions, signal: AbortSignal): Promise<Walked> {
  const found = nothingFound();
  const within = new Map<number, Uint32Array>();
  const skipped: string[] = [];
  const secrets: string[] = [];
  const unreadable: string[] = [];
  const top = await lstat(at(folder, '.'), { bigint: true });
  const devices = new Map<bigint, Device>();
  const looking = { near: lookingBelow(folder, true), far: lookingBelow(folder, false) };
  /** The owner of the last file, which the next one mostly has, too. */
  let owners = { uid: -1n, gid: -1n, owner: '' };
  let isNear = (await deviceOf(top.dev, '')).isNear;

  /** Looks at names of a folder, and at everything below them. */
  async function lookAt(names: readonly string[], placed: (name: string) => NameBelow): Promise<Uint32Array> {
    const lookFor = (name: string) => look(placed(name));
    const numbers = isNear ? await inTurn(names, placed) : await mapConcurrently(looksAtOnce, names, lookFor, signal);
    return Uint32Array.from(numbers.filter((number) => number !== undefined));
  }

  /** For file systems that answer at once: a promise for each look would take as long as the look. */
  async function inTurn(
    names: readonly string[],
    placed: (name: string) => NameBelow,
  ): Promise<(number | undefined)[]> {
    const numbers: (number | undefined)[] = [];
    for (const name of names) {
      const place = placed(name);
      const others = looking.near.turn();
      if (others !== undefined) await others;
      if (signal.aborted) throw abortError(signal);
      const stats = isNear ? statsNow(place.path) : undefined;
      const device = stats && devices.get(stats.dev);
      const number = device === undefined ? await look(place) : take(place, stats!, device);
      numbers.push(number);
      const more = number === undefined || device === undefined ? undefined : follow(number, stats!, place.path);
      if (more !== undefined) await more;
    }
    return numbers;
  }

  function statsNow(path: string): BigIntStats | undefined {
    try {
      return looking.near.statsNow(path);
    } catch {
      return undefined; // the next look reports why
    }
  }

  async function look(place: NameBelow): Promise<number | undefined> {
    if (signal.aborted) throw abortError(signal);
    const { path } = place;
    const stats = await (isNear ? looking.near : looking.far).stats(path).catch(cannot(path));
    const number = stats && take(place, stats, await deviceOf(stats.dev, path));
    if (number !== undefined) await follow(number, stats!, path);
    return number;
  }

  /** Walks through a folder, or checks whether a file can be read. */
  function follow(number: number, stats: BigIntStats, path: string): Promise<unknown> | undefined {
    const kind = kindOf(stats);
    if (kind === 'folder') return enter(number, path);
    if (isRoot || kind !== 'file') return undefined;
    return (isNear ? looking.near : looking.far).requireReadable(path).catch(cannot(path));
  }

  /** The number of what was found; undefined if it is not in the backup. */
  function take({ folder: number, name, path }: NameBelow, stats: BigIntStats, device: Device): number | undefined {
    const kind = kindOf(stats);
    if (path !== '' && options.excludes(kind === 'folder' ? `${path}/` : path)) return undefined;
    const why = whyNot(kind, options.oneFileSystem && stats.dev !== top.dev);
    if (kind === undefined || why !== undefined) return void skipped.push(`${pathText(path)} ${why}`);
    isNear &&= device.isNear;
    if (kind === 'file' && options.isSecret(path)) secrets.push(path);
    const names = kind === 'folder' || stats.nlink < 2 ? {} : { device: stats.dev };
    if (owners.uid !== stats.uid || owners.gid !== stats.gid)
      owners = { uid: stats.uid, gid: stats.gid, owner: `${stats.uid}:${stats.gid}` };
    const { owner } = owners;
    return found.add(number, name, { kind, owner, settles: device.settles, stats, ...names });
  }

  async function enter(number: number, path: string): Promise<void> {
    const names = await readdir(at(folder, path), { encoding: 'latin1' }).catch(cannot(path));
    const sorted = names?.sort() ?? [];
    if (sorted.includes(vaultMark)) throw vaultError(path);
    // some systems list a name twice if it is renamed meanwhile
    const once = sorted.filter((name, index) => name !== sorted[index - 1]);
    const placed = (name: string) => ({ folder: number, name, path: path === '' ? name : `${path}/${name}` });
    within.set(number, await lookAt(once, placed));
  }

  async function deviceOf(device: bigint, path: string): Promise<Device> {
    const known = devices.get(device);
    if (known !== undefined) return known;
    const told = await statfs(at(folder, path)).then(
      ({ type }) => ({ settles: settled.has(type), isNear: isNearby(type) }),
      () => ({ settles: false, isNear: false }),
    );
    devices.set(device, told);
    return told;
  }

  function cannot(path: string): (error: unknown) => undefined {
    return (error) => {
      if (!['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '')) unreadable.push(`${shown(path)} (${whyOf(error)})`);
    };
  }

  const first = await look({ folder: 0, name: '', path: '' });
  if (unreadable.length > 0) throw unreadableError(folder, unreadable.toSorted());
  const order = first === undefined ? new Uint32Array() : inOrderOfBytes(found, within);
  return { skipped, secrets, isNear, found: found.inOrder(order) };
}

/** By the mode: the methods of `stats` create several BigInts for each question. */
function kindOf({ mode }: Pick<BigIntStats, 'mode'>): FoundPath['kind'] | undefined {
  return kinds.get(Number(mode) & constants.S_IFMT);
}

function whyNot(kind: FoundPath['kind'] | undefined, isElsewhere: boolean): string | undefined {
  if (kind === undefined) return 'is a socket, a pipe or a device: it is not in the backup';
  return isElsewhere ? 'is on another file system: it is not in the backup' : undefined;
}

/** A path may be longer than the system accepts. */
function shown(path: string): string {
  const text = pathText(path);
  return text.length > mostShown ? `${text.slice(0, mostShown)}…` : text;
}

function unreadableError(folder: string, all: readonly string[]): BackupError {
  return new BackupError('privilege-missing', `${folder}: can't be read: ${firstOf(all, mostNamed)}`, {
    hint: 'give the user that runs this the right to read it, or leave it out by exclude',
  });
}

function vaultError(path: string): BackupError {
  const shown = path === '' ? 'the folder' : pathText(path);
  return new BackupError('config-invalid', `${shown} holds a vault, and would be backed up into itself`, {
    hint: path === '' ? 'name another folder' : `leave it out: exclude: [/${pathText(path)}/]`,
  });
}
