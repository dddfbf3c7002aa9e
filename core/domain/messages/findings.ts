import type { Other, Shrinking } from '../../contract/memory/ledger.ts';
import type { Fact, Message, MessageKind } from '../../contract/events/message.ts';
import type { Moment } from '../watch/expectation.ts';
import { startOf } from '../keys.ts';
import type { BackupId, SourceName } from '../keys.ts';
import { about, fact, moment, span, vaultOption, word } from './text.ts';
import type { ToldAt } from './text.ts';
import type { Notice } from '../tools/notices.ts';
import { formatBytes, formatCount, plural } from '../units.ts';

export type { Message, MessageKind, ToldAt };

/** How a source stands in its vault, as far as it is known. */
export type SourceStanding = {
  source: SourceName;
  /** The vault, as people write it. */
  place: string;
  /** Oldest that the newest complete backup may be, in milliseconds. */
  limitMs: number;
  /** The newest complete backup. */
  newest?: BackupId | undefined;
  /** The newest one that has not shrunk and is of the same database. */
  full?: BackupId | undefined;
  /** Until somebody accepts that the newest holds less, the one with the most rows, where that is another. */
  most?: BackupId | undefined;
  /** The newest one that passed a drill or a restore's proof; that its bytes could be read again does not prove it. */
  proven?: BackupId | undefined;
  /** Runs that have failed since the newest complete backup, and what the last one said. */
  failures: number;
  lastFailure?: string | undefined;
  /** When the run began that is making a backup now. */
  running?: Date | undefined;
  /** Complete backups in the vault. */
  count: number;
  /** The source's own: in which people read its moments. */
  timeZone?: string | undefined;
  /** The server that it is on. */
  on?: string | undefined;
  /** What is asked of it now. */
  drillEveryMs?: number | undefined;
  shrink?: { rows: number; bytes: number; since: string | undefined } | undefined;
};

/** What was told, when first, and of which further vault. */
export type Past = { was: MessageKind; since: Date; vault?: string | undefined };

const shownOfMany = 5;

/** The newest complete backup is older than the limit. */
export function stale(standing: SourceStanding, telling: ToldAt): Message {
  const age = standing.newest === undefined ? 'missing' : `${ageOf(standing.newest, telling.at)} old`;
  return about(
    'stale',
    standing,
    telling,
    `the newest backup is ${age}, over the limit of ${span(standing.limitMs)}`,
    facts(standing, telling.at),
    [...lookInto(standing.source), `nightjar backup ${word(standing.source)}`],
  );
}

