import type { CheckResult } from '../../contract/events/check.ts';
import { messageOfFinding } from '../messages/check.ts';
import { accountNotice } from './account.ts';
import type { AccountLook } from './account.ts';
import type { Expectation } from './expected.ts';
import type { CopyStanding, Finding, Judgement } from './freshness.ts';
import { startOf } from '../keys.ts';
import type { BackupId, SourceName } from '../keys.ts';
import type { Notice } from '../tools/notices.ts';

/** What a check found and told. */
export type CheckedSources = {
  at: Date;
  place: string;
  judgements: readonly Judgement[];
  unconfigured: readonly { source: SourceName; newest: BackupId; count: number }[];
  vault?: { why: string; hint?: string | undefined } | undefined;
  notices?: readonly Notice[] | undefined;
  further?: readonly { name: string; unread?: { why: string; hint?: string | undefined } }[];
  unheard?: readonly Notice[] | undefined;
  account?: AccountLook | undefined;
  told: readonly unknown[];
};

/** The result of a check for the person or program that asked for it. */
export function checkResult({
  at,
  place,
  judgements,
  unconfigured,
  vault,
  notices = [],
  unheard = [],
  account = { judged: [], found: [] },
  further = [],
  told,
}: CheckedSources): CheckResult {
  const known = [...[...notices, ...unheard].map(({ text }) => text), ...account.found.map(accountNotice)];
  const unread = unreadVaults(further);
  const well =
    vault === undefined &&
    unread.length === 0 &&
    judgements.every(({ state }) => state === 'fresh' || state === 'paused');
  return {
    status: well ? 'fresh' : 'problems',
    at: at.toISOString(),
    ...(vault && { vault: { place, error: vault.why, ...(vault.hint !== undefined && { hint: vault.hint }) } }),
    sources: judgements.map((judgement) => sourceResult(judgement, at)),
    ...(unread.length > 0 && { unread }),
    unconfigured: unconfigured.map(({ source, newest, count }) => ({ source, newest, backups: count })),
    ...(known.length > 0 && { notices: known }),
    told: told.length,
  };
}

function unreadVaults(further: NonNullable<CheckedSources['further']>): NonNullable<CheckResult['unread']> {
  return further.flatMap(({ name, unread }) =>
    unread === undefined
      ? []
      : [{ vault: name, error: unread.why, ...(unread.hint !== undefined && { hint: unread.hint }) }],
  );
}

function sourceResult(judgement: Judgement, at: Date): CheckResult['sources'][number] {
  const {
    standing: { source, newest, limitMs, proven, failures, lastFailure, count },
    state,
    findings,
  } = judgement;
  return {
    source,
    state,
    findings: findings.map((finding) => ({
      kind: finding.kind,
      text:
        'why' in finding
          ? finding.why
          : (messageOfFinding(judgement, finding.kind, { at }, vaultOf(finding))?.subject ?? ''),
    })),
    ...(newest !== undefined && { newest, ageSeconds: seconds(at.getTime() - startOf(newest).getTime()) }),
    limitSeconds: seconds(limitMs),
    ...(proven !== undefined && { proven }),
    failures,
    ...(lastFailure !== undefined && { lastFailure }),
    ...(judgement.expectation !== undefined && { schedule: scheduleResult(judgement.expectation) }),
    backups: count,
    ...(judgement.copies && { copies: judgement.copies.map(copyResult) }),
  };
}

function vaultOf(finding: Finding): string | undefined {
  return finding.kind === 'copy-behind' ? finding.vault : undefined;
}

function copyResult({ vault, state, newest, limitMs }: CopyStanding) {
  const limit = limitMs === undefined ? {} : { limitSeconds: seconds(limitMs) };
  return { vault, state, ...(newest !== undefined && { newest }), ...limit };
}

/** Moments with a backup are counted, the others are named. */
function scheduleResult({
  memory: { since },
  moments,
}: Expectation): NonNullable<CheckResult['sources'][number]['schedule']> {
  const others = moments.flatMap(({ at, outcome, code, busy }) =>
    outcome === 'made' || outcome === 'late'
      ? []
      : [{ at: at.toISOString(), outcome, ...(code !== undefined && { code }), ...(busy && { busy }) }],
  );
  const count = (outcome: 'made' | 'late'): number => moments.filter((one) => one.outcome === outcome).length;
  return { since, made: count('made'), late: count('late'), others };
}

function seconds(ms: number): number {
  return Math.max(0, Math.floor(ms / 1000));
}
