import { databaseWords } from '../../../../core/domain/content-words.ts';
import type { RestorePlan } from '../../../../core/commands/restore/plan.ts';
import type { Manifest } from '../../../../core/contract/manifest/manifest.ts';
import { startOf } from '../../../../core/domain/keys.ts';
import type { BackupId } from '../../../../core/domain/keys.ts';
import { moment } from '../../../../core/domain/messages/text.ts';
import { formatBytes, plural } from '../../../../core/domain/units.ts';
import type { RestoreFinding } from '../../../../core/ports.ts';
import { sizesOf } from '../../../../core/domain/parts/sizes.ts';
import { shortSpan } from '../text.ts';

const labels: Readonly<Record<RestoreFinding['weight'], string>> = {
  fails: 'fails  ',
  'may-fail': 'may fail',
  note: 'note   ',
};

/** What a restore will do, for people: the backup, the target, the steps, and what is in the way. */
export function planLines({ manifest, target, engine, options, steps, findings }: RestorePlan, now: Date): string[] {
  const { tables, rows, bytes } = sizesOf(manifest);
  const { whole, table, row } = engine.words ?? databaseWords;
  const age = shortSpan(now.getTime() - startOf(manifest.id as BackupId).getTime());
  const lost = target.keptAs === undefined ? 'ALL OF IT WILL BE DROPPED' : 'ALL OF IT WILL BE REPLACED, and kept aside';
  const fate = target.untouched ?? lost;
  const state = {
    absent: `a new ${whole}`,
    empty: 'there, and empty',
    occupied: `holds ${target.holds}${options.replace ? `: ${fate}` : ''}`,
  }[target.state];
  return [
    `backup  ${manifest.source} ${manifest.id}, ${localTime(manifest)}${age} old: ` +
      `${plural(tables, table)}, ${plural(rows, row)}, ${formatBytes(bytes)}`,
    `into    ${engine.place} (${state})`,
    ...steps.map((step) => `then    ${step}`),
    ...target.notes.map((note) => `note    ${note}`),
    ...findings.map(findingLine),
  ];
}

/** When it was made, by the clock of its source; empty for UTC, which the id already shows. */
function localTime({ start, timeZone }: Manifest): string {
  return timeZone === 'UTC' ? '' : `made ${moment(new Date(start), timeZone).replace(/, [^,]* UTC$/, '')}, `;
}

/** The same for programs. */
export function planDocument({ manifest, target, engine, options, steps, findings }: RestorePlan): object {
  const { tables, rows, bytes, storedBytes } = sizesOf(manifest);
  return {
    source: manifest.source,
    id: manifest.id,
    place: engine.place,
    database: target.database,
    state: target.state,
    holds: target.holds,
    replace: options.replace,
    backup: { tables, rows, bytes, storedBytes },
    steps,
    notes: target.notes,
    findings: findings.map(({ weight, what, remedy }) => ({ weight, what, ...(remedy !== undefined && { remedy }) })),
  };
}

function findingLine({ weight, what, remedy }: RestoreFinding): string {
  return `${labels[weight]} ${what}${remedy === undefined ? '' : `: ${remedy}`}`;
}
