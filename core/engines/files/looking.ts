import { accessSync, constants, lstatSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { access, lstat } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { abortError } from '../../domain/errors.ts';
import { mapConcurrently } from '../../pipeline/concurrency.ts';
import { at, unlessGone } from './paths.ts';

/** Looks at paths below a folder; throws the system's errors. */
export type LooksBelow = {
  stats(path: string): Promise<BigIntStats>;
  requireReadable(path: string): Promise<void>;
};

/**
 * The same for file systems that answer at once. `turn`: await it before the next look, so that other work gets its
 * turn.
 */
export type LooksNear = LooksBelow & { statsNow(path: string): BigIntStats; turn(): Promise<void> | undefined };

/** File systems on local disks and memory, which answer at once (numbers from statfs(2)); a server may take time. */
const nearby: ReadonlySet<number> = new Set([
  0xef53, // ext2, ext3, ext4
  0x58465342, // xfs
  0x9123683e, // btrfs
  0x2fc12fc1, // zfs
  0xf2f52010, // f2fs
  0x01021994, // tmpfs
  0x794c7630, // overlayfs
]);
const looksAtOnce = 16;
/** After so many looks, other work gets its turn. */
const looksInTurn = 128;

/** Whether a file system of this kind (`statfs`) answers at once. */
export function isNearby(type: number): boolean {
  return nearby.has(type);
}

/**
 * Looks below a folder. Where answers come at once, it uses no threads, which would take five times the CPU and three
 * times the memory.
 */
export function lookingBelow(folder: string, isNear: true): LooksNear;
export function lookingBelow(folder: string, isNear: boolean): LooksBelow;
export function lookingBelow(folder: string, isNear: boolean): LooksBelow {
  return isNear ? lookingNear(folder) : lookingFar(folder);
}

/**
 * Looks at many paths below a folder, a few at a time if the file system is slow. `seen` receives each with its index;
 * without stats if it no longer exists.
 */
export async function lookAtAll(
  { folder, isNear }: { folder: string; isNear: boolean },
  paths: readonly string[],
  seen: (index: number, stats: BigIntStats | undefined) => void,
  signal: AbortSignal,
): Promise<void> {
  if (isNear) return lookInTurn(lookingNear(folder), paths, seen, signal);
  const { stats: statsOf } = lookingFar(folder);
  const look = async (path: string, index: number) => seen(index, await statsOf(path).catch(unlessGone));
  await mapConcurrently(looksAtOnce, [...paths.entries()], ([index, path]) => look(path, index), signal);
}

async function lookInTurn(
  { turn, statsNow }: LooksNear,
  paths: readonly string[],
  seen: Parameters<typeof lookAtAll>[2],
  signal: AbortSignal,
): Promise<void> {
  for (const [index, path] of paths.entries()) {
    const others = turn();
    if (others !== undefined) await others;
    if (signal.aborted) throw abortError(signal);
    seen(
      index,
      statsOrNone(() => statsNow(path)),
    );
  }
}

function statsOrNone(look: () => BigIntStats): BigIntStats | undefined {
  try {
    return look();
  } catch (error) {
    return unlessGone(error);
  }
}

function lookingFar(folder: string): LooksBelow {
  return {
    stats: (path) => lstat(at(folder, path), { bigint: true }),
    requireReadable: (path) => access(at(folder, path), constants.R_OK),
  };
}

function lookingNear(folder: string): LooksNear {
  let looks = 0;
  function turn(): Promise<void> | undefined {
    looks += 1;
    return looks % looksInTurn === 0 ? setImmediate() : undefined;
  }
  const statsNow = (path: string): BigIntStats => lstatSync(at(folder, path), { bigint: true });
  return {
    turn,
    statsNow,
    async stats(path) {
      await turn();
      return statsNow(path);
    },
    async requireReadable(path) {
      accessSync(at(folder, path), constants.R_OK);
    },
  };
}
