import { findCopy, showBackup } from '../../../core/commands/show.ts';
import type { ShownBackup } from '../../../core/commands/show.ts';
import type { Nightjar } from '../../../core/compose.ts';
import { messageOf } from '../../../core/domain/errors.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import { memoryFor, readable, recallMeant } from '../names.ts';
import { sizesOf } from '../../../core/domain/parts/sizes.ts';
import type { CommandOutcome } from '../text/output.ts';
import { doubtsIn, showLines } from '../text/backups/show-text.ts';
import type { CopyShown } from '../text/backups/show-text.ts';
import type { CommandSession } from '../session.ts';

/** `nightjar show`: everything that the vault knows about one backup. */
export async function showCommand(
  name: string,
  which: string,
  session: CommandSession,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  const { nightjar, out } = session;
  await recallMeant([name], session, signal);
  const source = await readable(name, nightjar, signal);
  const shown = await showBackup(source, which, memoryFor(source, nightjar), nightjar, signal);
  for (const line of shown.warnings) out.note(`warning ${line}`);
  const copies = await copiesOf(source, shown, nightjar, signal);
  for (const line of showLines(shown, nightjar.store.place, copies)) out.say(line);
  return { document: { result: { ...documentOf(shown, nightjar.store.place), copies } }, failures: [] };
}

/** Where else the backup lies, as far as the vaults answer. */
async function copiesOf(
  source: SourceName,
  shown: ShownBackup,
  nightjar: Nightjar,
  signal: AbortSignal,
): Promise<CopyShown[]> {
  const copies = nightjar.sourceNames.includes(source) ? nightjar.settings(source).copies : [];
  return Promise.all(
    copies.map(async ({ vault }): Promise<CopyShown> => {
      try {
        return { vault, ...(await findCopy(shown, await nightjar.vault(vault, signal), signal)) };
      } catch (error) {
        if (signal.aborted) throw error;
        return { vault, state: 'unknown', why: messageOf(error) };
      }
    }),
  );
}

function documentOf({ manifest, verdict, tiers, pinned, pin, proofs, warnings }: ShownBackup, place: string): object {
  const { good, full, proven } = verdict;
  const why = doubtsIn(verdict);
  return {
    source: manifest.source,
    id: manifest.id,
    place,
    verdict: { good, full, proven, ...(why.length > 0 && { why }) },
    tiers,
    pinned,
    ...(pin && { pin }),
    proofs,
    ...sizesOf(manifest),
    notes: warnings,
    manifest,
  };
}
