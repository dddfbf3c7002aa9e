import { hostname, userInfo } from 'node:os';
import { acceptanceOf } from '../../../../core/commands/check/accept.ts';
import { confirmByName } from '../../text/confirm.ts';
import { memoryFor, readable } from '../../names.ts';
import type { CommandOutcome } from '../../text/output.ts';
import type { CommandSession } from '../../session.ts';
import { aligned, cut } from '../../text/text.ts';

const width = 80;

/**
 * `nightjar accept`: shows what a check reports about a source until somebody accepts it, asks for confirmation, and
 * makes it the new normal.
 */
export async function acceptCommand(
  name: string,
  { yes }: { yes?: true },
  { nightjar, out }: CommandSession,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  const source = await readable(name, nightjar, signal);
  const { what, accept } = await acceptanceOf(source, memoryFor(source, nightjar), nightjar, signal);
  if (what.length === 0) {
    out.say(`${source}: there is nothing to accept`);
    return { document: { result: { source, accepted: false, what } }, failures: [] };
  }
  const lines = aligned([['what', 'before', 'now'], ...what.map(({ what: one, before, now }) => [one, before, now])]);
  for (const line of lines) out.say(cut(`  ${line}`, width));
  if (yes !== true)
    await confirmByName(
      source,
      `${source} is to be measured by that from now on, and rotation may remove what it has held`,
      out,
      signal,
    );
  const by = `${userInfo().username}@${hostname()}`;
  await accept(by, signal);
  out.say(`${source}: accepted by ${by}`);
  return { document: { result: { source, accepted: true, by, what } }, failures: [] };
}
