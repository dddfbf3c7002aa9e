import { randomInt } from 'node:crypto';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { abortError, BackupError, messageOf } from '../../domain/errors.ts';
import { isGone, thisHolder } from '../../holder.ts';
import { claimName, holderOf } from './unfinished.ts';

const tries = 6;
/** Random, so that of two that began at the same moment one comes first the next time. */
const [shortestMs, longestMs] = [50, 250];

/** The right to work on a file or folder of this machine: one run has it at a time. */
export type PlaceClaim = { release(): Promise<void> };

/**
 * Claims what is at a path by a small file beside it, which says which process works there. Whoever finds that of
 * another living process gives way. Throws `lease-held`. What another machine does in a shared folder can't be seen.
 */
export async function claimPlace(path: string, place: string, signal: AbortSignal): Promise<PlaceClaim> {
  for (let left = tries; ; left -= 1) {
    const mine = claimName(path);
    const release = () => rm(mine, { force: true });
    await writeFile(mine, thisHolder(), { flag: 'wx', mode: 0o644 }).catch(unwritable(path));
    const other = await otherThan(mine, path).catch(async (error: unknown) => {
      await release();
      throw error;
    });
    if (other === undefined) return { release };
    await release();
    if (left <= 1) throw atWork(place, other);
    await sleep(randomInt(shortestMs, longestMs), undefined, { signal }).catch(() => {});
    if (signal.aborted) throw abortError(signal);
  }
}

/** Works under the claim. */
export async function withPlaceClaimed<T>(
  path: string,
  place: string,
  work: () => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const claim = await claimPlace(path, place, signal);
  return work().finally(() => claim.release());
}

/** The claim of another living process; those of dead ones are removed. */
async function otherThan(mine: string, path: string): Promise<string | undefined> {
  for (const name of await readdir(dirname(path))) {
    const holder = holderOf(name, path, 'claim');
    if (holder === undefined || name === basename(mine) || holder === 'elsewhere') continue;
    const claim = join(dirname(path), name);
    // the number of a dead process may be another's now
    if (holder === 'alive' && !isGone(await readFile(claim, 'utf8').catch(() => ''))) return claim;
    await rm(claim, { force: true }).catch(() => {}); // in a folder like /tmp, another user's stays, and is dead all the same
  }
  return undefined;
}

function atWork(place: string, claim: string): BackupError {
  return new BackupError('lease-held', `another restore into ${place} is at work`, {
    hint: `wait for it; if none is, delete ${claim}`,
  });
}

const unwritable = (path: string) => (cause: unknown) => {
  throw new BackupError('machine-failed', `nothing can be made in ${dirname(path)}: ${messageOf(cause)}`, {
    hint: 'let the user that runs this write there: restores and drills are made beside what they replace',
    cause,
  });
};
