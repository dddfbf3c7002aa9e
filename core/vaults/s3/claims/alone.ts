import { BackupError } from '../../../domain/errors.ts';

/** A claim as a listing shows it; `modified` by the store's clock. */
export type ListedClaim = { name: string; modified: Date };

/** What claims of one object need of a store: unique names, a listing that shows them at once, and deletion. */
export type Claims = {
  /** Puts a claim under a unique name. Returns the date that it was signed with, by which the store judges it. */
  put(name: string, signal: AbortSignal): Promise<Date>;
  list(signal: AbortSignal): Promise<ListedClaim[]>;
  remove(name: string): Promise<void>;
};

/** `signed`: the date of the claim. What is written under it has to be signed within `signWithinMs` of that. */
export type Claimed = { signed: Date };

export type ClaimDeps = {
  /** What is to be written, for messages. */
  what: string;
  /** A unique name. */
  name(): string;
  pause(ms: number): Promise<void>;
  random(): number;
};

/** Stores refuse a request whose date differs more than this from their own clock (AWS; Ceph: RGW_AUTH_GRACE). */
const validMs = 15 * 60_000;
export const signWithinMs = 60_000;
/**
 * When a claim expires that nobody removes. The store's clock is at most `validMs` behind the claim's date, and a write
 * signed a minute later is refused once that clock is `validMs` ahead of the write's date; the rest allows for clocks
 * of a store's own machines that differ.
 */
export const expiresMs = 2 * validMs + signWithinMs + 4 * 60_000;

const looks = 80;
const [firstPauseMs, longestPauseMs] = [30, 500];

/**
 * Works alone on an object of a store without conditional writes. Puts a claim under a unique name, and then lists all
 * claims: of two claims, the owner of the later one always sees both, however slow either is. Who sees another claim
 * does not work: the owner of the lower name waits; the owner of the higher one removes its claim and comes again when
 * the claims it saw are gone. `mayLand`: whether a failed write may still be carried out later; its claim then stays
 * until it expires, as it does when its owner is killed.
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

/** How often somebody has looked whether other claims are gone. */
type Queue = { looked: number };

/** Waits while ours is the lowest of several claims. Throws after so many looks that one owner must be dead. */
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

/** Waits without a claim, so that nobody waits for us. Leaves half of the looks for waiting with one. */
async function othersToGo(claims: Claims, queue: Queue, deps: ClaimDeps, signal: AbortSignal): Promise<void> {
  do await pause(queue, deps);
  while (queue.looked < looks / 2 && (await claims.list(signal)).length > 0);
}

async function pause(queue: Queue, { pause: wait, random }: ClaimDeps): Promise<void> {
  queue.looked += 1;
  await wait(random() * Math.min(longestPauseMs, firstPauseMs * queue.looked));
}

/** The claims beside ours that had not expired when ours was put; removes those that had. */
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
