import { isPartName } from '../../contract/manifest/part-name.ts';
import { isBackupId, objectKey } from '../keys.ts';
import { manifestFile, partKey, signatureFile, sourceSegment } from './places.ts';
import type { BackupId, ObjectKey, SourceName } from '../keys.ts';

/** What can prove a backup: every byte read again, a restore whose result was compared, a drill. */
export const proofKinds = ['verify', 'restore', 'drill'] as const;
export type ProofKind = (typeof proofKinds)[number];

/** The outcome of one look at a backup, as the name of its record tells it: no record needs to be read to know it. */
export type ProofRecord = { kind: ProofKind; outcome: 'passed' | 'failed'; at: Date };

/**
 * A run that has begun to make the backup `id`, as the name of its record tells it. `meant`: the moment of the schedule
 * that it is for; none where it was made by hand.
 */
export type StartRecord = { id: BackupId; run: string; meant: Date | undefined };

/**
 * A run that failed, as the name of its record tells it. `code` is a FailureCode, of this version of Nightjar or
 * another.
 */
export type FailureRecord = { at: Date; run: string; code: string };

/**
 * A step of a restore that was asked for: `request` is what tells one request from another, `attempt` counts from 1 how
 * often it was carried out or tried.
 */
export type RequestRecord = { request: string; attempt: number; step: 'begun' | 'done' | 'failed' };

const unscheduled = 'unscheduled';
const stampPattern = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/;
const proofPattern = /^proofs\/(\d{8}T\d{6}Z)-(verify|restore|drill)-(passed|failed)\.json$/;
const startPattern = /^starts\/(\d{8}T\d{6}Z-[0-9a-f]{6})-([0-9a-z]{1,64})-(\d{8}T\d{6}Z|unscheduled)\.json$/;
const failurePattern = /^failures\/(\d{8}T\d{6}Z)-([0-9a-z]{1,64})-([a-z]+(?:-[a-z]+)*)\.json$/;
const requestPattern = /^restores\/([0-9a-f]{16})-(\d{1,6})-(begun|done|failed)\.json$/;
const removalPattern = /^removals\/([^/]+)\.json$/;
const backupPattern = /^([^/]*)\/([^/]*)\/(.*)$/s;

/** Where the record of a proof lies, beside the backup: `<source>/<id>/proofs/20261120T031500Z-verify-passed.json`. */
export function proofKey(source: SourceName, id: BackupId, { kind, outcome, at }: ProofRecord): ObjectKey {
  return partKey(source, id, `proofs/${stampOf(at)}-${kind}-${outcome}.json`);
}

/** Where the pin of a backup lies: `<source>/<id>/pin.json`. */
export function pinKey(source: SourceName, id: BackupId): ObjectKey {
  return partKey(source, id, pinFile);
}

/**
 * Where a run that stored nothing says so: `<source>/failures/20261120T020000Z-4f2a91c0-vault-full.json`. Rotation
 * removes those older than its grace time and the newest backup.
 */
export function failureKey(source: SourceName, { at, run, code }: FailureRecord): ObjectKey {
  return objectKey(`${sourceSegment(source)}/failures/${stampOf(at)}-${run}-${code}.json`);
}

/**
 * Where a run says that it has begun: `<source>/starts/20261120T020012Z-7f3a9c-4f2a91c0-20261120T020000Z.json`, or
 * `…-unscheduled.json`. Rotation removes old ones.
 */
export function startKey(source: SourceName, { id, run, meant }: StartRecord): ObjectKey {
  return objectKey(
    `${sourceSegment(source)}/starts/${id}-${run}-${meant === undefined ? unscheduled : stampOf(meant)}.json`,
  );
}

/**
 * Where a restore that replaces something leaves word of itself: `<source>/restores/4f2a91c07f3a9c00-1-begun.json`. Each
 * is written once. Rotation removes old ones.
 */
export function requestKey(source: SourceName, { request, attempt, step }: RequestRecord): ObjectKey {
  return objectKey(`${sourceSegment(source)}/restores/${request}-${attempt}-${step}.json`);
}

/** Where a person who removes a backup says why: `<source>/removals/20261120T020012Z-7f3a9c.json`. It stays. */
export function removalKey(source: SourceName, id: BackupId): ObjectKey {
  return objectKey(`${sourceSegment(source)}/removals/${id}.json`);
}

/** The proof that a path below a backup is the record of; undefined for everything else. */
export function proofOfPath(path: string): ProofRecord | undefined {
  const found = proofPattern.exec(path);
  if (found === null) return undefined;
  const [, stamp, kind, outcome] = found;
  const at = momentOf(stamp!);
  return at && { kind: kind as ProofKind, outcome: outcome as ProofRecord['outcome'], at };
}

/** The failure that a path below a source is the record of; undefined for everything else. */
export function failureOfPath(path: string): FailureRecord | undefined {
  const found = failurePattern.exec(path);
  if (found === null) return undefined;
  const [, stamp, run, code] = found;
  const at = momentOf(stamp!);
  return at && { at, run: run!, code: code! };
}

/** The start that a path below a source is the record of; undefined for everything else. */
export function startOfPath(path: string): StartRecord | undefined {
  const found = startPattern.exec(path);
  if (found === null) return undefined;
  const [, id, run, stamp] = found as unknown as [string, string, string, string];
  if (!isBackupId(id)) return undefined;
  const meant = momentOf(stamp);
  return meant === undefined && stamp !== unscheduled ? undefined : { id, run, meant };
}

/** The step of a restore that a path below a source is the record of; undefined for everything else. */
export function requestOfPath(path: string): RequestRecord | undefined {
  const found = requestPattern.exec(path);
  if (found === null) return undefined;
  const [, request, attempt, step] = found;
  return { request: request!, attempt: Number(attempt), step: step as RequestRecord['step'] };
}

/** The backup that a path below a source says a person has removed; undefined for everything else. */
export function removalOfPath(path: string): BackupId | undefined {
  const id = removalPattern.exec(path)?.[1];
  return id !== undefined && isBackupId(id) ? id : undefined;
}

/**
 * Whether a path below a backup is one of Nightjar's own: its manifest and the signature of it, a part, a record.
 * Everything else is somebody else's.
 */
export function isOurs(path: string): boolean {
  return ownFiles.includes(path) || proofOfPath(path) !== undefined || isPartName(path);
}

const pinFile = 'pin.json';
const ownFiles = [manifestFile, signatureFile, pinFile];

/** Whether a path below a backup belongs to its manifest, and goes with it into every copy, and is no part. */
export function isBeside(path: string): boolean {
  // a pin and proofs are of this vault alone
  return ownFiles.includes(path) && path !== manifestFile && path !== pinFile;
}

/** A key below a source's backup, taken apart; undefined where it is none. Segments are compared whole. */
export function backupPathOf(key: string): { segment: string; id: BackupId; path: string } | undefined {
  const found = backupPattern.exec(key);
  if (found === null) return undefined;
  const [, segment, id, path] = found as unknown as [string, string, string, string];
  return isBackupId(id) ? { segment, id, path } : undefined;
}

function stampOf(at: Date): string {
  return at.toISOString().replace(/[-:]|\.\d{3}/g, '');
}

function momentOf(stamp: string): Date | undefined {
  const at = new Date(stamp.replace(stampPattern, '$1-$2-$3T$4:$5:$6Z'));
  return Number.isNaN(at.getTime()) ? undefined : at;
}
