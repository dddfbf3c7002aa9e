import type { Finding, Judgement } from '../watch/freshness.ts';
import { about, fact, word } from './text.ts';
import type { ToldAt } from './text.ts';
import {
  damaged,
  gone,
  leaseStuck,
  missed,
  never,
  otherDatabase,
  overdueDrill,
  paused,
  shrunk,
  stale,
  unknown,
} from './findings.ts';
import type { Message, SourceStanding } from './findings.ts';

/** What to tell of the findings of one kind of a source; there may be several of `unknown`. */
export function messageOfFinding(
  { standing, findings }: Judgement,
  kind: Finding['kind'],
  telling: ToldAt,
): Message | undefined {
  const finding = findings.find((one) => one.kind === kind);
  switch (finding?.kind) {
    case undefined:
      return undefined;
    case 'never':
      return never(standing, telling);
    case 'stale':
      return stale(standing, telling);
    case 'missed':
      return missed(standing, finding.moments, telling);
    case 'lease-stuck':
      return leaseStuck(standing, finding.why, telling);
    case 'shrunk':
      return shrunk(standing, finding, telling);
    case 'damaged':
      return damaged(standing, finding.backups, telling);
    case 'gone':
      return gone(standing, finding, telling);
    case 'other-database':
      return otherDatabase(standing, finding, telling);
    case 'overdue-drill':
      return overdueDrill(standing, finding.everyMs, telling);
    case 'paused': {
      const message = paused(standing, telling);
      return finding.until === undefined
        ? message
        : { ...message, facts: [fact('Until', finding.until), ...message.facts] };
    }
    case 'unknown':
      return finding.whole ? unknown({ ...standing, ...finding }, telling) : doubtful(standing, findings, telling);
  }
}

/** Some of a source's backups are not what they seem; the others were judged. */
function doubtful(standing: SourceStanding, findings: readonly Finding[], telling: ToldAt): Message {
  const doubts = findings.filter((one) => one.kind === 'unknown');
  const hints = new Set(doubts.flatMap(({ hint }) => hint ?? []));
  const known = [
    fact('Vault', standing.place),
    ...doubts.map(({ why }) => fact('Error', why)),
    ...[...hints].map((hint) => fact('Hint', hint)),
  ];
  return about('unknown', standing, telling, 'not every backup can be judged: nobody knows whether it is good', known, [
    `nightjar list ${word(standing.source)}`,
  ]);
}
