import { startOf } from '../keys.ts';
import { firstOfPack } from '../layout/packs.ts';
import { manifestFile, sourceOfSegment } from '../layout/places.ts';
import type { BackupId, ObjectKey, SourceName } from '../keys.ts';
import {
  backupPathOf,
  failureOfPath,
  isOurs,
  proofOfPath,
  removalOfPath,
  requestOfPath,
  startOfPath,
} from '../layout/records.ts';
import type { FailureRecord, ProofRecord, StartRecord } from '../layout/records.ts';
import type { Bytes } from '../units.ts';

/** An object as a listing shows it. `file`: equal for objects that share their bytes. */
export type ListedObject = { key: ObjectKey; bytes: Bytes; modified: Date; file?: string };

/** The space that objects take together; shared bytes count once. */
export function bytesTogether(objects: Iterable<Omit<ListedObject, 'modified'>>): Bytes {
  const counted = new Map<string, Bytes>();
  for (const { key, bytes, file = key } of objects) counted.set(file, bytes);
  return [...counted.values()].reduce((sum, bytes) => sum + bytes, 0);
}

/** A complete backup as a listing shows it; nothing of it was read. */
export type BackupFound = {
  id: BackupId;
  start: Date;
  /** When its manifest was written, which made it exist. */
  completed: Date;
  pinned: boolean;
  /** Oldest first. */
  proofs: ProofRecord[];
  /** Nightjar's own objects below its id: manifest, parts, records. */
  objects: ListedObject[];
  /** Foreign objects there: never touched. */
  foreign: ListedObject[];
};

/** Objects of an id without a manifest: from a run that is at work, or one that died. */
export type Leftover = { id: BackupId; start: Date /** The newest change. */; touched: Date; objects: ListedObject[] };

/** What a listing shows of one source. */
export type SourceHistory = {
  source: SourceName;
  /** Oldest first. */
  backups: BackupFound[];
  leftovers: Leftover[];
  failures: (FailureRecord & { key: ObjectKey })[];
  /** Runs that have begun, oldest first. */
  starts: (StartRecord & { key: ObjectKey })[];
  /** Records of requested restores. */
  requests: ListedObject[];
  /** Objects beside the backups that hold parts of several of them. */
  packs: ListedObject[];
  /** Backups that a person removed or began to remove, and when. */
  removed: { id: BackupId; at: Date }[];
  /** When the lease was last written; a run at work does that every minute. */
  leased: Date | undefined;
  /** Whether its ledger exists. */
  ledger: boolean;
};

/**
 * The content of a vault by source, from a listing of the whole vault or of one source. Names are compared as whole
 * path segments; what is not in Nightjar's layout is ignored.
 */
export function historiesOf(listed: Iterable<ListedObject>): Map<SourceName, SourceHistory> {
  const histories = new Map<SourceName, SourceHistory & { objects: Map<BackupId, ListedObject[]> }>();
  for (const found of listed) {
    const [segment = ''] = found.key.split('/');
    const source = sourceOfSegment(segment);
    const inBackup = backupPathOf(found.key);
    const path = found.key.slice(segment.length + 1);
    const [failure, start] = [failureOfPath(path), startOfPath(path)];
    const [isLease, isLedger] = [path === 'lease.json', path === 'ledger.json'];
    const isRequest = requestOfPath(path) !== undefined;
    const removed = removalOfPath(path);
    const isPack = firstOfPack(found.key) !== undefined;
    const isRecord = failure !== undefined || start !== undefined || isRequest || removed !== undefined;
    const isOfSource = inBackup !== undefined || isRecord || isLease || isLedger || isPack;
    if (source === undefined || !isOfSource) continue;
    const history = histories.get(source) ?? { ...emptyHistory(source), objects: new Map<BackupId, ListedObject[]>() };
    histories.set(source, history);
    if (isLedger) history.ledger = true;
    if (failure !== undefined) history.failures.push({ ...failure, key: found.key });
    if (start !== undefined) history.starts.push({ ...start, key: found.key });
    if (isRequest) history.requests.push(found);
    if (isPack) history.packs.push(found);
    if (removed !== undefined) history.removed.push({ id: removed, at: found.modified });
    if (isLease) history.leased = found.modified;
    if (inBackup === undefined) continue;
    const together = history.objects.get(inBackup.id);
    if (together === undefined) history.objects.set(inBackup.id, [found]);
    else together.push(found);
  }
  return new Map(
    [...histories].map(([source, { objects, failures, starts, requests, packs, removed, leased, ledger }]) => {
      const inOrder = {
        failures: failures.sort((a, b) => a.at.getTime() - b.at.getTime()),
        starts: starts.sort((a, b) => (a.id < b.id ? -1 : 1)),
      };
      return [source, { ...sorted(source, objects), ...inOrder, requests, packs, removed, leased, ledger }];
    }),
  );
}

/** What a listing shows of this source; empty if it shows nothing. */
export function historyOf(source: SourceName, listed: Iterable<ListedObject>): SourceHistory {
  return historiesOf(listed).get(source) ?? emptyHistory(source);
}

/** The newest proof of a backup; undefined if there is none. */
export function lastProof({ proofs }: Pick<BackupFound, 'proofs'>): ProofRecord | undefined {
  return proofs.at(-1);
}

/** The history of a source that a listing does not show. */
export function emptyHistory(source: SourceName): SourceHistory {
  return {
    source,
    backups: [],
    leftovers: [],
    failures: [],
    starts: [],
    requests: [],
    packs: [],
    removed: [],
    leased: undefined,
    ledger: false,
  };
}

function sorted(source: SourceName, objects: Map<BackupId, ListedObject[]>): SourceHistory {
  const history = emptyHistory(source);
  for (const [id, all] of [...objects].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const own = all.filter(({ key }) => isOurs(pathOf(key)));
    const manifest = own.find(({ key }) => pathOf(key) === manifestFile);
    const start = startOf(id);
    if (manifest !== undefined) {
      const proofs = own.flatMap(({ key }) => proofOfPath(pathOf(key)) ?? []).sort(inTime);
      const pinned = own.some(({ key }) => pathOf(key) === 'pin.json');
      history.backups.push({
        id,
        start,
        completed: manifest.modified,
        pinned,
        proofs,
        objects: own,
        foreign: all.filter((found) => !own.includes(found)),
      });
    } else if (own.length > 0) {
      history.leftovers.push({
        id,
        start,
        touched: new Date(Math.max(...own.map(({ modified }) => modified.getTime()))),
        objects: own,
      });
    }
  }
  return history;
}

/** Names have whole seconds: of two proofs in one second, a failed one counts as the later. */
function inTime(a: ProofRecord, b: ProofRecord): number {
  return a.at.getTime() - b.at.getTime() || Number(a.outcome === 'failed') - Number(b.outcome === 'failed');
}

function pathOf(key: ObjectKey): string {
  return key.split('/').slice(2).join('/');
}
