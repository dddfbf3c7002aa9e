import { chooseBackup } from '../../../core/survey/choose.ts';
import type { Nightjar } from '../../../core/compose.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { estimateCost } from '../../../core/domain/cost/cost.ts';
import { costNotes } from '../../../core/domain/cost/notes.ts';
import { pricesAsOf } from '../../../core/domain/cost/prices.ts';
import { isBackupError, messageOf } from '../../../core/domain/errors.ts';
import { costLines } from '../text/setup/cost-table.ts';
import { costPlanOf, regionOf } from '../../../core/contract/cloud/cost-plan.ts';
import { memoryFor } from '../names.ts';
import type { CommandOutcome } from '../text/output.ts';
import type { CommandSession } from '../session.ts';

/** How long the vault may take to say how large the newest backups are: an estimate also works without. */
const patienceMs = 30_000;

/**
 * `nightjar cost`: what a month on AWS will cost, from the newest backups if the vault can be read, else from the sizes
 * in the configuration.
 */
export async function costCommand(
  { vault: ask }: { vault: boolean },
  { nightjar, config, out }: CommandSession,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  const newest = ask ? await newestOf(nightjar, (why) => out.note(why), signal) : new Map<string, Manifest>();
  const plan = costPlanOf(config, newest, { region: regionOf(config, process.env) });
  const estimate = estimateCost(plan);
  const notes = costNotes(plan, estimate);
  for (const line of costLines(plan, estimate, notes)) out.say(line);
  const { region, sources } = plan;
  return {
    document: {
      region,
      currency: 'USD',
      pricesAsOf,
      dollars: estimate.dollars,
      afterFree: estimate.afterFree,
      lines: estimate.lines,
      sources: sources.map((one, index) => ({ ...one, ...estimate.sources[index] })),
      notes,
    },
    failures: [],
  };
}

async function newestOf(
  nightjar: Nightjar,
  note: (line: string) => void,
  signal: AbortSignal,
): Promise<Map<string, Manifest>> {
  const { sourceNames } = nightjar;
  const newest = new Map<string, Manifest>();
  const patience = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
  try {
    for (const source of sourceNames) {
      const chosen = await chooseBackup(source, 'newest', memoryFor(source, nightjar), nightjar, patience).catch(
        (error: unknown) => {
          if (isBackupError(error, 'backup-missing', 'manifest-invalid', 'manifest-unsigned', 'backup-plain'))
            return undefined;
          throw error;
        },
      );
      if (chosen !== undefined) newest.set(source, chosen.manifest);
    }
  } catch (error) {
    if (signal.aborted) throw error;
    note(`the vault can't be read, so sizes are those of the configuration (${messageOf(error)})`);
  }
  return newest;
}
