import { BackupError } from '../domain/errors.ts';
import type { SourceName } from '../domain/keys.ts';
import { emptyHistory } from '../domain/verdict/history.ts';
import { copySeen, withCopies } from '../domain/watch/copies.ts';
import type { CopySeen, Offered } from '../domain/watch/copies.ts';
import type { WatchedSource } from '../domain/watch/freshness.ts';
import { formatDuration } from '../domain/units.ts';
import { mapConcurrently } from '../pipeline/concurrency.ts';
import { withTimeLimit } from '../pipeline/time-limit.ts';
import type { Store } from '../store/store.ts';
import { listedOneByOne, orUnknown } from './survey-vault.ts';
import type { FurtherVault, VaultSurvey } from './survey-vault.ts';

/**
 * `vault`: opens the store in a further vault, by its name. `copiesWithinMs`: how long a vault may take to answer, if
 * the host has less time than ten minutes.
 */
export type CopyLook = {
  vault(name: string, signal: AbortSignal): Promise<Store>;
  copiesWithinMs?: number | undefined;
};

type FurtherSeen = { further: FurtherVault; seen: ReadonlyMap<SourceName, CopySeen> };

const vaultsAtOnce = 2;
/** A problem with a further vault must not delay what is reported about the first one. */
const longestMs = 10 * 60_000;

/**
 * Also judges the copies of the sources, by one listing of each further vault, or of each source in it; reads and
 * writes nothing else there. A vault that can't be listed is a finding of its own and says nothing about its copies. If
 * the first vault can't be read, there is nothing to compare with, and copies are only named.
 */
export async function surveyCopies(
  look: VaultSurvey,
  sources: readonly WatchedSource[],
  { vault: open, copiesWithinMs = longestMs }: CopyLook,
  signal: AbortSignal,
): Promise<VaultSurvey> {
  const names = new Set(sources.flatMap(({ copies = [] }) => copies.map(({ vault }) => vault)));
  if (names.size === 0) return look;
  if (look.vault !== undefined) return { ...look, further: [...names].map((name) => ({ name })) };
  const { offered = new Map<SourceName, Offered>() } = look;
  const looked = await mapConcurrently(
    vaultsAtOnce,
    [...names],
    (name, stop) =>
      lookInto(name, copiedTo(name, sources), { offered, whole: look.whole, open, ms: copiesWithinMs }, stop),
    signal,
  );
  const judgements = look.judgements.map((judgement, index) => {
    const { source, copies = [] } = sources[index]!;
    const seen = new Map(
      looked.flatMap(({ further, seen: found }) => {
        const one = found.get(source);
        return one === undefined ? [] : [[further.name, one] as const];
      }),
    );
    return withCopies(judgement, copies, offered.get(source), seen, look.at);
  });
  return { ...look, judgements, further: looked.map(({ further }) => further) };
}

function copiedTo(name: string, sources: readonly WatchedSource[]): WatchedSource[] {
  return sources.filter(({ copies = [] }) => copies.some(({ vault }) => vault === name));
}

async function lookInto(
  name: string,
  sources: readonly WatchedSource[],
  {
    offered,
    whole,
    open,
    ms,
  }: { offered: ReadonlyMap<SourceName, Offered>; whole: boolean; open: CopyLook['vault']; ms: number },
  signal: AbortSignal,
): Promise<FurtherSeen> {
  const seen = new Map<SourceName, CopySeen>();
  const look = async (stop: AbortSignal): Promise<{ place: string }> => {
    const store = await open(name, stop);
    for (const { source } of sources) {
      const wanted = offered.get(source);
      if (wanted !== undefined) seen.set(source, copySeen(wanted, emptyHistory(source)));
    }
    for await (const history of whole ? store.sourcesListed(stop) : listedOneByOne(sources, store, stop)) {
      const wanted = offered.get(history.source);
      if (wanted !== undefined && seen.has(history.source)) seen.set(history.source, copySeen(wanted, history));
    }
    return { place: store.place };
  };
  const late = new BackupError('vault-unreachable', `the vault ${name} has not answered for ${formatDuration(ms)}`);
  const found = await orUnknown(() => withTimeLimit(ms, late, look, signal), signal);
  return 'why' in found ? { further: { name, unread: found }, seen: new Map() } : { further: { name, ...found }, seen };
}
