import type { WaitingMessage } from '../contract/memory/outbox.ts';
import type { Change, Sighting } from '../domain/watch/alerts.ts';
import { messageOfFinding } from '../domain/messages/check.ts';
import { isBackupError } from '../domain/errors.ts';
import { isFirstAtWork } from '../domain/watch/freshness.ts';
import { accountSightings } from '../domain/watch/account.ts';
import { copySightings } from '../domain/watch/copies.ts';
import type { Finding, Judgement } from '../domain/watch/freshness.ts';
import { accountFound, accountOver, isAccountKind } from '../domain/messages/findings/account.ts';
import { copyUnknown } from '../domain/messages/findings/copies.ts';
import { over, recovered } from '../domain/messages/findings/over.ts';
import { unknown } from '../domain/messages/findings/unreadable.ts';
import { toolsOutdated, unconfigured, unconfirmed } from '../domain/messages/findings/upkeep.ts';
import type { Message } from '../contract/events/message.ts';
import { endedRuns, withSightings } from '../domain/watch/outbox.ts';
import type { Outbox } from '../domain/watch/outbox.ts';
import { runEnded, runKinds } from '../domain/messages/run.ts';
import type { Clock, Notifier } from '../ports.ts';
import { configurationId } from '../store/memory/checkers.ts';
import type { Checkers } from '../store/memory/checkers.ts';
import type { Store } from '../store/store.ts';
import type { VaultSurvey } from '../survey/survey-vault.ts';
import { notifyAll } from './notify-all.ts';

type AnnounceDeps = {
  store: Store;
  clock: Clock;
  notifiers: readonly Notifier[];
  /** Every name of the configuration, whether it was looked at or not. */ sourceNames: readonly string[];
};

const kinds = [
  'never',
  'stale',
  'missed',
  'lease-stuck',
  'gone',
  'damaged',
  'other-database',
  'unknown',
  'shrunk',
  'overdue-drill',
  'paused',
] as const satisfies Finding['kind'][];

/** Findings that only a good backup ends: that every backup is gone or damaged does not end them. */
const endedByBackup: readonly Finding['kind'][] = ['never', 'stale', 'missed', 'shrunk', 'other-database'];

/**
 * Tells every notifier what has changed since it was last told, and remembers what it was told; a check that is killed
 * in between tells it twice. While the memory can't be read, each check reports everything that is wrong.
 */
export async function announce(
  look: VaultSurvey,
  deps: AnnounceDeps,
  signal: AbortSignal,
): Promise<{ told: Message[]; failures: unknown[] }> {
  // the unreadable vault is reported below, and nothing can be remembered in it
  const unread = look.vault !== undefined || look.judgements.every(isUnknown);
  const checkers: Checkers & { error?: unknown } = unread
    ? unmarked(deps)
    : await deps.store.checkersOf(deps.sourceNames, look.at, signal).catch((error: unknown) => {
        if (signal.aborted || !isBackupError(error)) throw error;
        return { ...unmarked(deps), error };
      });
  const { told, failures, forgotten } = await notifyAll((box) => edited(box, look, checkers), deps, signal);
  const unkept = new Set([...(checkers.error === undefined ? [] : [checkers.error]), ...forgotten]);
  return { told, failures: [...failures, ...(unread ? [] : unkept)] };
}

function unmarked({ sourceNames }: AnnounceDeps): Checkers {
  return { id: configurationId(sourceNames), others: [] };
}

function edited(box: Outbox, look: VaultSurvey, checkers: Checkers): Outbox {
  const judgements = new Map<string | undefined, Judgement>(look.judgements.map((one) => [one.standing.source, one]));
  const judge = { id: checkers.id, others: new Set(checkers.others.map(({ id }) => id)) };
  const itemOf = (change: Change): WaitingMessage | undefined => {
    const judgement = judgements.get(change.alert.source);
    const message = messageOf(change, judgement, look);
    const on = judgement?.standing.on;
    return message && { ...change, ...(on !== undefined && { on }), message };
  };
  return withSightings(
    { ...box, left: 0 },
    [...sightingsOf(look, box, checkers), ...endedRuns(box)],
    look.at,
    judge,
    itemOf,
  );
}

