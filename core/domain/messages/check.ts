import type { Moment } from '../watch/expectation.ts';
import type { Expectation } from '../watch/expected.ts';
import type { Finding, Judgement } from '../watch/freshness.ts';
import { about, fact, moment, word } from './text.ts';
import type { ToldAt } from './text.ts';
import { damaged, gone, otherDatabase, shrunk } from './findings/content.ts';
import { copyBehind } from './findings/copies.ts';
import { leaseStuck, missed, never, overdueDrill, stale } from './findings/missing.ts';
import { unknown } from './findings/unreadable.ts';
import { paused } from './findings/upkeep.ts';
import type { Message } from '../../contract/events/message.ts';
import type { SourceStanding } from './findings/standing.ts';

/**
 * The message for the findings of one kind of a source; of `unknown` there may be several. Suggests no backup while one
 * is being made; while a stuck lease prevents one, suggests freeing that first. `vault`: of copies, only those in this
 * further vault.
 */
export function messageOfFinding(
  judgement: Judgement,
  kind: Finding['kind'],
  telling: ToldAt,
  vault?: string,
): Message | undefined {
  const of = vault === undefined ? judgement : inVault(judgement, vault);
  const message = messageAlone(of, kind, telling);
  const { source, running, timeZone } = judgement.standing;
  const backup = `nightjar backup ${word(source)}`;
  if (message === undefined || kind === 'lease-stuck' || !message.next.includes(backup)) return message;
  const others = message.next.filter((command) => command !== backup);
  if (judgement.findings.some((one) => one.kind === 'lease-stuck'))
    return { ...message, next: [...others, `nightjar unlock ${word(source)}`] };
  if (running === undefined) return message;
  const since = fact('Running', `a backup, since ${moment(running, timeZone)}`);
  const check = `nightjar check ${word(source)}`;
  return { ...message, facts: [...message.facts, since], next: [check, ...others.filter((one) => one !== check)] };
}

function inVault(judgement: Judgement, vault: string): Judgement {
  return { ...judgement, findings: judgement.findings.filter((one) => 'vault' in one && one.vault === vault) };
}

function messageAlone(
  { standing, findings, expectation }: Judgement,
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
      return missed(standing, finding.moments, telling, madeSince(finding.moments, expectation));
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
    case 'copy-behind':
      return copyBehind(
        standing,
        findings.filter((one) => one.kind === 'copy-behind'),
        telling,
      );
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

/** The last moment after these that has its backup. */
function madeSince(moments: readonly Moment[], expectation: Expectation | undefined): Date | undefined {
  const last = moments.at(-1)?.at ?? new Date(0);
  return expectation?.moments.findLast(({ at, outcome }) => at > last && (outcome === 'made' || outcome === 'late'))
    ?.at;
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
