import type { Ledger } from '../../contract/memory/ledger.ts';
import type { Alert } from '../../contract/memory/outbox.ts';
import { startOf } from '../keys.ts';
import type { BackupId } from '../keys.ts';
import { medianOf } from '../units.ts';
import { shapeOf } from '../verdict/copy-shape.ts';
import type { SourceHistory } from '../verdict/history.ts';
import { damageOf } from '../verdict/verdict.ts';
import type { SourceVerdict } from '../verdict/verdict.ts';
import type { Sighting } from './alerts.ts';
import type { CopyStanding, Finding, Judgement, WatchedCopy } from './freshness.ts';

/**
 * What the first vault offers to copies of a source. `since`: when it had its first backup, as far as is remembered;
 * `shapes`: how each backup lies there, and since when; `adopted`: backups made by no run, which make no copy fresh.
 */
export type Offered = {
  newest: BackupId;
  since: Date;
  shapes: ReadonlyMap<BackupId, { shape: string; completed: Date }>;
  adopted: ReadonlySet<BackupId>;
};

/** What a further vault has of a source. `newest`: the newest of the first vault's backups that is whole there. */
export type CopySeen = { newest: BackupId | undefined; hasAll: boolean; lagMs: number };

/** How many of the last copies tell how long one usually takes to arrive. */
const usualOf = 7;

/** What copies must have, by the first vault; undefined if none of its backups is good. */
export function offeredBy(
  { backups }: SourceHistory,
  { newest, backups: own, adopted }: SourceVerdict,
  { baseline, backups: entries }: Ledger,
): Offered | undefined {
  if (newest === undefined) return undefined;
  const parts = new Map(entries.map(({ id, facts }) => [id, facts?.parts]));
  const first = baseline?.from ?? own[0]?.id ?? newest.id;
  return {
    newest: newest.id,
    since: startOf(first as BackupId),
    adopted: new Set(adopted.map(({ id }) => id)),
    shapes: new Map(
      backups.map((found) => [found.id, { shape: shapeOf(found, parts.get(found.id)), completed: found.completed }]),
    ),
  };
}

/**
 * What a listing of a further vault shows. A backup that the first vault no longer has can't be compared and counts as
 * listed. One whose last proof there failed, or that is newer than the newest one offered, does not count.
 */
export function copySeen({ newest: wanted, shapes, adopted }: Offered, copy: SourceHistory): CopySeen {
  const end = startOf(wanted).getTime();
  const whole = copy.backups.filter((found) => {
    const first = shapes.get(found.id);
    const isAlike = first === undefined || first.shape === shapeOf(found);
    return (
      isAlike && !adopted.has(found.id) && damageOf(found, undefined) === undefined && found.start.getTime() <= end
    );
  });
  const lags = whole.flatMap(({ id, completed }) => {
    const first = shapes.get(id);
    return first === undefined ? [] : [Math.max(0, completed.getTime() - first.completed.getTime())];
  });
  return {
    newest: whole.at(-1)?.id,
    hasAll: whole.some(({ id }) => id === wanted),
    lagMs: medianOf(lags.slice(-usualOf)) ?? 0,
  };
}

/**
 * Adds how each copy of a source stands. A copy is behind if it lacks the newest good backup and the newest one it has
 * is older than its limit: its own, or that of the source, plus the time that a copy usually takes to arrive, but no
 * more than twice the limit. Copies of a source that is paused or can't be judged are not judged.
 */
export function withCopies(
  judgement: Judgement,
  copies: readonly WatchedCopy[],
  offered: Offered | undefined,
  seen: ReadonlyMap<string, CopySeen>,
  now: Date,
): Judgement {
  if (copies.length === 0) return judgement;
  const isKnown = judgement.state !== 'paused' && offered !== undefined;
  const stand = copies.map((copy): CopyStanding => {
    const found = seen.get(copy.vault);
    if (!isKnown || found === undefined) return { vault: copy.vault, state: 'unknown' };
    const usualMs = copy.freshnessMs ?? judgement.standing.limitMs;
    const limitMs = usualMs + Math.min(found.lagMs, usualMs);
    const from = found.newest === undefined ? offered.since : startOf(found.newest);
    const isBehind = !found.hasAll && now.getTime() - from.getTime() > limitMs;
    return { vault: copy.vault, state: isBehind ? 'behind' : 'fresh', newest: found.newest, limitMs };
  });
  const behind = stand.flatMap(({ vault, state, newest, limitMs }): Finding[] =>
    state === 'behind' ? [{ kind: 'copy-behind', vault, newest, limitMs: limitMs! }] : [],
  );
  const findings = [
    ...judgement.findings.filter(({ kind }) => kind !== 'overdue-drill'),
    ...behind,
    ...judgement.findings.filter(({ kind }) => kind === 'overdue-drill'),
  ];
  return { ...judgement, findings, state: findings[0]?.kind ?? 'fresh', copies: stand };
}

/** `whole`: every source was looked at, and so was every further vault. */
type CopiesLook = {
  whole: boolean;
  judgements: readonly Judgement[];
  further?: readonly { name: string; unread?: object }[] | undefined;
};

/**
 * What could be judged of copies and of their vaults, each by the name of its vault. `known`: what a notifier was told
 * or is to be told: a copy that is no longer configured is over.
 */
export function copySightings({ whole, judgements, further = [] }: CopiesLook, known: readonly Alert[]): Sighting[] {
  const standings = judgements.flatMap(({ standing: { source }, copies = [] }) =>
    copies.map((copy) => ({ source: source as string, ...copy })),
  );
  const behind = standings.flatMap(({ source, vault, state }): Sighting[] =>
    state === 'unknown' ? [] : [sightingOf('copy-behind', state === 'behind', vault, source)],
  );
  const own = new Set(judgements.map(({ standing }) => standing.source as string));
  const copied = new Set(standings.map(({ source, vault }) => `${source} ${vault}`));
  const ended = known.flatMap(({ kind, source = '', cause = '' }): Sighting[] =>
    kind === 'copy-behind' && own.has(source) && !copied.has(`${source} ${cause}`)
      ? [sightingOf('copy-behind', false, cause, source)]
      : [],
  );
  const unread = further.map((one) => sightingOf('copy-unknown', one.unread !== undefined, one.name));
  const left = known.flatMap(({ kind, cause = '' }): Sighting[] =>
    whole && kind === 'copy-unknown' && further.every(({ name }) => name !== cause)
      ? [sightingOf('copy-unknown', false, cause)]
      : [],
  );
  return [...behind, ...ended, ...unread, ...left];
}

function sightingOf(kind: 'copy-behind' | 'copy-unknown', holds: boolean, cause: string, source?: string): Sighting {
  return { source, cause, judged: [kind], found: holds ? [kind] : [] };
}
