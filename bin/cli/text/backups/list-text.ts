import type { ListedBackup } from '../../../../core/commands/list.ts';
import type { Tier } from '../../../../core/contract/manifest/manifest.ts';
import { startOf } from '../../../../core/domain/keys.ts';
import { shrunkText } from '../../../../core/domain/messages/findings/content.ts';
import { unsignedHint } from '../../../../core/domain/messages/text.ts';
import { longestTier } from '../../../../core/domain/retention/tiers.ts';
import { formatBytes, formatCount, plural } from '../../../../core/domain/units.ts';
import { clocksMs } from '../../../../core/domain/verdict/verdict.ts';
import { sizesOf } from '../../../../core/domain/parts/sizes.ts';
import { aligned, wrapped } from '../text.ts';
import { adoptedText } from './adopted-text.ts';

/**
 * A backup and what it counts for today; if its source is no longer configured, what it counted for when it was made.
 */
export type Line = ListedBackup & { tiers: readonly Tier[] };

/** `room`: the width of the terminal, if there is one. Times are in `timeZone`. */
export type ListView = { now: Date; timeZone: string; room?: number | undefined };

const head = ['id', 'made', 'rows', 'stored', 'proven', 'tier'];
const numbers = [2, 3];
const width = 80;

/** The title of a table: how many backups, in which time zone, and up to which one they are proven. */
export function listTitle(backups: readonly ListedBackup[], timeZone: string): string {
  if (backups.length === 0) return 'no backup yet';
  const proven = backups.findLast((one) => one.verdict.proven && !wasAdopted(one));
  const upTo = proven === undefined ? '' : `, proven up to ${proven.id}`;
  return `${plural(backups.length, 'backup')}, times in ${timeZone}${upTo}`;
}

/** The table of a listing: fits 80 columns for up to a billion rows; in a narrower terminal, lines below each id. */
export function listLines(backups: readonly Line[], view: ListView): string[] {
  if (backups.length === 0) return [];
  const { room = width } = view;
  if (room < width) return backups.flatMap((one) => [...narrow(one, view, room), ...remarks(one, view, room)]);
  const [first, ...lines] = aligned([head, ...backups.map((backup) => cells(backup, view))], numbers);
  return [first!, ...lines.flatMap((line, index) => [line, ...remarks(backups[index]!, view, width)])];
}

function narrow(backup: Line, view: ListView, room: number): string[] {
  const [id, made, rows, , proven, tier] = cells(backup, view);
  const held = backup.status === 'unreadable' ? [] : [`${rows} rows`, ...provenWords(proven)];
  return [id!, ...wrapped([made, ...held, ...(tier === '-' ? [] : [tier])].join(', '), room, '  ')];
}

function provenWords(proven: string | undefined): string[] {
  return proven === '-' ? [] : [`proven ${proven}`];
}

/** A path is not broken, whatever its length. */
function remarks(backup: ListedBackup, { timeZone }: ListView, room: number): string[] {
  const why = doubtsOf(backup, timeZone);
  return backup.status === 'unreadable'
    ? why.map((line) => `  ${line}`)
    : why.flatMap((line) => wrapped(line, room, '  '));
}

/** Whether it was made by somebody else and adopted. */
export function wasAdopted(backup: ListedBackup): boolean {
  return backup.status === 'complete' && backup.manifest.adopted !== undefined;
}

/** What a person should know of a backup beside its figures; times in `timeZone`. */
export function doubtsOf(backup: ListedBackup, timeZone: string): string[] {
  const { damage, misdated, shrunk, other } = backup.verdict;
  if (backup.status === 'unreadable') return damage?.kind === 'unsigned' ? [backup.why, unsignedHint] : [backup.why];
  return [
    ...(backup.manifest.adopted === undefined ? [] : [adoptedText(backup.manifest.adopted, timeZone)]),
    ...(damage === undefined ? [] : [damage.why]),
    ...(misdated === undefined ? [] : [misdated.why]),
    ...(shrunk === undefined ? [] : [shrunkText(shrunk).replace('the newest backup', 'shrunk:')]),
    ...(other === undefined ? [] : [`of another ${other.what}: ${other.now} instead of ${other.before}`]),
  ];
}

/** What keeps it longest: a pin, a tier, or nothing. */
function keeper(line: Line): string {
  const { pinned, tiers, verdict } = line;
  const { damage, misdated } = verdict;
  if (pinned) return 'pinned';
  if (damage !== undefined) return 'damaged';
  if (misdated !== undefined) return 'misdated';
  if (wasAdopted(line)) return 'adopted';
  return tiers.length === 0 ? '-' : longestTier(tiers);
}

function cells(backup: Line, { now, timeZone }: ListView): string[] {
  const start = startOf(backup.id);
  const made = start.getTime() > now.getTime() + clocksMs ? 'future' : madeAt(start, now, timeZone);
  if (backup.status === 'unreadable') return [backup.id, made, '', '', '', backup.verdict.damage?.kind ?? 'unreadable'];
  const { rows, storedBytes } = sizesOf(backup.manifest);
  const proven = backup.provenAt === undefined ? '-' : day(backup.provenAt, timeZone);
  return [backup.id, made, formatCount(rows), formatBytes(storedBytes), proven, keeper(backup)];
}

/** `20 Nov 02:00`; in another year `20 Nov 2024`, because the id has the time. */
function madeAt(start: Date, now: Date, timeZone: string): string {
  const years = [start, now].map((date) => date.toLocaleDateString('en-GB', { timeZone, year: 'numeric' }));
  return `${day(start, timeZone)} ${years[0] === years[1] ? clock(start, timeZone) : years[0]}`;
}

function day(date: Date, timeZone: string): string {
  return new Intl.DateTimeFormat('en-GB', { timeZone, day: '2-digit', month: 'short' })
    .format(date)
    .replace('Sept', 'Sep');
}

function clock(date: Date, timeZone: string): string {
  return new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit' }).format(date);
}
