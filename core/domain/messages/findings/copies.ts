import type { Message } from '../../../contract/events/message.ts';
import { startOf } from '../../keys.ts';
import type { BackupId } from '../../keys.ts';
import { about, fact, moment, span, vaultOption, word } from '../text.ts';
import type { ToldAt } from '../text.ts';
import { newestFacts, ageOf } from './standing.ts';
import type { SourceStanding } from './standing.ts';

/** Further vaults lack the newest good backup, and have had none for too long. */
export function copyBehind(
  standing: SourceStanding,
  behind: readonly { vault: string; newest: BackupId | undefined; limitMs: number }[],
  telling: ToldAt,
): Message {
  const { source, place, timeZone } = standing;
  const said = behind.map(({ vault, newest, limitMs }) =>
    newest === undefined
      ? `there is no copy in ${vault}`
      : `the newest copy in ${vault} is ${ageOf(newest, telling.at)} old, over the limit of ${span(limitMs)}`,
  );
  const copies = behind.map(({ vault, newest }) =>
    fact(`Newest in ${vault}`, newest === undefined ? 'none' : `${newest} (${moment(startOf(newest), timeZone)})`),
  );
  return about(
    'copy-behind',
    standing,
    telling,
    said.join('; '),
    [fact('First vault', place), ...newestFacts(standing, telling.at), ...copies],
    [
      `nightjar copy ${word(source)}`,
      ...behind.map(({ vault }) => `nightjar list ${word(source)}${vaultOption(vault)}`),
    ],
  );
}

/** A further vault can't be read. */
export function copyUnknown(
  vault: string,
  { why, hint }: { why: string; hint?: string | undefined },
  telling: ToldAt,
): Message {
  return about(
    'copy-unknown',
    {},
    telling,
    `the vault ${vault} can't be read: nobody knows how the copies in it stand`,
    [fact('Error', why), ...(hint === undefined ? [] : [fact('Hint', hint)])],
    ['nightjar check'],
  );
}
