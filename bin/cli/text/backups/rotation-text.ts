import type { Swept } from '../../../../core/store/rotation/sweep.ts';
import type { Removal } from '../../../../core/store/rotation/remove.ts';
import type { Rotation } from '../../../../core/commands/rotate.ts';
import { reasonText } from '../../../../core/domain/retention/retention.ts';
import type { PlannedBackup } from '../../../../core/domain/retention/rotation.ts';
import { sweptDocument } from '../../../../core/domain/retention/swept.ts';
import { formatBytes, formatCount, plural } from '../../../../core/domain/units.ts';
import { failureDocument } from '../failure.ts';
import { aligned } from '../text.ts';

/** What a rotation did, or in a dry run would do: every backup with every reason, within 80 columns. */
export function rotationLines(rotation: Rotation, { dryRun }: { dryRun: boolean }): string[] {
  const { plan, removals, retagged, locked = 0 } = rotation;
  const { source, backups, refusal } = plan;
  if (backups.length === 0) return [`${source}: no backup yet`, ...sweepLines(rotation, dryRun)];
  const removed = removals.filter(({ state }) => state === 'gone' || state === 'hidden');
  const head = dryRun
    ? `${source}: ${plural(backups.length, 'backup')}, ${removals.length} to remove, ` +
      `${spaceOf(rotation, 'would be free')}`
    : `${source}: ${formatCount(removed.length)} of ${plural(backups.length, 'backup')} removed, ` +
      `${spaceOf(rotation, 'freed')}`;
  return [
    head,
    ...tableOf(dryRun ? backups : backups.filter(({ action }) => action === 'remove'), removals, dryRun),
    ...removals.flatMap((removal) => removalNotes(removal)),
    ...sweepLines(rotation, dryRun),
    ...(retagged > 0 ? [`  ${plural(retagged, 'backup')} tagged anew: they count for other tiers now`] : []),
    ...(locked > 0 ? [`  ${plural(locked, 'backup')} locked for longer, for what they count for now`] : []),
    ...(dryRun && refusal !== undefined ? [`  this would be refused: ${refusal.message}`] : []),
  ];
}

/** The same for programs. */
export function rotationDocument({
  plan,
  removals,
  swept,
  retagged,
  locked,
  freed,
  hidden,
  failures,
}: Rotation): object {
  const states = new Map(removals.map(({ id, state, lock }) => [id, { state, ...(lock && { lock }) }]));
  return {
    source: plan.source,
    backups: plan.backups.map(({ found: { id, pinned }, action, reasons, tiers, bytes }) => ({
      id,
      action,
      reasons: reasons.map((reason) => ({ ...reason, text: reasonText(reason) })),
      tiers,
      bytes,
      pinned,
      ...states.get(id),
    })),
    freed,
    hidden,
    retagged,
    ...(locked !== undefined && { locked }),
    swept: sweptDocument(swept),
    ...(plan.refusal !== undefined && { refusal: failureDocument(plan.refusal) }),
    failures: failures.map(failureDocument),
  };
}

function tableOf(backups: readonly PlannedBackup[], removals: readonly Removal[], dryRun: boolean): string[] {
  const states = new Map(removals.map(({ id, state }) => [id, state]));
  const rows = backups.flatMap(({ found, action, reasons, bytes }) => {
    const verdict =
      action === 'keep'
        ? 'keep'
        : dryRun
          ? 'remove'
          : { gone: 'removed', hidden: 'hidden', pinned: 'pinned', failed: 'FAILED' }[states.get(found.id) ?? 'failed'];
    const [first, ...more] = reasons.length === 0 ? ['nothing keeps it'] : reasons.map(reasonText);
    return [[verdict, found.id, formatBytes(bytes), first!], ...more.map((reason) => ['', '', '', reason])];
  });
  return rows.length === 0 ? [] : aligned(rows, [2]).map((line) => `  ${line}`);
}

/** What a person should know of a removal. */
export function removalNotes({ id, state, foreign, lock }: Removal): string[] {
  const until = lock?.hold
    ? 'under a legal hold'
    : lock?.until === undefined
      ? undefined
      : `locked until ${lock.until.toISOString()}`;
  return [
    ...(state === 'hidden' || until !== undefined
      ? [`  ${id}: its older versions stay${until === undefined ? ' until the bucket removes them' : `, ${until}`}`]
      : []),
    ...(state === 'pinned' ? [`  ${id}: pinned a moment ago, so it stays`] : []),
    ...(foreign > 0 ? [`  ${id}: ${plural(foreign, 'object')} there not Nightjar’s, left alone`] : []),
  ];
}

function sweepLines({ swept }: Rotation, dryRun: boolean): string[] {
  if (swept.state === 'none') return [];
  return [...leftoverLines(swept, dryRun), ...packLines(swept, dryRun)];
}

function packLines({ state, packs }: Swept, dryRun: boolean): string[] {
  if (packs === undefined) return [];
  const what = `${plural(packs.keys.length, 'pack')} that no backup needs any more`;
  if (state === 'spared') return [`  ${what} left alone: a run is at work`];
  return [`  ${what} ${dryRun ? 'to be removed' : 'removed'}, ${formatBytes(packs.bytes)}`];
}

function leftoverLines({ state, objects, uploads, bytes }: Swept, dryRun: boolean): string[] {
  if (objects === 0 && uploads === 0) return [];
  const what = [
    ...(objects > 0 ? [plural(objects, 'object')] : []),
    ...(uploads > 0 ? [plural(uploads, 'unfinished upload')] : []),
  ].join(' and ');
  if (state === 'spared') return [`  ${what} of dead runs left alone: a run is at work`];
  return [`  ${what} of dead runs ${dryRun ? 'to be swept' : 'swept'}, ${formatBytes(bytes)}`];
}

function spaceOf({ freed, hidden }: Rotation, word: string): string {
  return `${formatBytes(freed)} ${word}${hidden > 0 ? `, ${formatBytes(hidden)} still held by older versions` : ''}`;
}
