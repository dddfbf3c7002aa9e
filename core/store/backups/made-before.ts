import type { Manifest } from '../../contract/manifest/manifest.ts';
import { BackupError } from '../../domain/errors.ts';
import { behindOthers, startOf, tailOf } from '../../domain/keys.ts';
import type { BackupId, SourceName } from '../../domain/keys.ts';
import type { Identity } from '../../ports.ts';
import { readManifest } from './manifests.ts';
import type { Trust } from './signature.ts';

/**
 * Longest time after which a request may be repeated: EventBridge Scheduler retries for up to 24 hours (its user guide,
 * retry policy), Lambda's queue for up to 6.
 */
const repeatedWithinMs = 24 * 3_600_000;

/**
 * The backup that this request made earlier, if the request is delivered or tried again; undefined if there is none.
 * The name of such a backup ends as `id` does, because it is derived from the request, or follows another backup of the
 * same second (`newName`); its manifest names our run. No other manifests are read.
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

/** Whether another backup of the same second comes first: then the end of this name need not come from its request. */
function isBehind(id: BackupId, others: readonly BackupId[]): boolean {
  return others.some((other) => other < id && startOf(other).getTime() === startOf(id).getTime());
}

/**
 * The name of a new backup: `own`, or the next one after the existing backups of its second. Throws `object-exists` if
 * none is left: nothing may be stored, or swept, under the name of another run.
 */
export function newName(source: SourceName, own: BackupId, others: readonly BackupId[]): BackupId {
  const id = behindOthers(own, others);
  if (!others.includes(id)) return id;
  throw new BackupError('object-exists', `${source}: there is a backup ${id} already, of another run`, {
    hint: 'was the clock of this machine put back? Run it again',
  });
}
