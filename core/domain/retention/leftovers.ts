import type { ListedObject, SourceHistory } from '../verdict/history.ts';
import { startOf } from '../keys.ts';
import { firstOfPack, looksLikeLink } from '../layout/packs.ts';
import { sourceOfSegment } from '../layout/places.ts';
import type { ObjectKey, SourceName } from '../keys.ts';
import { backupPathOf, isOurs } from '../layout/records.ts';

/** A multipart upload that has begun and not ended. It takes space, and no listing of objects shows it. */
export type UnfinishedUpload = { key: ObjectKey; upload: string; begun: Date };

/** What dead runs of a source left: objects without a manifest, unfinished uploads, and packs that no backup needs. */
export type Leftovers = { objects: ListedObject[]; uploads: UnfinishedUpload[]; packs: ListedObject[] };

/**
 * What may be swept: only what is in Nightjar's layout, and whose run started and last stored something before the
 * grace time. The caller's lease ensures that no run is at work.
 */
export function sweepable(
  history: SourceHistory,
  uploads: readonly UnfinishedUpload[],
  graceMs: number,
  now: Date,
): Leftovers {
  const { source, leftovers } = history;
  const before = now.getTime() - graceMs;
  const old = (...moments: Date[]): boolean => moments.every((moment) => moment.getTime() < before);
  return {
    objects: leftovers.filter(({ start, touched }) => old(start, touched)).flatMap(({ objects }) => objects),
    uploads: uploads.filter(({ key, begun }) => {
      const start = startOfKey(source, key);
      return start !== undefined && old(start, begun);
    }),
    packs: unneededPacks(history).filter(({ key, modified }) => old(startOf(firstOfPack(key)!.id), modified)),
  };
}

/**
 * Packs that neither a backup nor a running or dead run links to. Empty if any backup has a link that can't be
 * followed.
 */
function unneededPacks({ backups, leftovers, packs }: SourceHistory): ListedObject[] {
  if (backups.some(({ foreign }) => foreign.some(({ key }) => looksLikeLink(key)))) return [];
  const needed = new Set<string | undefined>(
    [...backups, ...leftovers].flatMap(({ objects }) => objects.map(({ file }) => file)),
  );
  return packs.filter(({ key }) => !needed.has(key));
}

/**
 * Records of failures that are no longer of use: older than the grace time, than the newest backup, and than the
 * records of starts that stay.
 */
export function staleFailures({ backups, failures, starts }: SourceHistory, graceMs: number, now: Date): ObjectKey[] {
  const [oldest] = starts.slice(-startsKept);
  const newest = Math.min(
    backups.at(-1)?.start.getTime() ?? 0,
    oldest === undefined ? Number.POSITIVE_INFINITY : startOf(oldest.id).getTime(),
  );
  return failures.filter(({ at }) => at.getTime() < Math.min(newest, now.getTime() - graceMs)).map(({ key }) => key);
}

/** How many records of starts stay whatever their age: as many as a check looks back at, and some for runs by hand. */
const startsKept = 32;

/** Records of starts that are no longer of use: older than the grace time, and not among the newest. */
export function staleStarts({ starts }: SourceHistory, graceMs: number, now: Date): ObjectKey[] {
  return starts
    .slice(0, -startsKept)
    .filter(({ id }) => startOf(id).getTime() < now.getTime() - graceMs)
    .map(({ key }) => key);
}

/**
 * How long it is remembered which restores were carried out, so that none is repeated: longer than any sender retries.
 */
const requestsKeptMs = 90 * 86_400_000;

/** Records of restores that nobody requests any more. */
export function staleRequests({ requests }: SourceHistory, now: Date): ObjectKey[] {
  return requests.filter(({ modified }) => modified.getTime() < now.getTime() - requestsKeptMs).map(({ key }) => key);
}

function startOfKey(source: SourceName, key: ObjectKey): Date | undefined {
  const pack = firstOfPack(key);
  if (pack !== undefined) return sourceOfSegment(pack.segment) === source ? startOf(pack.id) : undefined;
  const place = backupPathOf(key);
  return place !== undefined && sourceOfSegment(place.segment) === source && isOurs(place.path)
    ? startOf(place.id)
    : undefined;
}
