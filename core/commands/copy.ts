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
 * Two vaults, and who works on them. `mend`: damage is recorded where it is found, and a copy that was found damaged is
 * made good, which takes rights that a function which only adds has not.
 */
export type CopyDeps = { from: Store; to: Store; clock: Clock; identity: Identity; report: Report; mend?: boolean };

/** Which parts of a backup alone are brought, and no manifest: what is there then is no backup. */
type OnlyParts = ((part: ManifestPart) => boolean) | undefined;

/** By what the backups of a source are judged, and what of them a further vault keeps. */
export type CopyRules = { memory: SourceRules; retention: Retention };

/** A backup that is in another vault now, too. */
export type CopiedBackup = { source: SourceName; id: BackupId; place: string } & Received;

/** What a run has brought into one further vault. `removed`: gone from the first one meanwhile, by its rotation. */
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
 * Has one backup in another vault, too, under the lease that its source has there, so that no rotation sweeps what is
 * half brought. That a part proved damaged is written down where it was read. Throws as `receiveBackup` and
 * `readManifest` do, and `lease-held`.
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
 * Brings a further vault every good backup of a source that it should have and has not: newest first, each as it is
 * stored, and again what has lost parts there. With `mend`, one whose last look failed is read, what is damaged of it is
 * brought anew, and it is read once more. One that fails keeps the others from nothing, unless they would fail as
 * it did. Throws the vaults' errors while it looks, and `lease-held`.
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
 * Which good backups a further vault lacks: those that its retention asks for, and every adopted one. What looks alike in
 * both listings is there, and no part is read; manifests are read of the first vault alone, and of what its ledger does
 * not know: no listing tells what was adopted.
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

/** How a backup has to look by its manifest: beside its parts may lie what that does not name. */
function shapeNamed(found: BackupFound, { backups }: Ledger): string {
  return shapeOf(found, backups.find(({ id }) => id === found.id)?.facts?.parts);
}

/** Without those that no retention decides about. */
function shelfOf({ backups }: SourceHistory, adopted: readonly BackupId[], isWhole: (id: BackupId) => boolean) {
  const ids = backups.map(({ id }) => id).filter((id) => !adopted.includes(id));
  return { ids, whole: ids.filter(isWhole) };
}

type Bringing = CopyDeps & { confirm(): Promise<void>; only?: OnlyParts };

/** Whether whoever looked at it last has found something wrong. */
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
  report({ type: 'planned', source, id, what: `into ${to.place}`, totalBytes, parts: parts.length });
  const received = await to.receiveBackup(stored, { report, confirm, only }, signal);
  return { source, id, place: to.place, ...received };
}

/**
 * Makes a copy good that was found damaged: reads it, takes away what is not as its manifest has it, once the first vault
 * has been read for that, brings it, and has the whole of it read, which leaves the record that it is whole again.
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

/** Whether a backup is none any more, so that what is missing of it is no fault. */
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
