import { listBackups } from '../../../core/commands/list.ts';
import type { ListedBackup } from '../../../core/commands/list.ts';
import type { Nightjar } from '../../../core/compose.ts';
import type { Tier } from '../../../core/contract/manifest/manifest.ts';
import { startOf } from '../../../core/domain/keys.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import { shrunkText } from '../../../core/domain/messages/findings/content.ts';
import { unsignedHint } from '../../../core/domain/messages/text.ts';
import { planRetention, tiersOf } from '../../../core/domain/retention/retention.ts';
import { longestTier } from '../../../core/domain/retention/tiers.ts';
import { formatBytes, formatCount, plural } from '../../../core/domain/units.ts';
import { memoryFor, readable } from '../names.ts';
import type { CommandOutcome } from '../text/output.ts';
import type { CommandSession } from '../session.ts';
import { adoptedText } from '../text/backups/adopted-text.ts';
import { sizesOf } from '../sizes.ts';
import { aligned, shortAge, shortSpan, wrapped } from '../text/text.ts';

/**
 * A backup and what it counts for today; for a source that is not configured any more, what it counted for when it was
 * made.
 */
export type Line = ListedBackup & { tiers: readonly Tier[] };

const head = ['id', 'age', 'rows', 'size', 'stored', 'took', 'tier'];
const numbers = [1, 2, 3, 4, 5];
const width = 80;

/** `nightjar list`: the backups of a source, or of every configured one, oldest first. */
export async function listCommand(
  name: string | undefined,
  { nightjar, out }: CommandSession,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  const names = name === undefined ? nightjar.sourceNames : [await readable(name, nightjar, signal)];
  const now = nightjar.clock.now().getTime();
  const all: Line[] = [];
  for (const source of names) {
    const { backups } = await listBackups(source, memoryFor(source, nightjar), nightjar, signal);
    if (all.length > 0 || source !== names[0]) out.say('');
    out.say(`${source}: ${titleOf(backups)}`);
    for (const line of tableOf(withTiers(source, backups, nightjar), now)) out.say(line);
    all.push(...withTiers(source, backups, nightjar));
  }
  return { document: { backups: all.map(documentOf) }, failures: [] };
}

function titleOf(backups: readonly ListedBackup[]): string {
  if (backups.length === 0) return 'no backup yet';
  const proven = backups.findLast((one) => one.verdict.proven && !wasAdopted(one));
  return `${plural(backups.length, 'backup')}${proven === undefined ? '' : `, proven up to ${proven.id}`}`;
}

/** The table of a listing; fits 80 columns up to a billion rows. */
export function tableOf(backups: readonly Line[], now: number): string[] {
  if (backups.length === 0) return [];
  const [first, ...lines] = aligned([head, ...backups.map((backup) => cells(backup, now))], numbers);
  return [first!, ...lines.flatMap((line, index) => [line, ...linesOf(backups[index]!)])];
}

/** A path is not broken, whatever its length. */
function linesOf(backup: ListedBackup): string[] {
  const why = whyOf(backup);
  return backup.status === 'unreadable'
    ? why.map((line) => `  ${line}`)
    : why.flatMap((line) => wrapped(line, width, '  '));
}

function wasAdopted(backup: ListedBackup): boolean {
  return backup.status === 'complete' && backup.manifest.adopted !== undefined;
}

/** What is to be known of a backup, beside its figures. */
function whyOf(backup: ListedBackup): string[] {
  const { damage, misdated, shrunk, other } = backup.verdict;
  if (backup.status === 'unreadable') return damage?.kind === 'unsigned' ? [backup.why, unsignedHint] : [backup.why];
  return [
    ...(backup.manifest.adopted === undefined ? [] : [adoptedText(backup.manifest.adopted)]),
    ...(damage === undefined ? [] : [damage.why]),
    ...(misdated === undefined ? [] : [misdated.why]),
    ...(shrunk === undefined ? [] : [shrunkText(shrunk).replace('the newest backup', 'shrunk:')]),
    ...(other === undefined ? [] : [`of another ${other.what}: ${other.now} instead of ${other.before}`]),
  ];
}

function withTiers(source: SourceName, backups: readonly ListedBackup[], { sourceNames, settings }: Nightjar): Line[] {
  const made = (backup: ListedBackup): readonly Tier[] => (backup.status === 'complete' ? backup.manifest.tiers : []);
  if (!sourceNames.includes(source)) return backups.map((backup) => ({ ...backup, tiers: made(backup) }));
  const { retention, timeZone } = settings(source);
  const good = backups.filter((one) => one.verdict.good && !wasAdopted(one));
  const decisions = new Map(
    planRetention(
      good.map(({ id }) => ({ id, start: startOf(id) })),
      retention,
      timeZone,
    ).map((decision) => [decision.id, tiersOf(decision)]),
  );
  return backups.map((backup) => ({ ...backup, tiers: decisions.get(backup.id) ?? [] }));
}

/** What keeps it longest: a pin, a tier, or nothing. */
function keeper(line: Line): string {
  const {
    pinned,
    tiers,
    verdict: { damage, misdated },
  } = line;
  if (pinned) return 'pinned';
  if (damage !== undefined) return 'damaged';
  if (misdated !== undefined) return 'misdated';
  if (wasAdopted(line)) return 'adopted';
  return tiers.length === 0 ? '-' : longestTier(tiers);
}

function cells(backup: Line, now: number): string[] {
  const age = shortAge(now - startOf(backup.id).getTime());
  if (backup.status === 'unreadable')
    return [backup.id, age, '', '', '', '', backup.verdict.damage?.kind ?? 'unreadable'];
  const { rows, bytes, storedBytes, ms } = sizesOf(backup.manifest);
  return [
    backup.id,
    age,
    formatCount(rows),
    formatBytes(bytes),
    formatBytes(storedBytes),
    shortSpan(ms),
    keeper(backup),
  ];
}

function documentOf(backup: Line): object {
  const {
    source,
    id,
    status,
    pinned,
    proof,
    tiers,
    verdict: { good, full, proven },
  } = backup;
  const why = whyOf(backup);
  const known = {
    source,
    id,
    status,
    pinned,
    verdict: { good, full, proven, ...(why.length > 0 && { why }) },
    ...(proof && { proof }),
  };
  if (backup.status === 'unreadable') return { ...known, why: backup.why };
  const { engine, database, server, start, end, warnings, adopted } = backup.manifest;
  const figures = { start, end, tiers, ...sizesOf(backup.manifest) };
  return { ...known, engine, database, server, ...figures, warnings, ...(adopted && { adopted }) };
}
