import { lstat, readdir, statfs } from 'node:fs/promises';
import type { BigIntStats } from 'node:fs';
import { abortError, BackupError } from '../../../domain/errors.ts';
import { firstOf } from '../../../domain/lines.ts';
import { mapConcurrently } from '../../../pipeline/concurrency.ts';
import { pathText } from '../names.ts';
import { stateOf } from '../sharing/places.ts';
import { isNearby, lookingBelow } from '../looking.ts';
import { at, codeOf, whyOf } from '../paths.ts';
import { nothingFound } from './found.ts';
import type { FoundPath, FoundPaths, FoundSoFar } from './found.ts';

/** `skipped`: what is in no backup, a sentence each; `isNear`: whether looks at it are answered at once. */
export type Walked = { found: FoundPaths; skipped: string[]; isNear: boolean };
/** What lies in each folder, by their numbers: in the order of its names. */
type Within = ReadonlyMap<number, Uint32Array>;

export type WalkOptions = {
  /** Whether a path is left out; that of a folder ends with `/`. */
  excludes(path: string): boolean;
  /** Nothing of another file system is read. */
  oneFileSystem: boolean;
};

/**
 * File systems that set the time of change of an inode by their own clock, also for what a program has written through
 * a mapping, at the latest when that goes to the disk (statfs(2) has their numbers). Not of them: tmpfs, whose mappings
 * tell nothing; FAT and its like, which have no such time; images, which are exchanged as they are.
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
const looksAtOnce = 16;
const mostNamed = 20;
const mostShown = 300;
/** What marks a folder as a vault: its first write makes it. */
export const vaultMark = '.nightjar';
const isRoot = process.getuid?.() === 0;

/**
 * Everything below a folder, in the order of its bytes. Throws `privilege-missing` with what can't be read, and
 * `config-invalid` where a vault lies in it: neither may be left out without a word.
 */
export async function walk(folder: string, options: WalkOptions, signal: AbortSignal): Promise<Walked> {
  const found = nothingFound();
  const within = new Map<number, Uint32Array>();
  const skipped: string[] = [];
  const unreadable: string[] = [];
  const top = await lstat(at(folder, '.'), { bigint: true });
  const devices = new Map<bigint, Promise<{ settles: boolean; isNear: boolean }>>();
  let isNear = (await deviceOf(top.dev, '')).isNear;
  const looking = { near: lookingBelow(folder, true), far: lookingBelow(folder, false) };

  async function look(path: string): Promise<number | undefined> {
    if (signal.aborted) throw abortError(signal);
    const { stats: statsOf, requireReadable } = isNear ? looking.near : looking.far;
    const stats = await statsOf(path).catch(cannot(path));
    if (stats === undefined) return undefined;
    const kind = kindOf(stats);
    if (path !== '' && options.excludes(kind === 'folder' ? `${path}/` : path)) return undefined;
    const why = whyNot(kind, options.oneFileSystem && stats.dev !== top.dev);
    if (kind === undefined || why !== undefined) return void skipped.push(`${pathText(path)} ${why}`);
    const size = kind === 'file' ? Number(stats.size) : 0;
    const owner = `${stats.uid}:${stats.gid}`;
    const device = await deviceOf(stats.dev, path);
    isNear &&= device.isNear;
    const { settles } = device;
    const number = found.add({ path, kind, size, owner, state: stateOf(stats), settles, ...inodeOf(kind, stats) });
    if (kind === 'file' && !isRoot) await requireReadable(path).catch(cannot(path));
    if (kind === 'folder') within.set(number, await enter(path));
    return number;
  }

  async function enter(path: string): Promise<Uint32Array> {
    const names = await readdir(at(folder, path), { encoding: 'buffer' }).catch(cannot(path));
    const sorted = names?.map((name) => name.toString('latin1')).sort() ?? [];
    if (sorted.includes(vaultMark)) throw vaultError(path);
    const lookAt = (name: string) => look(path === '' ? name : `${path}/${name}`);
    // some systems name what is renamed meanwhile twice
    const once = sorted.filter((name, index) => name !== sorted[index - 1]);
    const numbers = await mapConcurrently(looksAtOnce, once, lookAt, signal);
    return Uint32Array.from(numbers.filter((number) => number !== undefined));
  }

  function deviceOf(device: bigint, path: string): Promise<{ settles: boolean; isNear: boolean }> {
    const known =
      devices.get(device) ??
      statfs(at(folder, path)).then(
        ({ type }) => ({ settles: settled.has(type), isNear: isNearby(type) }),
        () => ({ settles: false, isNear: false }),
      );
    devices.set(device, known);
    return known;
  }

  function cannot(path: string): (error: unknown) => undefined {
    return (error) => {
      if (!['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '')) unreadable.push(`${shown(path)} (${whyOf(error)})`);
    };
  }

  const first = await look('');
  if (unreadable.length > 0) throw unreadableError(folder, unreadable.toSorted());
  const numbers = first === undefined ? [] : [first, ...contentOf(first, found, within)];
  return { skipped, isNear, found: found.inOrder(Uint32Array.from(numbers)) };
}

/** In the order of bytes what lies in a folder comes behind all that goes on where its name ends: `a`, `a-b`, `a/c`. */
function* contentOf(number: number, found: FoundSoFar, within: Within): Iterable<number> {
  let waiting: { number: number; begins: string }[] = [];
  for (const one of within.get(number) ?? []) {
    if (waiting.length > 0) {
      const path = found.pathAt(one);
      for (const folder of waiting.filter(({ begins }) => begins < path))
        yield* contentOf(folder.number, found, within);
      waiting = waiting.filter(({ begins }) => begins >= path);
    }
    yield one;
    if (!within.has(one)) continue;
    const folder = { number: one, begins: `${found.pathAt(one)}/` };
    waiting = [...waiting, folder].sort((a, b) => (a.begins < b.begins ? -1 : 1));
  }
  for (const folder of waiting) yield* contentOf(folder.number, found, within);
}

function kindOf(stats: BigIntStats): FoundPath['kind'] | undefined {
  return stats.isDirectory() ? 'folder' : stats.isFile() ? 'file' : stats.isSymbolicLink() ? 'symlink' : undefined;
}

function inodeOf(kind: FoundPath['kind'], { dev, ino, nlink }: BigIntStats): Pick<FoundPath, 'inode'> {
  return kind === 'folder' || nlink < 2 ? {} : { inode: `${dev}:${ino}` };
}

function whyNot(kind: FoundPath['kind'] | undefined, isElsewhere: boolean): string | undefined {
  if (kind === undefined) return 'is a socket, a pipe or a device: it is not in the backup';
  return isElsewhere ? 'is on another file system: it is not in the backup' : undefined;
}

/** A path may be longer than the system takes. */
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
