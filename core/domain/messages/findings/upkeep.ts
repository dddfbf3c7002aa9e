import type { Message } from '../../../contract/events/message.ts';
import type { Notice } from '../../tools/notices.ts';
import { formatCount } from '../../units.ts';
import { about, fact, word } from '../text.ts';
import type { ToldAt } from '../text.ts';
import { facts, lookInto, newestFacts } from './standing.ts';
import type { SourceStanding } from './standing.ts';

/** The configuration says that this source is not checked. */
export function paused(standing: SourceStanding, telling: ToldAt): Message {
  return {
    ...about(
      'paused',
      standing,
      telling,
      'paused in the configuration: nobody is told when its backups are missing',
      facts(standing, telling.at),
      lookInto(standing.source),
    ),
    severity: 'info',
  };
}

/** The vault has backups of a source that is no longer configured: nobody makes new ones. */
export function unconfigured(
  standing: Pick<SourceStanding, 'source' | 'place' | 'newest' | 'count'>,
  telling: ToldAt,
): Message {
  const known = [
    fact('Vault', standing.place),
    ...newestFacts(standing, telling.at),
    fact('Backups in the vault', formatCount(standing.count)),
  ];
  return about(
    'unconfigured',
    standing,
    telling,
    'is no longer in the configuration, and still has backups: no new ones are made',
    known,
    [`nightjar list ${word(standing.source)}`],
  );
}

/**
 * The database clients are old or lack a fix, or an authority that a server needs is missing or about to expire.
 * Nothing has failed yet.
 */
export function toolsOutdated(notices: readonly Notice[], telling: ToldAt): Message {
  const hints = [...new Set(notices.map(({ hint }) => hint))].map((hint) => fact('Hint', hint));
  const known = [...notices.map(({ text }) => fact('Notice', text)), ...hints];
  return {
    ...about(
      'tools-outdated',
      {},
      telling,
      'the database clients, or the authorities that they trust, need a look',
      known,
      ['nightjar layer show', 'nightjar layer update'],
    ),
    severity: 'info',
  };
}

/** A subscriber has not confirmed the subscription. */
export function unconfirmed(notices: readonly Notice[], telling: ToldAt): Message {
  const known = notices.flatMap(({ text, hint }) => [fact('Notice', text), fact('Hint', hint)]);
  const subject = 'somebody who is to be told hears nothing: a subscription was never confirmed';
  return about('unconfirmed', {}, telling, subject, known, ['nightjar notify']);
}
