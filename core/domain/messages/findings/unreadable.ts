import type { Message } from '../../../contract/events/message.ts';
import type { SourceName } from '../../keys.ts';
import { about, fact, vaultOption } from '../text.ts';
import type { ToldAt } from '../text.ts';

/** The vault can't be read, so nobody knows how the source stands; without a source: how all of them stand. */
export function unknown(
  {
    source,
    timeZone,
    place,
    why,
    hint,
    copies = [],
  }: {
    source?: SourceName | undefined;
    timeZone?: string | undefined;
    place: string;
    why: string;
    hint?: string | undefined;
    /** Further vaults that hold copies. */
    copies?: readonly string[];
  },
  telling: ToldAt,
): Message {
  const subject =
    source === undefined
      ? "the vault can't be read: nobody knows how the backups stand"
      : "the vault can't be read: nobody knows how its backups stand";
  return about(
    'unknown',
    { source, timeZone },
    telling,
    subject,
    [
      fact('Vault', place),
      fact('Error', why),
      ...(hint === undefined ? [] : [fact('Hint', hint)]),
      ...(copies.length === 0 ? [] : [fact('Copies in', copies.join(', '))]),
    ],
    ['nightjar check', ...copies.map((name) => `nightjar list${vaultOption(name)}`)],
  );
}
