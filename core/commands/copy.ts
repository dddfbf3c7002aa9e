import type { Retention } from '../contract/config/settings/settings.ts';
import type { ManifestPart } from '../contract/manifest/manifest.ts';
import type { Ledger } from '../contract/memory/ledger.ts';
import { BackupError, isBackupError } from '../domain/errors.ts';
import type { FailureCode } from '../domain/errors.ts';
import type { BackupId, SourceName } from '../domain/keys.ts';
import { copiesDue } from '../domain/retention/copies.ts';
import { shapeOf } from '../domain/verdict/copy-shape.ts';
import { lastProof } from '../domain/verdict/history.ts';
import type { BackupFound, SourceHistory } from '../domain/verdict/history.ts';
import { verdictOn } from '../domain/verdict/verdict.ts';
import type { SourceRules } from '../domain/verdict/verdict.ts';
import type { Clock, Identity, Report } from '../ports.ts';
import type { Received } from '../store/copying/receive.ts';
import type { Store } from '../store/store.ts';
import { verify, verifyRecorded } from './proof/verify.ts';
import { survey } from '../survey/survey.ts';

/**
 * Two vaults, and who works on them. `mend`: records damage where it is found and repairs damaged copies. This takes
 * rights that a function which only adds doesn't have.
 */
export type CopyDeps = { from: Store; to: Store; clock: Clock; identity: Identity; report: Report; mend?: boolean };

/** Copies only these parts of a backup and no manifest: the result is not a backup yet. */
type OnlyParts = ((part: ManifestPart) => boolean) | undefined;

/** How the backups of a source are judged, and which of them a further vault keeps. */
export type CopyRules = { memory: SourceRules; retention: Retention };

/** A backup that now is in another vault, too. */
export type CopiedBackup = { source: SourceName; id: BackupId; place: string } & Received;

/** What a run copied into one further vault. `removed`: rotated out of the first vault meanwhile. */
export type CopiedSource = { place: string; copied: CopiedBackup[]; removed: BackupId[]; failures: unknown[] };

/** After one of these, the next backup would fail in the same way. */
const hopeless: readonly FailureCode[] = [
  'vault-unreachable',
  'vault-denied',
  'vault-full',
  'lease-lost',
  'aborted',
  'deadline',
];

/**
 * Copies one backup to another vault, under the source's lease there, so that no rotation sweeps the half copied parts.
 * A part that proves damaged is recorded where it was read. Throws as `receiveBackup` and `readManifest` do, and
 * `lease-held`.
 */
export function copyBackup(
  source: SourceName,
  id: BackupId,
  deps: CopyDeps & { only?: OnlyParts },
  signal: AbortSignal,
): Promise<CopiedBackup> {
  const brought = () =>
    deps.to.withLease(source, deps, (held, confirm) => bring(source, id, { ...deps, confirm }, held), signal);
  return deps.from.withDamageRecord({ source, id }, deps, brought);
}

/**
 * Copies to a further vault every good backup of a source that it should have and lacks: newest first, exactly as
 * stored; also those that have lost parts there. With `mend`, reads a copy whose last proof failed, replaces what is
 * damaged, and reads it again. A backup that fails doesn't stop the others, unless they would fail in the same way.
 * Throws the vaults' errors while it looks, and `lease-held`.
 */
export function copyMissing(
  source: SourceName,
  rules: CopyRules,
  deps: CopyDeps,
  signal: AbortSignal,
): Promise<CopiedSource> {
  const { to } = deps;
  return to.withLease(
    source,
    deps,
    async (held, confirm) => {
      const copy = await to.listSource(source, held);
      const damaged = deps.mend === true ? copy.backups.filter(isDamaged).map(({ id }) => id) : [];
      const due = await missingIn(copy, damaged, rules, deps, held);
      return bringAll(source, due, { ...deps, confirm, damaged }, held);
    },
    signal,
  );
}

/**
 * The good backups that a further vault lacks: those that its retention asks for, and every adopted one. A backup that
 * looks the same in both listings is there, and its parts are not read. Reads manifests only in the first vault, and
 * only those its ledger does not know: a listing doesn't show what was adopted.
 */
