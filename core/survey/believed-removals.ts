import type { Ledger } from '../contract/memory/ledger.ts';
import type { BackupId } from '../domain/keys.ts';
import type { SourceHistory } from '../domain/verdict/history.ts';
import { mapConcurrently } from '../pipeline/concurrency.ts';
import type { Store } from '../store/store.ts';

const readsAtOnce = 4;

/**
 * Where backups are signed: the listing without the records of removals that are not ours, because anybody who may
 * write to the vault could hide a loss with one. Reads only records that would hide a backup that is remembered and
 * missing.
 */
export async function believedRemovals(
  listed: SourceHistory,
  before: Ledger | undefined,
  store: Store,
  signal: AbortSignal,
): Promise<SourceHistory> {
  if (before === undefined || store.signingRules(listed.source) === undefined) return listed;
  const there = new Set<string>(listed.backups.map(({ id }) => id));
  const remembered = new Set([...before.backups.map(({ id }) => id), ...(before.gone?.ids ?? [])]);
  const asked = listed.removed.filter(({ id }) => remembered.has(id) && !there.has(id));
  const doubted = new Set<BackupId>();
  await mapConcurrently(
    readsAtOnce,
    asked,
    async ({ id }, stop) => {
      if (!(await store.isRemovalGenuine(listed.source, id, stop))) doubted.add(id);
    },
    signal,
  );
  return { ...listed, removed: listed.removed.filter(({ id }) => !doubted.has(id)) };
}
