import { listBackups } from '../../core/commands/list.ts';
import type { ListedBackup } from '../../core/commands/list.ts';
import { startOf } from '../../core/domain/keys.ts';
import { longestTier } from '../../core/domain/tiers.ts';
import { formatBytes, formatCount, plural } from '../../core/domain/units.ts';
import { readable } from './names.ts';
import type { Outcome } from './output.ts';
import type { Session } from './session.ts';
import { sizesOf } from './sizes.ts';
import { aligned, shortSpan } from './text.ts';

const head = ['id', 'age', 'rows', 'size', 'stored', 'took', 'tier'];
const numbers = [1, 2, 3, 4, 5];

/** `nightjar list`: the backups of a source, or of every configured one, oldest first. */
export async function listCommand(name: string | undefined, { nightjar, out }: Session, signal: AbortSignal): Promise<Outcome> {
  const names = name === undefined ? nightjar.sourceNames : [await readable(name, nightjar, signal)];
  const now = nightjar.clock.now().getTime();
  const all: ListedBackup[] = [];
  for (const source of names) {
    const backups = await listBackups(source, nightjar.vault, signal);
    if (all.length > 0 || source !== names[0]) out.say('');
    out.say(`${source}: ${backups.length === 0 ? 'no backup yet' : plural(backups.length, 'backup')}`);
    for (const line of tableOf(backups, now)) out.say(line);
    all.push(...backups);
  }
  return { document: { backups: all.map(documentOf) }, failures: [] };
}

/** The table of a listing; fits 80 columns up to a billion rows. */
export function tableOf(backups: readonly ListedBackup[], now: number): string[] {
  if (backups.length === 0) return [];
  const [first, ...lines] = aligned([head, ...backups.map((backup) => cells(backup, now))], numbers);
  return [first!, ...lines.flatMap((line, index) => {
    const backup = backups[index]!;
    return backup.status === 'unreadable' ? [line, `  ${backup.why}`] : [line];
  })];
}

function cells(backup: ListedBackup, now: number): string[] {
  const age = shortSpan(now - startOf(backup.id).getTime());
  if (backup.status === 'unreadable') return [backup.id, age, '', '', '', '', 'unreadable'];
  const { rows, bytes, storedBytes, ms } = sizesOf(backup.manifest);
  return [backup.id, age, formatCount(rows), formatBytes(bytes), formatBytes(storedBytes), shortSpan(ms), longestTier(backup.manifest.tiers)];
}

function documentOf(backup: ListedBackup): object {
  const { source, id, status } = backup;
  if (backup.status === 'unreadable') return { source, id, status, why: backup.why };
  const { engine, database, server, start, end, tiers, warnings } = backup.manifest;
  return { source, id, status, engine, database, server, start, end, tiers, ...sizesOf(backup.manifest), warnings };
}
