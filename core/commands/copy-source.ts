import type { CopySettings } from '../contract/config/vaults/copies.ts';
import { ourError } from '../domain/errors.ts';
import type { SourceName } from '../domain/keys.ts';
import type { SourceRules } from '../domain/verdict/verdict.ts';
import type { Store } from '../store/store.ts';
import { copyMissing } from './copy.ts';
import type { CopiedSource, CopyDeps } from './copy.ts';

/** The result for one further vault of a source: what was copied, and what failed. */
export type CopyOutcome = { vault: string } & Partial<Omit<CopiedSource, 'failures'>> & { failures: unknown[] };

/** `vault`: opens the store in a further vault, by its name. */
export type CopySourceDeps = Omit<CopyDeps, 'to'> & { vault(name: string, signal: AbortSignal): Promise<Store> };

/**
 * Copies what one further vault of a source lacks. Throws nothing: its failure must not keep the next vault from being
 * worked on.
 */
export async function copyInto(
  source: SourceName,
  { vault, retention }: CopySettings,
  memory: SourceRules,
  deps: CopySourceDeps,
  signal: AbortSignal,
): Promise<CopyOutcome> {
  try {
    const to = await deps.vault(vault, signal);
    return { vault, ...(await copyMissing(source, { memory, retention }, { ...deps, to }, signal)) };
  } catch (error) {
    return { vault, failures: [error] };
  }
}

/** The same as JSON, for programs. */
export function copyDocument(source: SourceName, copies: readonly CopyOutcome[]) {
  return {
    source,
    copies: copies.map(({ vault, place, copied = [], removed = [], failures }) => ({
      vault,
      ...(place !== undefined && { place }),
      copied: copied.map(({ id, state, parts, bytes }) => ({ id, state, parts, bytes })),
      removed,
      failures: failures.map((failure) => {
        const { code, message, hint } = ourError(failure);
        return { code, message, ...(hint !== undefined && { hint }) };
      }),
    })),
  };
}
