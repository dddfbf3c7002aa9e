import type { Message } from '../../../contract/events/message.ts';
import type { Other, Shrinking } from '../../../contract/memory/ledger.ts';
import { startOf } from '../../keys.ts';
import type { BackupId } from '../../keys.ts';
import { formatBytes, formatCount, plural } from '../../units.ts';
import { about, fact, moment, word } from '../text.ts';
import type { ToldAt } from '../text.ts';
import { facts, more, newestFew } from './standing.ts';
import type { SourceStanding } from './standing.ts';

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
  const shown = newestFew(backups).map(({ id, why }) => fact(id, why));
  return about(
    'damaged',
    standing,
    telling,
    subject,
    [...shown, ...more(backups.length), ...facts(standing, telling.at)],
    [`nightjar list ${word(standing.source)}`, `nightjar backup ${word(standing.source)}`],
  );
}

/** Backups that existed and are gone, though no policy removed them. */
export function gone(
  standing: SourceStanding,
  { count, of, ids }: { count: number; of: number; ids: readonly string[] },
  telling: ToldAt,
): Message {
  const isEmpty = standing.count === 0;
  const subject = `${isEmpty ? 'no backup is left: ' : ''}${of === 0 ? 'all that there were' : `${formatCount(count)} of ${plural(of, 'backup')}`} are gone, and no rotation removed them`;
  const shown = newestFew(ids).map((id) => fact('Gone', id));
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