/** What could be judged of each source, and which findings hold. */
function sightingsOf(
  { at, whole, judgements, unconfigured: lost, vault, notices, unheard, account, further }: VaultSurvey,
  { open, waiting }: Outbox,
  { others }: Checkers,
): Sighting[] {
  const known = [...open, ...waiting.map(({ alert }) => alert)];
  const all: Sighting[] = whole
    ? [
        { judged: ['unknown'], found: vault === undefined ? [] : ['unknown'] },
        ...sightingsOfNotices('tools-outdated', notices),
        ...sightingsOfNotices('unconfirmed', unheard),
        ...accountSightings(account, known),
      ]
    : [];
  if (vault !== undefined) return all;
  const own = judgements.map(({ standing }) => standing.source as string);
  const elsewhere = new Set(others.flatMap(({ sources }) => sources));
  const gone = lost.flatMap(({ source, old }) => (old && !elsewhere.has(source) ? [source as string] : []));
  const told = known.flatMap(({ source, kind }) =>
    kind === 'unconfigured' && source !== undefined && !own.includes(source) ? [source] : [],
  );
  return [
    ...all,
    ...judgements.map((judgement) => sightingOf(judgement, at)),
    ...copySightings({ whole, judgements, further }, known),
    ...(whole
      ? [...new Set([...gone, ...told])].map(
          (source): Sighting => ({
            source,
            judged: ['unconfigured'],
            found: gone.includes(source) ? ['unconfigured'] : [],
          }),
        )
      : []),
  ];
}

function sightingsOfNotices(kind: 'tools-outdated' | 'unconfirmed', notices: VaultSurvey['notices']): Sighting[] {
  return notices === undefined ? [] : [{ judged: [kind], found: notices.length === 0 ? [] : [kind] }];
}

/**
 * If a source as a whole is unknown, nothing else about it can be judged. While the first backup is being made, nobody
 * is told that there is none. A fresh source has returned to some configuration.
 */
function sightingOf(judgement: Judgement, at: Date): Sighting {
  const { standing, state, findings } = judgement;
  const { source } = standing;
  const isBegun = isFirstAtWork(judgement, at);
  const found = [...new Set(findings.map(({ kind }) => kind))].filter((kind) => !(isBegun && kind === 'never'));
  if (isUnknown(judgement)) return { source, judged: ['unknown', 'paused'], found };
  if (standing.newest === undefined)
    return {
      source,
      judged: kinds.filter((kind) => found.includes(kind) || found.includes('never') || !endedByBackup.includes(kind)),
      found,
    };
  return { source, judged: state === 'fresh' ? [...kinds, 'unconfigured'] : kinds, found };
}

function isUnknown({ findings }: Judgement): boolean {
  return findings.some((one) => one.kind === 'unknown' && one.whole);
}

/** The further vault that an alert is about, if the source is still copied there. */
function copiedTo({ cause }: Change['alert'], judgement: Judgement | undefined): string | undefined {
  return judgement?.copies?.find(({ vault }) => vault === cause)?.vault;
}

function messageOf(
  { severity, alert }: Change,
  judgement: Judgement | undefined,
  { at, place, unconfigured: others, vault, notices = [], unheard = [], account, further = [] }: VaultSurvey,
): Message | undefined {
  const { source, kind } = alert;
  const past = { was: kind, since: new Date(alert.since), vault: copiedTo(alert, judgement) };
  const telling = { at, ...(severity === 'reminder' && { since: past.since }) };
  if (kind === 'tools-outdated') return toolsOutdated(notices, telling);
  if (kind === 'unconfirmed')
    return severity === 'recovered'
      ? over('everybody who subscribed has confirmed it', past, at)
      : unconfirmed(unheard, telling);
  if (isAccountKind(kind)) {
    const found = account?.found.find((one) => one.kind === kind && one.what === alert.cause);
    if (severity !== 'recovered') return found && accountFound(found, telling);
    return over(accountOver(kind, alert.cause ?? ''), past, at);
  }
  if (runKinds.includes(kind)) return runEnded(alert, [alert], at);
  if (kind === 'copy-unknown') {
    const one = further.find(({ name }) => name === alert.cause);
    if (one === undefined) return over(`nothing is copied to the vault ${alert.cause} any more`, past, at);
    const { name, unread } = one;
    return severity === 'recovered' || unread === undefined
      ? over(`the vault ${name} can be read again`, past, at)
      : copyUnknown(name, unread, telling);
  }
  if (source === undefined)
    return severity === 'recovered'
      ? over('the vault can be read again', past, at)
      : unknown({ place, why: '', ...vault, copies: further.map(({ name }) => name) }, telling);
  const other = others.find((one) => one.source === source);
  if (kind === 'unconfigured') return other && { ...unconfigured({ ...other, place }, telling), severity: 'info' };
  if (judgement === undefined) return undefined;
  if (severity === 'recovered') return recovered(judgement.standing, past, at);
  return messageOfFinding(judgement, kind as Finding['kind'], telling, alert.cause);
}
