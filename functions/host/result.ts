import type { Examined } from '../../core/commands/doctor/examine.ts';
import type { Drilled } from '../../core/commands/proof/drill.ts';
import { incompleteError } from '../../core/commands/restore/incomplete.ts';
import { inTermsOfEvents } from './failure.ts';
import { hindrance } from '../../core/commands/restore/plan.ts';
import type { RestorePlan } from '../../core/commands/restore/plan.ts';
import { notTheNewest } from '../../core/commands/restore/passed-over.ts';
import { proofSentence } from '../../core/commands/proof/prove.ts';
import type { Restored } from '../../core/commands/restore/restore.ts';
import type { Rotation } from '../../core/commands/rotate.ts';
import type { PassedOver } from '../../core/survey/choose.ts';
import { sweptDocument } from '../../core/domain/retention/swept.ts';
import { onceMore, unfinished } from '../../core/store/records/request.ts';
import type { CarriedOut } from '../../core/store/records/request.ts';
import { restoreResultSchema } from '../../core/contract/events/requests.ts';
import type { BackupResult, DrillResult, RestoreResult, RotateResult } from '../../core/contract/events/requests.ts';
import type { Manifest } from '../../core/contract/manifest/manifest.ts';

/** The answer of a backup. */
export function storedResult({ source, id, tables, parts, warnings }: Manifest, seconds: number): BackupResult {
  return {
    status: 'stored',
    source,
    id,
    tables: tables.length,
    rows: sum(tables.map(({ rows }) => rows)),
    bytes: sum(parts.map(({ bytes }) => bytes)),
    storedBytes: sum(parts.map(({ storedBytes }) => storedBytes)),
    parts: parts.length,
    seconds,
    warnings,
  };
}

/** The answer of an examination of what a backup needs. */
export function examinedResult(source: string, found: readonly Examined[], seconds: number): BackupResult {
  const results = found.map(({ about, what, outcome, said, remedy }) => ({
    about,
    what,
    outcome,
    said,
    ...(remedy !== undefined && { remedy }),
  }));
  return { status: 'examined', source, ok: found.every(({ outcome }) => outcome !== 'failed'), results, seconds };
}

/** An answer may have 6 MB, an event of the bus 256 KB (AWS Lambda and EventBridge quotas). */
const shownFailures = 100;

/** The answer of a restore. One whose proof failed never comes here, unless it skipped what could not be restored. */
export function restoredResult(
  restored: Restored,
  { source, place, passedOver }: { source: string; place: string; passedOver: readonly PassedOver[] },
  seconds: number,
): RestoreResult {
  const { id, database, proof, failures, notReplaced, notes } = restored;
  const notNewest = passedOver.length === 0 ? undefined : notTheNewest(passedOver);
  const about = { source, id, database, notes, seconds, ...(notNewest !== undefined && { notNewest }) };
  const error = incompleteError(restored, place);
  if (error === undefined)
    return { status: 'restored', ...about, proof: proof === undefined ? 'not asked for' : proofSentence(proof) };
  return {
    status: 'incomplete',
    ...about,
    proof: 'not proven',
    ...(notReplaced !== undefined && { notReplaced }),
    error: error.message,
    hint: error.hint ?? '',
    failed: failures.length,
    failures: failures.slice(0, shownFailures),
    differences: proof?.differences.slice(0, shownFailures) ?? [],
  };
}

/** The answer of a plan; nothing was done. */
export function plannedResult(plan: RestorePlan, warnings: readonly string[], seconds: number): RestoreResult {
  const { manifest, target, steps, findings } = plan;
  return {
    status: 'planned',
    source: manifest.source,
    id: manifest.id,
    database: target.database,
    state: target.state,
    holds: target.holds,
    steps,
    notes: [...warnings, ...target.notes],
    wouldFail: hindrance(plan) !== undefined,
    findings: findings.map(({ weight, what, remedy }) => ({
      weight,
      what,
      ...(remedy && { remedy: inTermsOfEvents(remedy) }),
    })),
    seconds,
  };
}

/** The answer of a drill that passed; one that failed never comes here. */
export function drilledResult(
  { id, proof, assertions, restoreMs, notes }: Drilled,
  { source, place, notes: more }: { source: string; place: string; notes: readonly string[] },
  seconds: number,
): DrillResult {
  return {
    status: 'drilled',
    source,
    id,
    place,
    proof: proofSentence(proof),
    assertions,
    notes: [...more, ...notes],
    restoreSeconds: Math.round(restoreMs / 100) / 10,
    seconds,
  };
}

/** The answer of a restore whose request was carried out before: the same as then, and that nothing was done. */
export function repeatedResult({ at, run, result }: CarriedOut, seconds: number): RestoreResult {
  const { success, data } = restoreResultSchema.safeParse(result);
  if (!success || data.status !== 'restored') throw unfinished({ at, run });
  const note = `this very request was carried out at ${at} by run ${run}: nothing was done now. ${onceMore}`;
  return { ...data, status: 'repeated', notes: [...data.notes, note], first: at, seconds };
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** The answer of a rotation. */
export function rotatedResult(
  { plan, removals, freed, hidden, retagged, swept }: Rotation,
  dryRun: boolean,
  seconds: number,
): RotateResult {
  return {
    status: dryRun ? 'dry-run' : 'rotated',
    source: plan.source,
    backups: plan.backups.length,
    kept: plan.backups.filter(({ action }) => action === 'keep').length,
    removed: removals.map(({ id, state, bytes, lock }) => ({
      id,
      state,
      bytes,
      ...(lock?.until && { lockedUntil: lock.until.toISOString() }),
    })),
    freed,
    hidden,
    retagged,
    swept: sweptDocument(swept),
    ...(plan.refusal && { refusal: plan.refusal.message }),
    seconds,
  };
}
