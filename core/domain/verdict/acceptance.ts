import type { Entry, Ledger } from '../../contract/memory/ledger.ts';
import { acceptedBaseline } from './baseline.ts';
import type { BackupFacts } from './baseline.ts';
import type { BackupId } from '../keys.ts';
import { formatBytes, formatCount, plural } from '../units.ts';
import type { SourceVerdict, Verdict } from './verdict.ts';

/** One thing to accept, as people read it. */
export type Acceptable = { what: string; before: string; now: string };

/** Everything that a check reports about a source until somebody accepts it; empty if there is nothing. */
export function acceptableOf({ backups, adopted, newest, gone, lost }: SourceVerdict): Acceptable[] {
  const open = [...backups, ...adopted].filter(({ accepted }) => !accepted);
  return [
    ...(newest?.shrunk === undefined ? [] : [shrunkLine(newest.shrunk)]),
    ...(newest?.other === undefined
      ? []
      : [{ what: newest.other.what, before: newest.other.before, now: newest.other.now }]),
    ...(gone === undefined
      ? []
      : [{ what: 'backups', before: formatCount(gone.of), now: `${formatCount(gone.count)} gone` }]),
    ...open.flatMap(({ id, damage, misdated }) =>
      damage === undefined && misdated === undefined
        ? []
        : [{ what: id, before: '', now: wordOf({ damage, misdated }) }],
    ),
    ...(lost === undefined ? [] : [{ what: 'memory', before: 'lost', now: `of ${plural(backups.length, 'backup')}` }]),
  ];
}

/**
 * What is remembered after the acceptance: the newest good backup becomes the measure if it holds less or something
 * else, and nothing counts as gone or lost. A backup that was dated before newer ones counts from now on. One that is
 * damaged or has an impossible date stays so and is no longer reported. `content`: of the newest good backup.
 */
export function accepted(
  ledger: Ledger,
  verdict: SourceVerdict,
  content: BackupFacts | undefined,
  by: { at: string; by: string },
): Ledger {
  const { gone: _, lost: __, baseline, ...rest } = ledger;
  const { newest } = verdict;
  const isMoved = newest !== undefined && !newest.full && content !== undefined;
  const since = newest === undefined ? undefined : lastFullBefore(verdict, newest);
  const bad = new Map([...verdict.backups, ...verdict.adopted].map((one) => [one.id as string, one]));
  const backups = ledger.backups.map((entry) =>
    acceptedEntry(entry, bad.get(entry.id), isMoved && (since === undefined || entry.id > since)),
  );
  const moved = isMoved ? acceptedBaseline(baseline, newest.id, content) : baseline;
  return { ...rest, backups, ...(moved && { baseline: moved }), accepted: by };
}

/** Backups after this one are like the newest, and are accepted with it. */
function lastFullBefore({ backups }: SourceVerdict, newest: Verdict): BackupId | undefined {
  return backups.findLast(({ id, full }) => full && id < newest.id)?.id;
}

function acceptedEntry(entry: Entry, verdict: Verdict | undefined, isMoved: boolean): Entry {
  const { shrunk, other, odd: _, ...rest } = entry;
  const isBad =
    verdict?.damage !== undefined ||
    verdict?.misdated?.kind === 'future' ||
    verdict?.misdated?.kind === 'contradiction';
  return {
    ...rest,
    ...(!isMoved && shrunk && { shrunk }),
    ...(!isMoved && other && { other }),
    ...(isBad && { accepted: true as const }),
  };
}

function shrunkLine({ what, table, more = 0, now, before }: NonNullable<Verdict['shrunk']>): Acceptable {
  const shown = what === 'bytes' ? formatBytes : formatCount;
  const name = what === 'table' ? `rows of ${table}${more === 0 ? '' : ` and ${plural(more, 'more table')}`}` : what;
  return { what: name, before: shown(before), now: shown(now) };
}

function wordOf({ damage, misdated }: Pick<Verdict, 'damage' | 'misdated'>): string {
  if (damage !== undefined) return `damaged: ${damage.why}`;
  return misdated?.kind === 'late' || misdated?.kind === 'replaced'
    ? `counts from now on (${misdated.kind})`
    : 'of no possible date';
}