/** Moments of the schedule have no backup. `madeSince`: a later one that has. */
export function missed(
  standing: SourceStanding,
  moments: readonly Moment[],
  telling: ToldAt,
  madeSince?: Date,
): Message {
  const shown = moments
    .slice(-shownOfMany)
    .toReversed()
    .map((one) => fact('Missing', momentText(one, standing.timeZone)));
  return about(
    'missed',
    standing,
    telling,
    `${missedText(moments, standing.timeZone)}${madeSince === undefined ? '' : `; the one of ${moment(madeSince, standing.timeZone)} was made`}`,
    [...shown, ...more(moments.length), fact('Over', overWithNext), ...facts(standing, telling.at)],
    [...lookInto(standing.source), `nightjar backup ${word(standing.source)}`],
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

/** Nobody can work on a source, and that does not end by itself. */
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
  return about('never', standing, telling, 'there has never been a backup', facts(standing, telling.at), [
    `nightjar backup ${word(standing.source)}`,
  ]);
}

/** The vault can't be read, so nobody knows how the source stands; without a source, none of them is known. */
export function unknown(
  {
    source,
    timeZone,
    place,
    why,
    hint,
    copies = [],
  }: {
    source?: SourceName | undefined;
    timeZone?: string | undefined;
    place: string;
    why: string;
    hint?: string | undefined;
    /** Further vaults that hold copies. */
    copies?: readonly string[];
  },
  telling: ToldAt,
): Message {
  const subject =
    source === undefined
      ? "the vault can't be read: nobody knows how the backups stand"
      : "the vault can't be read: nobody knows how its backups stand";
  return about(
    'unknown',
    { source, timeZone },
    telling,
    subject,
    [
      fact('Vault', place),
      fact('Error', why),
      ...(hint === undefined ? [] : [fact('Hint', hint)]),
      ...(copies.length === 0 ? [] : [fact('Copies in', copies.join(', '))]),
    ],
    ['nightjar check', ...copies.map((name) => `nightjar list${vaultOption(name)}`)],
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

/** Further vaults lack the newest good backup, and have had none for too long. */
export function copyBehind(
  standing: SourceStanding,
  behind: readonly { vault: string; newest: BackupId | undefined; limitMs: number }[],
  telling: ToldAt,
): Message {
  const { source, place, timeZone } = standing;
  const said = behind.map(({ vault, newest, limitMs }) =>
    newest === undefined
      ? `there is no copy in ${vault}`
      : `the newest copy in ${vault} is ${ageOf(newest, telling.at)} old, over the limit of ${span(limitMs)}`,
  );
  const copies = behind.map(({ vault, newest }) =>
    fact(`Newest in ${vault}`, newest === undefined ? 'none' : `${newest} (${moment(startOf(newest), timeZone)})`),
  );
  return about(
    'copy-behind',
    standing,
    telling,
    said.join('; '),
    [fact('First vault', place), ...newestFacts(standing, telling.at), ...copies],
    [
      `nightjar copy ${word(source)}`,
      ...behind.map(({ vault }) => `nightjar list ${word(source)}${vaultOption(vault)}`),
    ],
  );
}

/** A further vault can't be read. */
export function copyUnknown(
  vault: string,
  { why, hint }: { why: string; hint?: string | undefined },
  telling: ToldAt,
): Message {
  return about(
    'copy-unknown',
    {},
    telling,
    `the vault ${vault} can't be read: nobody knows how the copies in it stand`,
    [fact('Error', why), ...(hint === undefined ? [] : [fact('Hint', hint)])],
    ['nightjar check'],
  );
}

/** The newest backup is far smaller than the ones before it: in rows, in bytes, or in one of its tables. */
export function shrunk(standing: SourceStanding, shrinking: Shrinking, telling: ToldAt): Message {
  const { full, most } = standing;
  const dated = (label: string, id: BackupId | undefined) =>
    id === undefined ? [] : [fact(label, `${id} (${moment(startOf(id), standing.timeZone)})`)];
  const known = [
    ...dated('Last full', full),
    ...dated('Most rows', most),
    ...facts(standing, telling.at).map((one) =>
      one.label === 'Newest good' ? { ...one, label: 'Newest, and shrunk' } : one,
    ),
  ];
  return about('shrunk', standing, telling, shrunkText(shrinking), known, [
    `nightjar list ${word(standing.source)}`,
    ...[full, most].flatMap((id) => (id === undefined ? [] : [`nightjar restore ${word(standing.source)} ${id}`])),
    `nightjar accept ${word(standing.source)}`,
  ]);
}

/** How a backup holds less, in one line. */
export function shrunkText({ what, now, before, table, more = 0 }: Shrinking): string {
  if (what === 'table')
    return `the newest backup holds ${plural(now, 'row')} of table ${table}, where ${formatCount(before)} were${more === 0 ? '' : `, and ${plural(more, 'more table')} lost theirs`}`;
  if (before === 0) return 'the newest backup holds no row at all';
  const shown = (value: number): string => (what === 'rows' ? plural(value, 'row') : formatBytes(value));
  return `the newest backup holds ${shown(now)}, where ${shown(before)} are usual (${Math.floor((now / before) * 100)} %)`;
}

/** Backups that can't be restored as they are. */
export function damaged(
  standing: SourceStanding,
  backups: readonly { id: BackupId; why: string }[],
  telling: ToldAt,
): Message {
  const subject =
    backups.length === 1
      ? `the backup ${backups[0]!.id} is damaged: ${backups[0]!.why}`
      : `${plural(backups.length, 'backup')} are damaged`;
  const shown = backups
    .slice(-shownOfMany)
    .toReversed()
    .map(({ id, why }) => fact(id, why));
  return about(
    'damaged',
    standing,
    telling,
    subject,
    [...shown, ...more(backups.length), ...facts(standing, telling.at)],
    [`nightjar list ${word(standing.source)}`, `nightjar backup ${word(standing.source)}`],
  );
}

/** Backups that were there and are not, though no policy removed them. */
export function gone(
  standing: SourceStanding,
  { count, of, ids }: { count: number; of: number; ids: readonly string[] },
  telling: ToldAt,
): Message {
  const isEmpty = standing.count === 0;
  const subject = `${isEmpty ? 'no backup is left: ' : ''}${of === 0 ? 'all that there were' : `${formatCount(count)} of ${plural(of, 'backup')}`} are gone, and no rotation removed them`;
  const shown = ids
    .slice(-shownOfMany)
    .toReversed()
    .map((id) => fact('Gone', id));
  return about(
    'gone',
    standing,
    telling,
    subject,
    [...shown, ...more(count), ...facts(standing, telling.at)],
    isEmpty
      ? [`nightjar backup ${word(standing.source)}`]
      : [`nightjar list ${word(standing.source)}`, `nightjar accept ${word(standing.source)}`],
  );
}

/** The newest backup is of something else than the ones before it. */
export function otherDatabase(standing: SourceStanding, { what, now, before }: Other, telling: ToldAt): Message {
  const last =
    standing.full === undefined
      ? []
      : [fact('Last of the old', `${standing.full} (${moment(startOf(standing.full), standing.timeZone)})`)];
  return about(
    'other-database',
    standing,
    telling,
    `the newest backup is of another ${what}: ${now} instead of ${before}`,
    [...facts(standing, telling.at), ...last],
    [`nightjar list ${word(standing.source)}`, `nightjar accept ${word(standing.source)}`],
  );
}

/** Nobody looks at this source, because the configuration says so. */
export function paused(standing: SourceStanding, telling: ToldAt): Message {
  return {
    ...about(
      'paused',
      standing,
      telling,
      'paused in the configuration: nobody is told when its backups are missing',
      facts(standing, telling.at),
      lookInto(standing.source),
    ),
    severity: 'info',
  };
}

/** Backups lie in the vault of a source that is no longer in the configuration: nobody makes new ones. */
export function unconfigured(
  standing: Pick<SourceStanding, 'source' | 'place' | 'newest' | 'count'>,
  telling: ToldAt,
): Message {
  const known = [
    fact('Vault', standing.place),
    ...newestFacts(standing, telling.at),
    fact('Backups in the vault', formatCount(standing.count)),
  ];
  return about(
    'unconfigured',
    standing,
    telling,
    'is no longer in the configuration, and still has backups: no new ones are made',
    known,
    [`nightjar list ${word(standing.source)}`],
  );
}

/**
 * The database clients are old, or lack a fix; or an authority that a server needs is missing or about to expire.
 * Nothing has failed yet.
 */
export function toolsOutdated(notices: readonly Notice[], telling: ToldAt): Message {
  const hints = [...new Set(notices.map(({ hint }) => hint))].map((hint) => fact('Hint', hint));
  const known = [...notices.map(({ text }) => fact('Notice', text)), ...hints];
  return {
    ...about(
      'tools-outdated',
      {},
      telling,
      'the database clients, or the authorities that they trust, need a look',
      known,
      ['nightjar layer show', 'nightjar layer update'],
    ),
    severity: 'info',
  };
}

/** Somebody who subscribed has not confirmed it. */
export function unconfirmed(notices: readonly Notice[], telling: ToldAt): Message {
  const known = notices.flatMap(({ text, hint }) => [fact('Notice', text), fact('Hint', hint)]);
  const subject = 'somebody who is to be told hears nothing: a subscription was never confirmed';
  return about('unconfirmed', {}, telling, subject, known, ['nightjar notify']);
}

/** What was told is over. `was`: what was told, `since` when. */
export function recovered(standing: SourceStanding, { was, since, vault }: Past, at: Date): Message {
  const told = fact('Was', `${was}, for ${lasted(since, at)}`);
  return {
    ...about('recovered', standing, { at }, endOf(was, standing, at, vault), [told, ...facts(standing, at)], []),
    severity: 'recovered',
  };
}

/** Why it is over: a backup that came, or a configuration that asks for less. */
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

/** Something that concerns no single source is over: the vault answers again, the configuration names sources again. */
export function over(subject: string, { was, since }: Past, at: Date): Message {
  return {
    ...about('recovered', {}, { at }, subject, [fact('Was', `${was}, for ${lasted(since, at)}`)], []),
    severity: 'recovered',
  };
}

/** What to run to see more of a source. */
export function lookInto(source: SourceName): string[] {
  return [`nightjar check ${word(source)}`, `nightjar list ${word(source)}`];
}

function facts(standing: SourceStanding, at: Date): Fact[] {
  const { place, limitMs, proven, failures, lastFailure, count, timeZone } = standing;
  return [
    fact('Vault', place),
    ...newestFacts(standing, at),
    fact('Limit', span(limitMs)),
    fact('Newest proven', proven === undefined ? 'none' : `${proven} (${moment(startOf(proven), timeZone)})`),
    fact('Failures since', formatCount(failures)),
    ...(lastFailure === undefined ? [] : [fact('Last failure', lastFailure)]),
    fact('Backups in the vault', formatCount(count)),
  ];
}

function newestFacts(
  { newest, timeZone }: { newest?: BackupId | undefined; timeZone?: string | undefined },
  at: Date,
): Fact[] {
  if (newest === undefined) return [fact('Newest good', 'none')];
  return [fact('Newest good', `${newest} (${moment(startOf(newest), timeZone)})`), fact('Age', ageOf(newest, at))];
}

function ageOf(id: BackupId, at: Date): string {
  return span(Math.max(0, at.getTime() - startOf(id).getTime()));
}

function more(count: number): Fact[] {
  return count > shownOfMany ? [fact('And', `${formatCount(count - shownOfMany)} more`)] : [];
}

function lasted(since: Date, at: Date): string {
  return span(Math.max(0, at.getTime() - since.getTime()));
}
