import type { Message } from '../../../contract/events/message.ts';
import type { Roster } from '../../../contract/memory/roster.ts';
import { plural } from '../../units.ts';
import { about, fact } from '../text.ts';

const shown = 40;

/** What has changed among the databases found by their tag: sent once. */
export function byTagChanged(untold: Roster['untold'], at: Date): Message {
  const isTrouble = untold.some(({ label }) => label === 'Gone' || label === 'Trouble');
  const facts = untold.slice(0, shown).map(({ label, text }) => fact(label, text));
  const left = untold.length - facts.length;
  const subject = `databases by tag: ${countsOf(untold)}`;
  const more = left > 0 ? [fact('And', `${left} more`)] : [];
  return {
    ...about('by-tag', {}, { at }, subject, [...facts, ...more], isTrouble ? ['nightjar check'] : []),
    severity: isTrouble ? 'problem' : 'info',
  };
}

/** `2 new, 1 gone` */
export function countsOf(untold: Roster['untold']): string {
  const groups = [...Map.groupBy(untold, ({ label }) => label)];
  return groups
    .map(([label, { length }]) =>
      label === 'Trouble' ? plural(length, 'trouble') : `${length} ${label.toLowerCase()}`,
    )
    .join(', ');
}
