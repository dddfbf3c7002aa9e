import { createHash } from 'node:crypto';
import { checkersSchema } from '../../contract/memory/outbox.ts';
import type { Checker } from '../../contract/memory/outbox.ts';
import { isBackupError } from '../../domain/errors.ts';
import { objectKey } from '../../domain/keys.ts';
import { outboxFolder } from '../../domain/layout/places.ts';
import type { Vault } from '../../vault.ts';
import { readJson, writeJson } from '../json.ts';
import { clocksMs } from '../../domain/verdict/verdict.ts';

/** The configurations that share a vault. `id`: this one's; `others`: those that ran a check lately. */
export type Checkers = { id: string; others: Checker[] };

const key = objectKey(`${outboxFolder}checkers.json`);
const attempts = 8;
const limitMs = 15_000;
/** A configuration in use is checked at least once a day; after this time it no longer counts. */
const livesMs = 26 * 3_600_000;
const remembered = 12;

/** Identifies a configuration: a digest of its source names, so that a file and its copies elsewhere are the same. */
export function configurationId(sources: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(sources.toSorted())).digest('hex').slice(0, 12);
}

/**
 * Records that this configuration is checked now, and returns the others in use. One that was not checked again since
 * this one began was replaced by it; until this one's second check that can't be known, and it counts as in use. Throws
 * if the vault refuses.
 */
export async function checkersOf(
  vault: Vault,
  sources: readonly string[],
  at: Date,
  signal: AbortSignal,
): Promise<Checkers> {
  const id = configurationId(sources);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
  for (let left = attempts; ; left -= 1) {
    const read = await readJson(vault, key, limit);
    const known = checkersSchema.safeParse(read?.document).data?.configurations ?? [];
    const others = known.filter((one) => one.id !== id);
    const before = known.find((one) => one.id === id && isAlive(one, at));
    const mine: Checker = { id, since: before?.since ?? at.toISOString(), at: at.toISOString(), sources: [...sources] };
    const configurations = [mine, ...others.toSorted((a, b) => (a.at < b.at ? 1 : -1))].slice(0, remembered);
    try {
      await writeJson(vault, key, { version: 1, configurations }, { version: read?.version }, limit);
      return { id, others: others.filter((one) => isAlive(one, at) && (before === undefined || one.at > mine.since)) };
    } catch (error) {
      if (!isBackupError(error, 'object-exists') || left <= 1) throw error;
    }
  }
}

function isAlive(one: Checker, at: Date): boolean {
  const agoMs = at.getTime() - Date.parse(one.at);
  return agoMs < livesMs && agoMs >= -clocksMs;
}
