import type { Message } from '../../../contract/events/message.ts';
import type { ServerDatabases } from '../../../contract/memory/servers.ts';
import { about, fact } from '../text.ts';
import { countsOf } from './by-tag.ts';

const shown = 40;

/** What has changed among the databases of a whole server: sent once. */
export function databasesChanged({ name, untold }: Pick<ServerDatabases, 'name' | 'untold'>, at: Date): Message {
  const isGone = untold.some(({ label }) => label === 'Gone');
  const facts = untold.slice(0, shown).map(({ label, text }) => fact(label, text));
  const left = untold.length - facts.length;
  const more = left > 0 ? [fact('And', `${left} more`)] : [];
  const subject = `databases on the server ${name}: ${countsOf(untold)}`;
  return {
    ...about('databases', {}, { at }, subject, [...facts, ...more], isGone ? ['nightjar check'] : []),
    severity: isGone ? 'problem' : 'info',
  };
}
