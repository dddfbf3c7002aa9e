import type { Fact, Message } from '../../contract/events/message.ts';
import { startOf } from '../keys.ts';
import type { BackupId } from '../keys.ts';
import { formatBytes, formatCount, plural } from '../units.ts';
import { accountNotice } from '../watch/account.ts';
import type { AccountFinding, AccountKind } from '../watch/account.ts';
import type { CheckedSources } from '../watch/check-result.ts';
import type { Judgement } from '../watch/freshness.ts';
import { about, fact } from './text.ts';

const shownSources = 40;
const shownNames = 20;
const bytesOfGb = 1e9;

/** Dollars a month, if known: for a stored gigabyte, and for the whole stack. */
type Costs = { dollarsPerGb?: number | undefined; monthly?: number | undefined };

/**
 * How everything stands, whether something is wrong or not: a weekly message is missed when it does not come. Lines
 * have 80 columns if names are short.
 */
export function digestMessage(look: Omit<CheckedSources, 'told'>, { dollarsPerGb, monthly }: Costs = {}): Message {
  const { at, place, judgements, vault } = look;
  const bad = judgements.filter((one) => !isWell(one));
  const sorted = [...bad, ...judgements.filter(isWell)];
  const shown = sorted.slice(0, shownSources).map((one) => fact(one.standing.source, sourceLine(one, at)));
  const left = sorted.length - shown.length;
  const known = [
    fact('Vault', place),
    ...(vault === undefined ? [] : [fact('Error', vault.why)]),
    fact('Sources', `${formatCount(judgements.length)}${countsOf(judgements)}`),
    fact('Backups', spaceOf(judgements, dollarsPerGb)),
    ...(monthly === undefined
      ? []
      : [fact('Cost', `about $${monthly.toFixed(2)} a month for all of it, by estimate (nightjar cost)`)]),
    ...shown,
    ...(left > 0 ? [fact('And', `${formatCount(left)} more${bad.length > shownSources ? '' : ', all well'}`)] : []),
    ...besides(look),
  ];
  const next = bad.length > 0 || vault !== undefined || unreadOf(look).length > 0 ? ['nightjar check'] : [];
  return { ...about('digest', {}, { at }, subjectOf(look, bad.length), known, next), severity: 'info' };
}

function subjectOf(look: Omit<CheckedSources, 'told'>, bad: number): string {
  const all = look.judgements.length;
  const others = trouble(look).join(', ');
  if (look.vault !== undefined) return "digest: the vault can't be read";
  if (bad > 0) {
    const need = `${formatCount(bad)} of ${plural(all, 'source')} ${bad === 1 ? 'needs' : 'need'} a look`;
    return `digest: ${need}${others && `, ${others}`}`;
  }
  const well = all === 1 ? 'the one source is well' : `all ${formatCount(all)} sources are well`;
  return `digest: ${well}${others && `, but ${others}`}`;
}

/** Problems that belong to no single source. */
function trouble(look: Omit<CheckedSources, 'told'>): string[] {
  const [off, gone, uncovered] = (['schedule-disabled', 'schedule-missing', 'uncovered'] as const).map((kind) =>
    foundOf(look, kind),
  ) as [AccountFinding[], AccountFinding[], AccountFinding[]];
  const unread = unreadOf(look);
  const be = ({ length }: readonly unknown[]): string => (length === 1 ? 'is' : 'are');
  return [
    ...(unread.length > 0 ? [`${plural(unread.length, 'further vault')} can't be read`] : []),
    ...(off.length > 0 ? [`${plural(off.length, 'schedule')} ${be(off)} off`] : []),
    ...(gone.length > 0 ? [`${plural(gone.length, 'schedule')} ${be(gone)} not there`] : []),
    ...(uncovered.length > 0 ? [`${plural(uncovered.length, 'database')} ${be(uncovered)} in no source`] : []),
    ...foundOf(look, 'account-unseen').map(({ what }) => `${what} can't be looked at`),
  ];
}

