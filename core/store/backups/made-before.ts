import type { Manifest } from '../../contract/manifest/manifest.ts';
import { BackupError } from '../../domain/errors.ts';
import { behindOthers, startOf, tailOf } from '../../domain/keys.ts';
import type { BackupId, SourceName } from '../../domain/keys.ts';
import type { Identity } from '../../ports.ts';
import { readManifest } from './manifests.ts';
import type { Trust } from './signature.ts';

/**
 * Longest that a request may come again: EventBridge Scheduler tries for up to 24 hours (its user guide, retry policy),
 * Lambda's queue for up to 6.
 */
const repeatedWithinMs = 24 * 3_600_000;

/**
 * The backup that this very request has made before, when it is delivered again or tried again; undefined where it has
 * made none. Such a one ends as `id` does, which is made of the request where a request can come again, or stands
 * behind another one of its second (`newName`), and its manifest names our run: no other manifest is read.
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
  const recent = others.filter((other) => startOf(other).getTime() >= since);
  for (const other of recent.filter((one) => tailOf(one) === tailOf(id))) {
    const { manifest } = await readManifest(trust, source, other, signal);
    if (manifest.run === run) return manifest;
  }
  for (const other of recent.filter((one) => isBehind(one, recent))) {
    const read = await readManifest(trust, source, other, signal).catch(() => undefined);
    if (read?.manifest.run === run) return read.manifest;
  }
  return undefined;
}

/** Whether another one of its second stands before it: then its name may not end as its request's do. */
function isBehind(id: BackupId, others: readonly BackupId[]): boolean {
  return others.some((other) => other < id && startOf(other).getTime() === startOf(id).getTime());
}

/**
 * The name that a backup gets: `own`, or the next one of its second behind those that are there. Throws `object-exists`
 * where there is none left: nothing may be stored below another run's name, nor swept.
 */
export function newName(source: SourceName, own: BackupId, others: readonly BackupId[]): BackupId {
  const id = behindOthers(own, others);
  if (!others.includes(id)) return id;
  throw new BackupError('object-exists', `${source}: there is a backup ${id} already, of another run`, {
    hint: 'was the clock of this machine put back? Run it again',
  });
}
