import { BackupError } from '../../../domain/errors.ts';

/** A claim as a listing shows it; `modified` by the store's clock. */
export type ListedClaim = { name: string; modified: Date };

/** What claims of one object need of a store: names of their own, a listing that shows them at once, a removal. */
export type Claims = {
  /** Puts a claim of a name that nobody else has. Gives the date that it was signed with, by which a store judges it. */
  put(name: string, signal: AbortSignal): Promise<Date>;
  list(signal: AbortSignal): Promise<ListedClaim[]>;
  remove(name: string): Promise<void>;
};

/** `signed`: the date of the claim. What is written under it has to be signed within `signWithinMs` of that. */
export type Claimed = { signed: Date };

export type ClaimDeps = {
  /** What is to be written, for messages. */
  what: string;
  /** A name that nobody else has. */
  name(): string;
  pause(ms: number): Promise<void>;
  random(): number;
};

/** Stores refuse a request whose date is further than that from their own clock (AWS; Ceph: RGW_AUTH_GRACE). */
const validMs = 15 * 60_000;
export const signWithinMs = 60_000;
/**
 * Until when a claim stands that nobody takes away. The store's clock is `validMs` behind its date at most, and a write
 * that is signed a minute later is refused when that clock is `validMs` ahead of the write's date; the rest is for the
 * clocks of a store's own machines.
 */
export const expiresMs = 2 * validMs + signWithinMs + 4 * 60_000;

const looks = 80;
const [firstPauseMs, longestPauseMs] = [30, 500];

/**
 * Does work on an object of a store that knows no conditions while nobody else does. A claim of a name of its own is
 * put, and then all claims are listed: of two, the one that was put last is seen by its owner beside the other, whoever
 * is slow. Whoever sees another one does not work: the lower name waits, the higher one takes its own back and comes
 * again when those it has seen are gone. `mayLand`: whether what failed may be carried out later; the claim stays then,
 * as it does when its owner is killed, until it expires.
 */
export async function alone<T>(
  claims: Claims,
  work: (claimed: Claimed) => Promise<T>,
  mayLand: (error: unknown) => boolean,
  deps: ClaimDeps,
  signal: AbortSignal,
): Promise<T> {
  const queue = { looked: 0 };
  for (;;) {
    const name = deps.name();
    let leave = true;
    try {
      const signed = await claims.put(name, signal);
      if (await enter(claims, name, queue, deps, signal))
        return await work({ signed }).catch((error: unknown) => {
          leave = !mayLand(error);
          throw error;
        });
    } finally {
      if (leave) await claims.remove(name);
    }
    await othersToGo(claims, queue, deps, signal);
  }
}

/** How often somebody has looked whether others are gone. */
type Queue = { looked: number };

/** Waits as long as ours is the lowest of several claims. Throws when it has looked so often that one must be dead. */
async function enter(
  claims: Claims,
  own: string,
  queue: Queue,
  deps: ClaimDeps,
  signal: AbortSignal,
): Promise<boolean> {
  for (;;) {
    const others = await othersThan(own, claims, deps.what, signal);
    if (others.length === 0) return true;
    if (queue.looked >= looks) throw inTheWay(deps.what, others);
    if (others.some(({ name }) => name < own)) return false;
    await pause(queue, deps);
  }
}

/** Waits without a claim, so that nobody waits for us; half of the looks are left for those with one. */
async function othersToGo(claims: Claims, queue: Queue, deps: ClaimDeps, signal: AbortSignal): Promise<void> {
  do await pause(queue, deps);
  while (queue.looked < looks / 2 && (await claims.list(signal)).length > 0);
}

async function pause(queue: Queue, { pause: wait, random }: ClaimDeps): Promise<void> {
  queue.looked += 1;
  await wait(random() * Math.min(longestPauseMs, firstPauseMs * queue.looked));
}

/** The claims beside ours that have not expired when ours was put; those that have are taken away. */
async function othersThan(own: string, claims: Claims, what: string, signal: AbortSignal): Promise<ListedClaim[]> {
  const listed = await claims.list(signal);
  const ours = listed.find(({ name }) => name === own);
  if (ours === undefined)
    throw new BackupError('vault-failed', `${what}: what was just written is in no listing of the store`, {
      hint: 'a store without conditional writes has to list at once what is written: use another one',
    });
  const others = listed.filter(({ name }) => name !== own);
  const isDead = ({ modified }: ListedClaim) => ours.modified.getTime() - modified.getTime() > expiresMs;
  for (const { name } of others.filter(isDead)) await claims.remove(name);
  return others.filter((one) => !isDead(one));
}

function inTheWay(what: string, others: readonly ListedClaim[]): BackupError {
  const last = Math.max(...others.map(({ modified }) => modified.getTime()));
  const until = new Date(last + expiresMs).toISOString();
  return new BackupError('vault-failed', `${what}: another write of it was begun and has not ended`, {
    hint: `where that run died, it stands in the way until ${until}: wait (docs/stores.md, without conditional writes)`,
  });
}