function unreadOf({ further = [] }: Omit<CheckedSources, 'told'>): Fact[] {
  return further.flatMap(({ name, unread }) => (unread === undefined ? [] : [fact(`Vault ${name}`, unread.why)]));
}

function foundOf({ account }: Omit<CheckedSources, 'told'>, kind: AccountKind): AccountFinding[] {
  return (account?.found ?? []).filter((one) => one.kind === kind);
}

function isWell({ state }: Judgement): boolean {
  return state === 'fresh' || state === 'paused';
}

/** ` (10 fresh, 2 stale)` */
function countsOf(judgements: readonly Judgement[]): string {
  const counts = [...Map.groupBy(judgements, ({ state }) => state)];
  return counts.length === 0
    ? ''
    : ` (${counts.map(([state, of]) => `${formatCount(of.length)} ${state}`).join(', ')})`;
}

/** `371 in 530 GB, about $12.19 a month of storage` */
function spaceOf(judgements: readonly Judgement[], dollarsPerGb: number | undefined): string {
  const sum = (of: (one: Judgement) => number): number => judgements.reduce((all, one) => all + of(one), 0);
  const bytes = sum(({ standing }) => standing.storedBytes ?? 0);
  const dollars = dollarsPerGb === undefined ? undefined : ((bytes / bytesOfGb) * dollarsPerGb).toFixed(2);
  const cost = dollars === undefined ? '' : `, about $${dollars} a month of storage`;
  return `${formatCount(sum(({ standing }) => standing.count))} in ${formatBytes(bytes)}${cost}`;
}

/** `fresh, 5 h old, proven 3 d ago, 37 backups, 11.2 GB, copies fresh` */
function sourceLine({ standing, state, copies = [] }: Judgement, at: Date): string {
  const { newest, proven, drillEveryMs, count, storedBytes } = standing;
  const ago = (id: BackupId): string => coarse(at.getTime() - startOf(id).getTime());
  const unproven = drillEveryMs === undefined ? [] : ['never proven'];
  const behind = copies.filter((one) => one.state !== 'fresh').map((one) => `${one.vault} ${one.state}`);
  return [
    state,
    ...(newest === undefined ? [] : [`${ago(newest)} old`]),
    ...(proven === undefined ? unproven : [`proven ${ago(proven)} ago`]),
    plural(count, 'backup'),
    ...(storedBytes === undefined ? [] : [formatBytes(storedBytes)]),
    ...(copies.length > 0 && behind.length === 0 ? ['copies fresh'] : behind),
  ].join(', ');
}

/** One unit is enough for an overview. */
function coarse(ms: number): string {
  const minutes = Math.max(0, Math.round(ms / 60_000));
  if (minutes < 90) return `${minutes} min`;
  return minutes < 48 * 60 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 1440)} d`;
}

/** What belongs to no single source: further vaults, unconfigured sources, the account, and notices. */
function besides(look: Omit<CheckedSources, 'told'>): Fact[] {
  const { unconfigured, notices = [], unheard = [], account } = look;
  const [disabled, gone, uncovered] = (['schedule-disabled', 'schedule-missing', 'uncovered'] as const).map((kind) =>
    foundOf(look, kind).map(({ what }) => what),
  );
  const isAsked = account?.judged.includes('uncovered') ?? false;
  return [
    ...unreadOf(look),
    ...namesFact(
      'Not in the configuration',
      unconfigured.map(({ source }) => source),
    ),
    ...(isAsked && uncovered!.length === 0 ? [fact('In no source', 'no database of RDS')] : []),
    ...namesFact('In no source', uncovered!),
    ...namesFact('Switched off', disabled!),
    ...namesFact('Schedules not there', gone!),
    ...[...notices, ...unheard].map(({ text }) => fact('Notice', text)),
    ...foundOf(look, 'account-unseen').map((one) => fact('Notice', accountNotice(one))),
  ];
}

function namesFact(label: string, names: readonly string[]): Fact[] {
  if (names.length === 0) return [];
  const more = names.length > shownNames ? `, and ${formatCount(names.length - shownNames)} more` : '';
  return [fact(label, `${names.slice(0, shownNames).join(', ')}${more}`)];
}
