import type { Manifest } from '../contract/manifest/manifest.ts';
import { startOf } from '../domain/keys.ts';
import type { BackupId, SourceName } from '../domain/keys.ts';
import type { Identity, Vault } from '../ports.ts';
import { readManifest } from '../store/manifests.ts';

/**
 * Longest that a request may come again: EventBridge Scheduler tries for up to 24 hours (its user guide, retry policy),
 * Lambda's queue for up to 6.
 */
const repeatedWithinMs = 24 * 3_600_000;
const tailDigits = 6;

type RepeatDeps = { vault: Vault; identity: Identity };

/**
 * The backup that this very request has made before, when it is delivered again or tried again; undefined where it has
 * made none. Such a one ends as `id` does, which is made of the request where a request can come again, and its
 * manifest names our run; so that no other manifest is read.
 */
export async function madeBefore(
  source: SourceName,
  id: BackupId,
  others: readonly BackupId[],
  { vault, identity }: RepeatDeps,
  signal: AbortSignal,
): Promise<Manifest | undefined> {
  const since = startOf(id).getTime() - repeatedWithinMs;
  const alike = others.filter(
    (other) => other.slice(-tailDigits) === id.slice(-tailDigits) && startOf(other).getTime() >= since,
  );
  for (const other of alike) {
    const { manifest } = await readManifest(source, other, vault, signal);
    if (manifest.run === identity.run) return manifest;
  }
  return undefined;
}
