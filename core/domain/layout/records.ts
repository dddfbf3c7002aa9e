import { isPartName } from '../../contract/manifest/part-name.ts';
import { isBackupId, objectKey } from '../keys.ts';
import { manifestFile, partKey, signatureFile, sourceSegment } from './places.ts';
import type { BackupId, ObjectKey, SourceName } from '../keys.ts';

/** What can prove a backup: reading every byte again, a restore whose result was compared, a drill. */
export const proofKinds = ['verify', 'restore', 'drill'] as const;
export type ProofKind = (typeof proofKinds)[number];

/** The outcome of one proof of a backup. It is in the name of its record, so no record has to be read. */
export type ProofRecord = { kind: ProofKind; outcome: 'passed' | 'failed'; at: Date };

/**
 * A run that has begun to make the backup `id`, from the name of its record. `meant`: the scheduled moment; undefined
 * if it was made by hand.
 */
export type StartRecord = { id: BackupId; run: string; meant: Date | undefined };

/** A run that failed, from the name of its record. `code` is a FailureCode, of this version of Nightjar or another. */
export type FailureRecord = { at: Date; run: string; code: string };

/** A step of a restore that was requested: `request` identifies the request, `attempt` counts its attempts from 1. */
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
 * Where a run that stored nothing records its failure: `<source>/failures/20261120T020000Z-4f2a91c0-vault-full.json`.
 * Rotation removes those older than its grace time and the newest backup.
 */
export function failureKey(source: SourceName, { at, run, code }: FailureRecord): ObjectKey {
  return objectKey(`${sourceSegment(source)}/failures/${stampOf(at)}-${run}-${code}.json`);
}

/**
 * Where a run records that it has begun: `<source>/starts/20261120T020012Z-7f3a9c-4f2a91c0-20261120T020000Z.json`, or
 * `…-unscheduled.json`. Rotation removes old ones.
 */
export function startKey(source: SourceName, { id, run, meant }: StartRecord): ObjectKey {
  return objectKey(
    `${sourceSegment(source)}/starts/${id}-${run}-${meant === undefined ? unscheduled : stampOf(meant)}.json`,
  );
}

/**
 * Where a restore that replaces something records its steps: `<source>/restores/4f2a91c07f3a9c00-1-begun.json`. Each is
 * written once. Rotation removes old ones.
 */
export function requestKey(source: SourceName, { request, attempt, step }: RequestRecord): ObjectKey {
  return objectKey(`${sourceSegment(source)}/restores/${request}-${attempt}-${step}.json`);
}

/** Where a person who removes a backup records why: `<source>/removals/20261120T020012Z-7f3a9c.json`. It stays. */
export function removalKey(source: SourceName, id: BackupId): ObjectKey {
  return objectKey(`${sourceSegment(source)}/removals/${id}.json`);
}

/** The proof recorded by a path below a backup; undefined for everything else. */
export function proofOfPath(path: string): ProofRecord | undefined {
  const found = proofPattern.exec(path);
  if (found === null) return undefined;
  const [, stamp, kind, outcome] = found;
  const at = momentOf(stamp!);
  return at && { kind: kind as ProofKind, outcome: outcome as ProofRecord['outcome'], at };
}

/** The failure recorded by a path below a source; undefined for everything else. */
export function failureOfPath(path: string): FailureRecord | undefined {
  const found = failurePattern.exec(path);
  if (found === null) return undefined;
  const [, stamp, run, code] = found;
  const at = momentOf(stamp!);
  return at && { at, run: run!, code: code! };
}

/** The start recorded by a path below a source; undefined for everything else. */
export function startOfPath(path: string): StartRecord | undefined {
  const found = startPattern.exec(path);
  if (found === null) return undefined;
  const [, id, run, stamp] = found as unknown as [string, string, string, string];
  if (!isBackupId(id)) return undefined;
  const meant = momentOf(stamp);
  return meant === undefined && stamp !== unscheduled ? undefined : { id, run, meant };
}

/** The step of a restore recorded by a path below a source; undefined for everything else. */
export function requestOfPath(path: string): RequestRecord | undefined {
  const found = requestPattern.exec(path);
  if (found === null) return undefined;
  const [, request, attempt, step] = found;
  return { request: request!, attempt: Number(attempt), step: step as RequestRecord['step'] };
}

/** The backup whose removal a path below a source records; undefined for everything else. */
export function removalOfPath(path: string): BackupId | undefined {
  const id = removalPattern.exec(path)?.[1];
  return id !== undefined && isBackupId(id) ? id : undefined;
}

/**
 * Whether a path below a backup is Nightjar's own: the manifest, its signature, a part, or a record. Everything else is
 * foreign.
 */
export function isOurs(path: string): boolean {
  return ownFiles.includes(path) || proofOfPath(path) !== undefined || isPartName(path);
}

const pinFile = 'pin.json';
const ownFiles = [manifestFile, signatureFile, pinFile];

/** Whether a path below a backup belongs to its manifest without being a part: it is copied with it. */
export function isBeside(path: string): boolean {
  // a pin and proofs belong to this vault only
  return ownFiles.includes(path) && path !== manifestFile && path !== pinFile;
}

/** A key below a source's backup, split up; undefined if it is none. Segments are compared whole. */
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
