import { describeLease, findStuckLease, unlock, watchForRenewal } from '../../../core/commands/unlock.ts';
import { word } from '../../../core/domain/messages/text.ts';
import { confirmByName } from '../text/confirm.ts';
import { readable } from '../names.ts';
import type { CommandOutcome } from '../text/output.ts';
import type { CommandSession } from '../session.ts';

/**
 * `nightjar unlock`: frees a lease that keeps every run out of a source, once no run was seen to renew it and a person
 * has confirmed.
 */
export async function unlockCommand(
  name: string,
  { yes }: { yes?: true },
  { nightjar, out }: CommandSession,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  const source = await readable(name, nightjar, signal);
  const found = await findStuckLease(source, nightjar, signal);
  if (found === undefined) {
    out.say(`${source}: no lease keeps anybody out: nothing was changed`);
    return { document: { result: { source, unlocked: false } }, failures: [] };
  }
  for (const line of describeLease(source, found)) out.note(line);
  if (yes !== true)
    await confirmByName(
      source,
      `the lease of ${source} will be freed, unless a run renews it within a minute and a half`,
      out,
      signal,
    );
  out.note('watching for a minute and a half: a live run renews its lease within that');
  await watchForRenewal(source, found, nightjar, signal);
  await unlock(source, found, nightjar, signal);
  out.say(out.naming(`${source}: the lease is free: nightjar backup ${word(source)}`));
  return {
    document: {
      result: {
        source,
        unlocked: true,
        why: found.why,
        ...(found.lease && { run: found.lease.run, holder: found.lease.holder, until: found.lease.until }),
      },
    },
    failures: [],
  };
}
