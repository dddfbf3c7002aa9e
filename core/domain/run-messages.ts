import type { Message, MessageKind } from '../contract/message.ts';
import type { RunEnded } from '../contract/event-run.ts';
import type { BackupError } from './errors.ts';
import { startOf } from './keys.ts';
import type { BackupId, SourceName } from './keys.ts';
import { about, fact, moment, span, word } from './message-text.ts';
import { formatCount } from './units.ts';

/** What can end, well or badly. */
export type Verb = RunEnded['verb'];

const kinds: Record<Verb, MessageKind> = {
  backup: 'backup-failed',
  restore: 'restore-failed',
  verify: 'verify-failed',
  rotation: 'rotation-failed',
  drill: 'drill-failed',
  check: 'check-failed',
};

/** What a run that failed has been. `left`: the source's complete backups, where they could be listed. */
export type FailedRun = { verb: Verb; source?: SourceName | undefined; run: string; place: string; ms: number; left?: { newest?: BackupId | undefined; count: number } | undefined };

/** A run has failed. */
export function runFailed({ verb, source, run, place, ms, left }: FailedRun, { code, message, hint }: BackupError, at: Date): Message {
  const known = [
    fact('Error', `${message} (${code})`),
    ...(hint === undefined ? [] : [fact('Hint', hint)]),
    fact('Vault', place),
    ...(left === undefined ? [] : standing(left, at)),
    fact('Run', `${run}, failed after ${span(ms)}`),
  ];
  return about(kinds[verb], { source }, { at }, code === 'restore-incomplete' ? 'restored, with failures: not proven' : `the ${verb} failed: ${code}`, known, commands(verb, source));
}

/** Some of the notifiers could not be told. For the others: somebody there misses what `missed` says. */
export function notifierFailed(failed: readonly { name: string; why: string }[], missed: Message, at: Date): Message {
  const subject = failed.length === 1 ? 'a notifier failed: somebody was not told' : `${failed.length} notifiers failed: somebody was not told`;
  const known = [...failed.map(({ name, why }) => fact(name, why)), fact('Not told', `${missed.source === undefined ? '' : `${missed.source}: `}${missed.subject}`)];
  return about('notifier-failed', {}, { at }, subject, known, ['nightjar notify']);
}

/** Hooks failed after a run: whoever counts on them was not called. */
export function hookFailed({ verb, source, status }: Pick<RunEnded, 'verb' | 'status'> & { source?: SourceName | undefined }, failed: readonly { name: string; why: string }[], at: Date): Message {
  return about('hook-failed', { source }, { at }, `the ${verb} ${status}, and then a hook failed`, failed.map(({ name, why }) => fact(name, why)), []);
}

/** Sent on request, to see whether messages arrive. */
export function testMessage(place: string, at: Date): Message {
  return { ...about('test', {}, { at }, 'a test: alerts of Nightjar arrive here', [fact('Vault', place)], []), severity: 'info' };
}

function standing({ newest, count }: NonNullable<FailedRun['left']>, at: Date) {
  const age = newest === undefined ? 'none' : `${newest} (${moment(startOf(newest))}, ${span(Math.max(0, at.getTime() - startOf(newest).getTime()))} old)`;
  return [fact('Newest good', age), fact('Backups in the vault', formatCount(count))];
}

function commands(verb: Verb, source: SourceName | undefined): string[] {
  if (source === undefined) return ['nightjar check'];
  const again: Record<Verb, string> = { backup: 'backup', restore: 'list', verify: 'verify', rotation: 'rotate --dry-run', drill: 'verify', check: 'check' };
  return [...new Set([`nightjar check ${word(source)}`, `nightjar ${again[verb]} ${word(source)}`])];
}
