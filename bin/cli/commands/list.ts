import { listBackups } from '../../../core/commands/list.ts';
import type { ListedBackup } from '../../../core/commands/list.ts';
import type { Nightjar } from '../../../core/compose.ts';
import type { Tier } from '../../../core/contract/manifest/manifest.ts';
import { startOf } from '../../../core/domain/keys.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import { planRetention, tiersOf } from '../../../core/domain/retention/retention.ts';
import { memoryFor, readableAll } from '../names.ts';
import type { CommandSession } from '../session.ts';
import { sizesOf } from '../../../core/domain/parts/sizes.ts';
import { doubtsOf, listLines, listTitle, wasAdopted } from '../text/backups/list-text.ts';
import type { Line } from '../text/backups/list-text.ts';
import type { CommandOutcome } from '../text/output.ts';

/** `nightjar list`: the backups of a source, or of every configured one, oldest first. */
export async function listCommand(
  name: string | undefined,
  session: CommandSession,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  const { nightjar, out } = session;
  const names = await readableAll(name, session, signal);
  const now = nightjar.clock.now();
  const all: Line[] = [];
  for (const source of names) {
    const { backups } = await listBackups(source, memoryFor(source, nightjar), nightjar, signal);
    if (all.length > 0 || source !== names[0]) out.say('');
    const timeZone = zoneOf(source, backups, nightjar);
    const lines = withTiers(source, backups, nightjar);
    out.say(`${source}: ${listTitle(backups, timeZone)}`);
    for (const line of listLines(lines, { now, timeZone, room: out.room })) out.say(line);
    all.push(...lines);
  }
  return { document: { backups: all.map(documentOf) }, failures: [] };
}

/** The time zone of the source; for one that is no longer configured, that of its newest backup. */
function zoneOf(source: SourceName, backups: readonly ListedBackup[], { sourceNames, settings }: Nightjar): string {
  if (sourceNames.includes(source)) return settings(source).timeZone;
  const newest = backups.findLast((one) => one.status === 'complete');
  return newest?.manifest.timeZone ?? 'UTC';
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
  const why = doubtsOf(backup, 'UTC');
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