async function missingIn(
  copy: SourceHistory,
  damaged: readonly BackupId[],
  { memory, retention }: CopyRules,
  { from, clock }: CopyDeps,
  signal: AbortSignal,
): Promise<BackupId[]> {
  const first = await from.listSource(copy.source, signal);
  const { verdict, ledger } = await survey(first, { memory, at: clock.now() }, from, signal);
  const shapes = new Map(copy.backups.map((found) => [found.id, shapeOf(found)]));
  const there = new Set(
    first.backups
      .filter((found) => [shapeOf(found), shapeNamed(found, ledger)].includes(shapes.get(found.id) ?? ''))
      .map(({ id }) => id)
      .filter((id) => !damaged.includes(id)),
  );
  const adopted = verdict.adopted.map(({ id }) => id);
  const isGood = (id: BackupId) => verdictOn(id, verdict)?.good === true;
  const offered = shelfOf(first, adopted, isGood);
  const kept = shelfOf(copy, adopted, (id) => there.has(id));
  return [
    ...copiesDue(offered, kept, retention, memory.timeZone),
    ...adopted.filter((id) => isGood(id) && !there.has(id)),
  ];
}

/** The shape of a backup by its manifest: objects that the manifest doesn't name may lie beside its parts. */
function shapeNamed(found: BackupFound, { backups }: Ledger): string {
  return shapeOf(found, backups.find(({ id }) => id === found.id)?.facts?.parts);
}

/** Without the adopted backups, which no retention decides about. */
function shelfOf({ backups }: SourceHistory, adopted: readonly BackupId[], isWhole: (id: BackupId) => boolean) {
  const ids = backups.map(({ id }) => id).filter((id) => !adopted.includes(id));
  return { ids, whole: ids.filter(isWhole) };
}

type Bringing = CopyDeps & { confirm(): Promise<void>; only?: OnlyParts };

/** Whether the last proof of this backup failed. */
function isDamaged(found: BackupFound): boolean {
  return lastProof(found)?.outcome === 'failed';
}

async function bringAll(
  source: SourceName,
  due: readonly BackupId[],
  deps: Bringing & { damaged: readonly BackupId[] },
  signal: AbortSignal,
): Promise<CopiedSource> {
  const done: CopiedSource = { place: deps.to.place, copied: [], removed: [], failures: [] };
  for (const id of due) {
    const work = () => (deps.damaged.includes(id) ? mend(source, id, deps, signal) : bring(source, id, deps, signal));
    try {
      const recorded = () => deps.from.withDamageRecord({ source, id }, deps, work);
      done.copied.push(await (deps.mend === true ? recorded() : work()));
    } catch (error) {
      if (await isRemoved(source, id, error, deps.from, signal)) done.removed.push(id);
      else done.failures.push(error);
      if (signal.aborted || isBackupError(error, ...hopeless)) break;
    }
  }
  return done;
}

async function bring(
  source: SourceName,
  id: BackupId,
  { from, to, report, confirm, only }: Bringing,
  signal: AbortSignal,
): Promise<CopiedBackup> {
  const stored = await from.storedBackup(source, id, signal);
  const parts = stored.manifest.parts.filter(only ?? (() => true));
  const totalBytes = parts.reduce((sum, part) => sum + part.storedBytes, 0);
  const { engine } = stored.manifest;
  report({ type: 'planned', source, engine, id, what: `into ${to.place}`, totalBytes, parts: parts.length });
  const received = await to.receiveBackup(stored, { report, confirm, only }, signal);
  return { source, id, place: to.place, ...received };
}

/**
 * Repairs a copy that was found damaged. Reads it, deletes the parts that differ from the manifest once they were read
 * in the first vault, copies them again, and verifies the whole copy, which records that it is whole again.
 */
async function mend(source: SourceName, id: BackupId, deps: Bringing, signal: AbortSignal): Promise<CopiedBackup> {
  const { from, to, report } = deps;
  const stored = await from.storedBackup(source, id, signal);
  const { manifest } = stored;
  const { problems } = await verify(manifest, { store: to, report: quiet }, signal);
  const bad = new Set(problems.flatMap(({ file, error }) => (error.code === 'part-corrupt' ? [file] : [])));
  const parts = manifest.parts.filter(({ file }) => bad.has(file));
  await to.discardDamaged(stored, parts, deps, signal);
  const brought = await bring(source, id, deps, signal);
  const again = await verifyRecorded(manifest, { ...deps, store: to, report: onlyWarnings(report) }, signal);
  for (const { error: cause } of again.problems)
    throw new BackupError('vault-failed', `brought anew, and damaged again: ${cause.message}`, { cause });
  return { ...brought, state: 'mended' };
}

const quiet: Report = () => undefined;

const onlyWarnings =
  (report: Report): Report =>
  (event) => {
    if (event.type === 'warning') report(event);
  };

/** Whether a backup no longer exists, so that its missing parts are no fault. */
async function isRemoved(
  source: SourceName,
  id: BackupId,
  error: unknown,
  from: Store,
  signal: AbortSignal,
): Promise<boolean> {
  if (isBackupError(error, 'backup-missing')) return true;
  if (!isBackupError(error, 'object-missing')) return false;
  return !(await from.backupIds(source, signal)).includes(id);
}
