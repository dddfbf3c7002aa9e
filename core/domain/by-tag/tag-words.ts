import type { RdsDatabase } from '../watch/account.ts';

/**
 * What the tags of a database say: whether it is to be a source, and how. `unread`: what is not understood, in words
 * for people; the usual settings then apply. A tag value may have letters, digits, blanks and `_ . : / = + - @`, but no
 * `*` (Amazon RDS user guide, tagging): so schedules are words, not cron.
 */
export type TagWords = {
  meant: 'source' | 'ignored' | 'nothing';
  schedule?: string;
  retention?: Readonly<Record<string, number>>;
  database?: string;
  unread: string[];
};

const tiers = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly', 'count'];
const mostKept = 100_000;
const sundayMorning = '0 3 * * 0';

/** Reads `<tag>`, `<tag>:retention` and `<tag>:database`. `usual`: the schedule if the tag names none. */
export function tagWords(tags: RdsDatabase['tags'], tag: string, usual: string): TagWords {
  const value = Object.hasOwn(tags, tag) ? tags[tag]!.trim() : undefined;
  if (value === undefined) return { meant: 'nothing', unread: [] };
  if (value === 'ignore') return { meant: 'ignored', unread: [] };
  const schedule = value === '' ? usual : scheduleOfWord(value, usual);
  const [kept, database] = [tags[`${tag}:retention`], tags[`${tag}:database`]];
  const retention = kept === undefined ? undefined : retentionOfWords(kept);
  return {
    meant: 'source',
    ...(schedule !== undefined && { schedule }),
    ...(retention !== undefined && { retention }),
    ...(database !== undefined && database.trim() !== '' && { database: database.trim() }),
    unread: [
      ...(schedule === undefined ? [`${tag}=${value} (daily, hourly, weekly or a time as 04:30)`] : []),
      ...(kept !== undefined && retention === undefined
        ? [`${tag}:retention=${kept} (as daily=7 weekly=4, or count=14)`]
        : []),
    ],
  };
}

/** `daily`, `hourly`, `weekly` (at the usual time, on Sundays), or each day at `04:30`. */
function scheduleOfWord(word: string, usual: string): string | undefined {
  if (word === 'daily') return usual;
  if (word === 'hourly') return '0 * * * *';
  if (word === 'weekly') {
    const [minute = '', hour = ''] = usual.trim().split(/ +/);
    return /^\d+$/.test(minute) && /^\d+$/.test(hour) ? `${minute} ${hour} * * 0` : sundayMorning;
  }
  const [, hour, minute] = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(word) ?? [];
  return hour === undefined ? undefined : `${Number(minute)} ${Number(hour)} * * *`;
}

/** All or nothing: half a retention would keep less than somebody meant. */
function retentionOfWords(text: string): Record<string, number> | undefined {
  const pairs = text
    .trim()
    .split(/\s+/)
    .map((pair) => pair.split('='));
  const isRead = pairs.every(
    ([key = '', value = '', ...more]) =>
      tiers.includes(key) && /^\d+$/.test(value) && Number(value) <= mostKept && more.length === 0,
  );
  const read = Object.fromEntries(pairs.map(([key, value]) => [key, Number(value)])) as Record<string, number>;
  const keepsSome = Object.values(read).some((count) => count > 0);
  const isAlone = !('count' in read) || pairs.length === 1;
  return isRead && keepsSome && isAlone ? read : undefined;
}
