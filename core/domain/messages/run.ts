import type { Message, MessageKind } from '../../contract/events/message.ts';
import type { Alert } from '../../contract/memory/outbox.ts';
import { verbs } from '../../contract/events/run-ended.ts';
import type { RunEnded } from '../../contract/events/run-ended.ts';
import type { BackupError } from '../errors.ts';
import { startOf } from '../keys.ts';
import type { BackupId, SourceName } from '../keys.ts';
import { about, fact, moment, span, word } from './text.ts';
import type { ToldAt } from './text.ts';
import { formatCount } from '../units.ts';

/** The verbs whose end is reported. */
export type Verb = RunEnded['verb'];

const kinds: Record<Verb, MessageKind> = {
  backup: 'backup-failed',
  restore: 'restore-failed',
  verify: 'verify-failed',
  rotation: 'rotation-failed',
  drill: 'drill-failed',
  copy: 'copy-failed',
  check: 'check-failed',
  discovery: 'discovery-failed',
};

/** The kinds of messages about runs. */
export const runKinds: readonly MessageKind[] = [...Object.values(kinds), 'hook-failed'];

/** The kind of message about a failed run of this verb. */
export function kindOfFailure(verb: Verb): MessageKind {
  return kinds[verb];
}

/** A failed run. `left`: the source's complete backups, if they could be listed. */
export type FailedRun = {
  verb: Verb;
  source?: SourceName | undefined;
  timeZone?: string | undefined;
  run: string;
  place: string;
  ms: number;
  left?: { newest?: BackupId | undefined; count: number } | undefined;
};

/** A run has failed. */
export function runFailed(
  { verb, source, timeZone, run, place, ms, left }: FailedRun,
  { code, message, hint }: BackupError,
  telling: ToldAt,
): Message {
  const { at } = telling;
  const known = [
    fact('Error', `${message} (${code})`),
    ...(hint === undefined ? [] : [fact('Hint', hint)]),
    fact('Vault', place),
    ...(left === undefined ? [] : standing(left, at, timeZone)),
    fact('Run', `${run}, failed after ${span(ms)}`),
  ];
  return about(
    kinds[verb],
    { source, timeZone },
    telling,
    code === 'restore-incomplete' ? 'restored, with failures: not proven' : `the ${verb} failed: ${code}`,
    known,
    code === 'lease-stuck' && source !== undefined
      ? [`nightjar unlock ${word(source)}`, ...commands(verb, source).slice(1)]
      : commands(verb, source),
  );
}

/**
 * Runs of this kind no longer fail: the next run of the source succeeded. `failed`: all the failures that were told, by
 * cause.
 */
export function runEnded(
  { kind, source }: Pick<Alert, 'kind' | 'source'>,
  failed: readonly Alert[],
  at: Date,
): Message {
  const verb = verbs.find((one) => kinds[one] === kind);
  const since = Math.min(...failed.map((one) => Date.parse(one.since)));
  const causes = failed.flatMap(({ cause }) => cause ?? []);
  const was = fact(
    'Was',
    `${kind}${causes.length === 0 ? '' : ` (${causes.join(', ')})`}, for ${span(Math.max(0, at.getTime() - since))}`,
  );
  const subject = verb === undefined ? 'hooks are called again' : `the ${verb} succeeded again`;
  return {
    ...about('recovered', { source: source as SourceName | undefined }, { at }, subject, [was], []),
    severity: 'recovered',
  };
}

/** Some notifiers could not be reached. Tells the others: `missed` is what they did not get. */
export function notifierFailed(
  failed: readonly { name: string; why: string }[],
  missed: readonly Pick<Message, 'source' | 'subject'>[],
  telling: ToldAt,
): Message {
  const subject =
    failed.length === 1
      ? 'a notifier failed: somebody was not told'
      : `${failed.length} notifiers failed: somebody was not told`;
  const [first, ...more] = missed.map((one) => `${one.source === undefined ? '' : `${one.source}: `}${one.subject}`);
  const known = [
    ...failed.map(({ name, why }) => fact(name, withoutName(name, why))),
    ...(first === undefined
      ? []
      : [fact('Not told', `${first}${more.length === 0 ? '' : `, and ${formatCount(more.length)} more`}`)]),
  ];
  return about('notifier-failed', {}, telling, subject, known, ['nightjar notify']);
}

/** An error's text without the name that it begins with, if that is already shown. */
export function withoutName(name: string, text: string): string {
  return text.startsWith(`${name} `) ? text.slice(name.length + 1) : text;
}

/** Hooks failed after a run: whoever relies on them was not called. */
export function hookFailed(
  { verb, source, status }: Pick<RunEnded, 'verb' | 'status'> & { source?: SourceName | undefined },
  failed: readonly { name: string; why: string }[],
  telling: ToldAt,
): Message {
  return about(
    'hook-failed',
    { source },
    telling,
    `the ${verb} ${status}, and then a hook failed`,
    failed.map(({ name, why }) => fact(name, why)),
    [],
  );
}

/** Sent on request, to see whether messages arrive. */
export function testMessage(place: string, at: Date): Message {
  return {
    ...about('test', {}, { at }, 'a test: alerts of Nightjar arrive here', [fact('Vault', place)], []),
    severity: 'info',
  };
}

function standing({ newest, count }: NonNullable<FailedRun['left']>, at: Date, timeZone: string | undefined) {
  const age =
    newest === undefined
      ? 'none'
      : `${newest} (${moment(startOf(newest), timeZone)}, ` +
        `${span(Math.max(0, at.getTime() - startOf(newest).getTime()))} old)`;
  return [fact('Newest good', age), fact('Backups in the vault', formatCount(count))];
}

function commands(verb: Verb, source: SourceName | undefined): string[] {
  if (source === undefined) return ['nightjar check'];
  const again: Record<Verb, string> = {
    backup: 'backup',
    restore: 'list',
    verify: 'verify',
    rotation: 'rotate --dry-run',
    drill: 'drill',
    copy: 'copy',
    check: 'check',
    discovery: 'check',
  };
  return [...new Set([`nightjar check ${word(source)}`, `nightjar ${again[verb]} ${word(source)}`])];
}
