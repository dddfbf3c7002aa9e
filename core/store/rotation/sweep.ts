import { isBackupError } from '../../domain/errors.ts';
import { historyOf } from '../../domain/verdict/history.ts';
import type { SourceHistory } from '../../domain/verdict/history.ts';
import { sourceSegment } from '../../domain/layout/places.ts';
import type { ObjectKey, SourceName } from '../../domain/keys.ts';
import { staleFailures, staleRequests, staleStarts, sweepable } from '../../domain/retention/leftovers.ts';
import type { Leftovers } from '../../domain/retention/leftovers.ts';
import type { Bytes } from '../../domain/units.ts';
import type { Clock, Identity } from '../../ports.ts';
import type { Vault } from '../../vault.ts';
import { withLease } from '../lease/lease.ts';

/**
 * The leftovers of dead runs. `spared`: another run holds the lease, so nothing is known to be dead. `found`: only
 * looked, nothing was removed. `packs`: those that no backup needs any more, absent if there are none.
 */
export type Swept = {
  state: 'none' | 'found' | 'swept' | 'spared';
  objects: number;
  bytes: Bytes;
  uploads: number;
  packs?: { keys: ObjectKey[]; bytes: Bytes };
  hidden: boolean;
  records: ObjectKey[];
  failures: unknown[];
};

/** `packsToo`: every backup of the source is known to have all its parts; otherwise no pack is swept. */
type SweepDeps = { clock: Clock; identity: Identity; packsToo?: boolean };

/** What a sweep would remove. If uploads can't be listed, that is one of the failures, and the rest is still done. */
export async function lookForLeftovers(
  vault: Vault,
  history: SourceHistory,
  graceMs: number,
  { clock, packsToo = false }: Omit<SweepDeps, 'identity'>,
  signal: AbortSignal,
): Promise<Swept> {
  const failures: unknown[] = [];
  const uploads = await uploadsOf(vault, history.source, signal).catch((error: unknown) => (failures.push(error), []));
  const found = sweepable(history, uploads, graceMs, clock.now());
  if (!packsToo) found.packs = [];
  const now = clock.now();
  const records = [
    ...staleFailures(history, graceMs, now),
    ...staleStarts(history, graceMs, now),
    ...staleRequests(history, now),
  ];
  const state = found.objects.length + found.uploads.length + found.packs.length > 0 ? 'found' : 'none';
  return { state, ...sizesOf(found), hidden: false, records, failures };
}

/**
 * Removes what was found, under the source's lease: a run that slept past its own lease finds it taken when it wakes
 * up, and writes no manifest for removed parts. Looks again under the lease before it removes anything.
 */
export async function sweepLeftovers(
  vault: Vault,
  source: SourceName,
  graceMs: number,
  found: Swept,
  deps: SweepDeps,
  signal: AbortSignal,
): Promise<Swept> {
  const failures: unknown[] = [...found.failures];
  let hidden = false;
  async function trying(work: () => Promise<unknown>): Promise<void> {
    await work().catch((error: unknown) => void failures.push(error));
  }
  for (const key of found.records) await trying(() => vault.delete(key, signal));
  if (found.state === 'none') return { ...found, failures };
  try {
    const swept = await withLease(
      vault,
      source,
      deps,
      async (held) => {
        const history = historyOf(source, await Array.fromAsync(vault.list(`${sourceSegment(source)}/`, held)));
        const uploads = found.uploads === 0 ? [] : await uploadsOf(vault, source, held);
        const dead = sweepable(history, uploads, graceMs, deps.clock.now());
        // packs that this rotation itself made superfluous are left to the next one
        dead.packs = dead.packs.filter(({ key }) => found.packs?.keys.includes(key));
        for (const upload of dead.uploads) await trying(() => vault.abandon(upload, held));
        for (const { key } of [...dead.objects, ...dead.packs])
          await trying(async () => (hidden = (await vault.delete(key, held)).state === 'hidden' || hidden));
        return dead;
      },
      signal,
    );
    const { packs: _, ...rest } = found;
    return { ...rest, state: 'swept', ...sizesOf(swept), hidden, failures };
  } catch (error) {
    if (isBackupError(error, 'lease-held')) return { ...found, state: 'spared', bytes: 0, failures };
    return { ...found, state: 'none', bytes: 0, failures: [...failures, error] };
  }
}

async function uploadsOf(vault: Vault, source: SourceName, signal: AbortSignal) {
  return Array.fromAsync(vault.unfinished(`${sourceSegment(source)}/`, signal));
}

function sizesOf({ objects, uploads, packs }: Leftovers): Pick<Swept, 'objects' | 'bytes' | 'uploads' | 'packs'> {
  const bytesOfPacks = packs.reduce((sum, { bytes }) => sum + bytes, 0);
  return {
    ...(packs.length > 0 && { packs: { keys: packs.map(({ key }) => key), bytes: bytesOfPacks } }),
    objects: objects.length,
    // what a dead run shares with a backup frees nothing
    bytes: objects.reduce((sum, { bytes, file }) => sum + (file === undefined ? bytes : 0), 0),
    uploads: uploads.length,
  };
}
