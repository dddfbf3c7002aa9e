import type { Manifest } from '../../contract/manifest/manifest.ts';
import { BackupError } from '../../domain/errors.ts';
import { startOf } from '../../domain/keys.ts';
import type { BackupId, SourceName } from '../../domain/keys.ts';
import type { Identity } from '../../ports.ts';
import { readManifest } from './manifests.ts';
import type { Trust } from './signature.ts';

/**
 * Longest that a request may come again: EventBridge Scheduler tries for up to 24 hours (its user guide, retry policy),
 * Lambda's queue for up to 6.
 */
const repeatedWithinMs = 24 * 3_600_000;
const tailDigits = 6;

/**
 * The backup that this very request has made before, when it is delivered again or tried again; undefined where it has
 * made none. Such a one ends as `id` does, which is made of the request where a request can come again, and its
 * manifest names our run; so that no other manifest is read. Throws `object-exists` where another run's backup has the
 * very name of ours: nothing may be stored below it, nor swept.
 */
export async function madeBefore(
  trust: Trust,
  source: SourceName,
  id: BackupId,
  others: readonly BackupId[],
  { run }: Pick<Identity, 'run'>,
  signal: AbortSignal,
): Promise<Manifest | undefined> {
  const since = startOf(id).getTime() - repeatedWithinMs;
  const alike = others.filter(
    (other) => other.slice(-tailDigits) === id.slice(-tailDigits) && startOf(other).getTime() >= since,
  );
  for (const other of alike) {
    const { manifest } = await readManifest(trust, source, other, signal);
    if (manifest.run === run) return manifest;
  }
  if (others.includes(id)) throw sameName(source, id);
  return undefined;
}

function sameName(source: SourceName, id: BackupId): BackupError {
  return new BackupError('object-exists', `${source}: there is a backup ${id} already, of another run`, {
    hint: 'was the clock of this machine put back? Run it again',
  });
}
