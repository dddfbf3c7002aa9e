import type { Fact, Message, MessageKind } from '../../contract/events/message.ts';
import type { SourceName } from '../keys.ts';
import { formatDuration } from '../units.ts';

/** When something is told. `since`: when it was first told; makes it a reminder. */
export type ToldAt = { at: Date; since?: Date | undefined };

const hourMs = 3_600_000;

/** One message, from its pieces; for other kinds than those above. */
export function about(
  kind: MessageKind,
  { source, timeZone }: { source?: SourceName | undefined; timeZone?: string | undefined },
  { at, since }: ToldAt,
  subject: string,
  known: Fact[],
  next: string[],
): Message {
  const first =
    since === undefined
      ? []
      : [fact('Told first', `${moment(since, timeZone)}, ${span(at.getTime() - since.getTime())} ago`)];
  const severity = since === undefined ? 'problem' : 'reminder';
  return {
    version: 1,
    kind,
    severity,
    ...(source !== undefined && { source }),
    subject,
    facts: [...known, ...first],
    next,
    runbook: kind,
    at: at.toISOString(),
    ...(timeZone !== undefined && { timeZone }),
  };
}

/** A line of a message; its value can't break the line. */
export function fact(label: string, value: string): Fact {
  return { label, value: value.replace(/\s*[\p{Cc}\u2028\u2029]+\s*/gu, ' ').trim() || '–' };
}

/**
 * A moment as people read it: `2026-11-20 02:00 UTC`; in another time zone, its own clock first: `2026-11-20 03:00
 * Europe/Berlin, 02:00 UTC`.
 */
export function moment(date: Date, timeZone = 'UTC'): string {
  const utc = date.toISOString().slice(0, 16).replace('T', ' ');
  const local = localTime(date, timeZone);
  if (local === utc) return `${utc} UTC`;
  return `${local} ${timeZone}, ${local.slice(0, 10) === utc.slice(0, 10) ? utc.slice(11) : utc} UTC`;
}

/** Sweden writes dates as ISO 8601 does. */
function localTime(date: Date, timeZone: string): string {
  return new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' }).format(date);
}

/** What to do about a backup that has to be signed and is not. */
export const unsignedHint =
  'who wrote it? It counts for nothing; if it is older than your signatures, say since when: signing.since ' +
  '(docs/signing.md)';

/** A word of a shell command, quoted if necessary. */
export function word(text: string): string {
  return /^[\w.@%+=:,/-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The option that makes a command work in a further vault of this name. */
export function vaultOption(name: string | undefined): string {
  return name === undefined ? '' : ` --vault ${word(name)}`;
}

/** A duration; up to two days in hours, as limits are written: `25 h`, `26 h 3 min`, `3 d 4 h`. */
export function span(ms: number): string {
  if (ms < hourMs || ms >= 48 * hourMs) return formatDuration(ms);
  const minutes = Math.round(ms / 60_000);
  return `${Math.floor(minutes / 60)} h${minutes % 60 === 0 ? '' : ` ${minutes % 60} min`}`;
}
