import type { Message, MessageKind } from '../../../contract/events/message.ts';
import { about, fact, span } from '../text.ts';
import { ageOf, facts, lasted } from './standing.ts';
import type { Past, SourceStanding } from './standing.ts';

/** A finding is over. `was`: what was told, `since` when. */
export function recovered(standing: SourceStanding, { was, since, vault }: Past, at: Date): Message {
  const told = fact('Was', `${was}, for ${lasted(since, at)}`);
  return {
    ...about('recovered', standing, { at }, endOf(was, standing, at, vault), [told, ...facts(standing, at)], []),
    severity: 'recovered',
  };
}

/** Why it is over: a new backup, or a configuration that asks for less. */
function endOf(
  was: MessageKind,
  { newest, proven, drillEveryMs, shrink }: SourceStanding,
  at: Date,
  vault: string | undefined,
): string {
  const age = newest === undefined ? 'there is no backup' : `the newest backup is ${ageOf(newest, at)} old`;
  switch (was) {
    case 'stale':
      return `fresh again: ${age}`;
    case 'missed':
      return `nothing of its schedule is missing any more: ${age}`;
    case 'lease-stuck':
      return `its lease is free again: ${age}`;
    case 'never':
      return `there is a backup: the newest is ${newest === undefined ? 'unknown' : `${ageOf(newest, at)} old`}`;
    case 'unknown':
      return `the vault can be read again: ${age}`;
    case 'copy-behind':
      return vault === undefined
        ? `not copied any more to where it was behind: ${age}`
        : `the copies in ${vault} are fresh again: ${age}`;
    case 'overdue-drill':
      if (drillEveryMs === undefined) return 'no proof is asked for any more (drillEvery)';
      return proven === undefined
        ? 'no proof is due'
        : `the newest proven backup is ${ageOf(proven, at)} old, within the limit of ${span(drillEveryMs)}`;
    case 'shrunk':
      if (shrink?.rows === 0 && shrink.bytes === 0)
        return 'nobody is told any more how much its backups hold: shrink is 0 in the configuration';
      return shrink?.since === undefined
        ? `as large as usual again, or accepted: ${age}`
        : `compared from ${shrink.since} on, as the configuration says: ${age}`;
    case 'damaged':
      return `no damaged backup is left: ${age}`;
    case 'gone':
      return `what is gone was accepted, or is back: ${age}`;
    case 'other-database':
      return `of the database that was expected again, or it was accepted: ${age}`;
    default:
      return `no longer ${was}: ${age}`;
  }
}

/** A finding about no single source is over: the vault answers again, the configuration names sources again. */
export function over(subject: string, { was, since }: Past, at: Date): Message {
  return {
    ...about('recovered', {}, { at }, subject, [fact('Was', `${was}, for ${lasted(since, at)}`)], []),
    severity: 'recovered',
  };
}
