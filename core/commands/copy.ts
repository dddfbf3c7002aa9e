import type { Retention } from '../contract/config/settings/settings.ts';
import type { ManifestPart } from '../contract/manifest/manifest.ts';
import type { Ledger } from '../contract/memory/ledger.ts';
import { isBackupError } from '../domain/errors.ts';
import type { FailureCode } from '../domain/errors.ts';
import type { BackupId, SourceName } from '../domain/keys.ts';
import { copiesDue } from '../domain/retention/copies.ts';
import { shapeOf } from '../domain/verdict/copy-shape.ts';
import type { BackupFound, SourceHistory } from '../domain/verdict/history.ts';
import { verdictOn } from '../domain/verdict/verdict.ts';
import type { SourceRules } from '../domain/verdict/verdict.ts';
import type { Clock, Identity, Report } from '../ports.ts';
import type { Received } from '../store/copying/receive.ts';
import type { Store } from '../store/store.ts';
import { survey } from '../survey/survey.ts';

/** Two vaults, and who works on them. */
export type CopyDeps = { from: Store; to: Store; clock: Clock; identity: Identity; report: Report };

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
 * stored, and again what has lost parts there. One that fails keeps the others from nothing, unless they would fail as
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
      const due = await missingIn(await to.listSource(source, held), rules, deps, held);
      return bringAll(source, due, { ...deps, confirm }, held);
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
      .map(({ id }) => id),
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

async function bringAll(
  source: SourceName,
  due: readonly BackupId[],
  deps: Bringing,
  signal: AbortSignal,
): Promise<CopiedSource> {
  const done: CopiedSource = { place: deps.to.place, copied: [], removed: [], failures: [] };
  for (const id of due) {
    try {
      done.copied.push(await bring(source, id, deps, signal));
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
