import type { Message } from '../../../contract/events/message.ts';
import { formatCount } from '../../units.ts';
import type { Moment } from '../../watch/expectation.ts';
import { about, fact, moment, span, word } from '../text.ts';
import type { ToldAt } from '../text.ts';
import { ageOf, facts, lookInto, makingUp, more, newestFew } from './standing.ts';
import type { SourceStanding } from './standing.ts';

/** The newest complete backup is older than the limit. */
export function stale(standing: SourceStanding, telling: ToldAt): Message {
  const age = standing.newest === undefined ? 'missing' : `${ageOf(standing.newest, telling.at)} old`;
  return about(
    'stale',
    standing,
    telling,
    `the newest backup is ${age}, over the limit of ${span(standing.limitMs)}`,
    facts(standing, telling.at),
    [...lookInto(standing.source), ...makingUp(standing)],
  );
}

/** Scheduled moments without a backup. `madeSince`: a later one that has its backup. */
export function missed(
  standing: SourceStanding,
  moments: readonly Moment[],
  telling: ToldAt,
  madeSince?: Date,
): Message {
  const shown = newestFew(moments).map((one) => fact('Missing', momentText(one, standing.timeZone)));
  return about(
    'missed',
    standing,
    telling,
    `${missedText(moments, standing.timeZone)}${madeSince === undefined ? '' : `; the one of ${moment(madeSince, standing.timeZone)} was made`}`,
    [...shown, ...more(moments.length), fact('Over', overWithNext), ...facts(standing, telling.at)],
    [...lookInto(standing.source), ...makingUp(standing)],
  );
}

/** A backup by hand does not show that the schedule works. */
const overWithNext = 'when the next moment has its backup; one made by hand now covers you until then';

/** Which backups are missing, in one line. */
function missedText(moments: readonly Moment[], timeZone: string | undefined): string {
  const last = moments.at(-1);
  if (last === undefined) return 'no backup is missing';
  if (moments.length === 1) return `the backup of ${momentText(last, timeZone)}`;
  return `${formatCount(moments.length)} backups of its schedule are missing; the last one, of ${moment(last.at, timeZone)}, ${whyText(last, timeZone)}`;
}

/** A moment, and why it has no backup. */
export function momentText(one: Moment, timeZone?: string): string {
  return `${moment(one.at, timeZone)} ${whyText(one, timeZone)}`;
}

function whyText({ outcome, code, began }: Moment, timeZone: string | undefined): string {
  if (outcome === 'failed') return `failed with ${code}`;
  if (outcome === 'killed') return 'began and was killed';
  if (began === undefined) return 'was missed: nothing has begun';
  return `was missed: nothing began in time, and the run of ${moment(began, timeZone)} counts as made by hand`;
}

/** A lease keeps everybody from working on a source, and will not expire. */
export function leaseStuck(standing: SourceStanding, why: string, telling: ToldAt): Message {
  return about(
    'lease-stuck',
    standing,
    telling,
    'no run can begin: its lease keeps everybody out',
    [fact('Lease', why), ...facts(standing, telling.at)],
    [`nightjar unlock ${word(standing.source)}`],
  );
}

/** There has never been a backup. */
export function never(standing: SourceStanding, telling: ToldAt): Message {
  return about(
    'never',
    standing,
    telling,
    'there has never been a backup',
    facts(standing, telling.at),
    makingUp(standing),
  );
}

/** No backup has been proven for too long. */
export function overdueDrill(standing: SourceStanding, drillEveryMs: number, telling: ToldAt): Message {
  const subject =
    standing.proven === undefined
      ? 'no backup has ever been proven'
      : `the newest proven backup is ${ageOf(standing.proven, telling.at)} old, over the limit of ` +
        `${span(drillEveryMs)}`;
  return about('overdue-drill', standing, telling, subject, facts(standing, telling.at), [
    `nightjar drill ${word(standing.source)}`,
  ]);
}
