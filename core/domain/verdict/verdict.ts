import type { Retention } from '../../contract/config/settings/settings.ts';
import type { WatchSettings } from '../../contract/config/settings/watch.ts';
import type { Entry, Facts, Ledger, Other, Shrinking } from '../../contract/memory/ledger.ts';
import type { ManifestPart } from '../../contract/manifest/manifest.ts';
import { isAdopted } from './adopted.ts';
import { isLess } from './baseline.ts';
import { calendarOf } from '../time/calendar.ts';
import { plainJudge } from './plain.ts';
import { digestOfParts } from '../parts/digest.ts';
import type { BackupFound, SourceHistory } from './history.ts';
import { startOf } from '../keys.ts';
import type { BackupId } from '../keys.ts';
import { moment, span } from '../messages/text.ts';
import { isPartName } from '../../contract/manifest/part-name.ts';
import { backupPathOf } from '../layout/records.ts';
import type { ProofRecord } from '../layout/records.ts';
import { formatBytes, formatCount, plural } from '../units.ts';

/**
 * What makes a backup unusable as it is: parts that are gone or cut, a manifest that can't be understood or lacks our
 * signature, parts that should be encrypted and are not, a proof that failed.
 */
export type Damage = {
  kind: 'gone' | 'cut' | 'unreadable' | 'unsigned' | 'plain' | 'verify' | 'restore' | 'drill';
  why: string;
};

/** Whether nothing in the manifest can be trusted. */
export function isUnread(damage: Damage | undefined): damage is Damage & { kind: 'unreadable' | 'unsigned' } {
  return damage?.kind === 'unreadable' || damage?.kind === 'unsigned';
}

/**
 * Why a backup's date can't be true: it is in the future, its dates contradict each other, or it was not there when
 * newer ones were.
 */
export type Misdated = { kind: 'future' | 'contradiction' | 'late' | 'replaced'; why: string };

/**
 * The one judgement of a backup that every command and message uses. `good`: neither damaged nor misdated. `full`:
 * good, and neither shrunk nor of another database. `proven`: good, restored and compared, and nothing bad was seen
 * since; reading its bytes again does not prove it. `known`: its manifest was read. `accepted`: a person has seen that
 * it is damaged or misdated.
 */
export type Verdict = {
  id: BackupId;
  start: Date;
  /** How long it took, in milliseconds. */
  ms: number | undefined;
  known: boolean;
  damage: Damage | undefined;
  misdated: Misdated | undefined;
  shrunk: Shrinking | undefined;
  other: Other | undefined;
  accepted: boolean;
  good: boolean;
  full: boolean;
  proven: boolean;
};

/**
 * The verdicts on all backups of a source, oldest first. Adopted ones are listed apart, because they are no runs of the
 * source: only their id leads to them. `hold`: what rotation keeps until somebody has accepted what came after it.
 */
export type SourceVerdict = {
  backups: Verdict[];
  adopted: Verdict[];
  newest: Verdict | undefined;
  full: Verdict | undefined;
  proven: Verdict | undefined;
  hold: BackupId[];
  gone: NonNullable<Ledger['gone']> | undefined;
  /** Why nothing is remembered of the time before. */
  lost: string | undefined;
};

/** The rules by which a source is judged. `encrypted`: its backups have to be. */
export type Rules = { shrink: WatchSettings['shrink']; timeZone: string; encrypted?: boolean | undefined };

/** The rules by which a source is judged and kept. Without a retention, no backup is reported as gone. */
export type SourceRules = Rules & { retention: Retention | undefined };

type Counts = (id: BackupId) => boolean;

/** How much clocks may differ. */
export const clocksMs = 5 * 60_000;
/** A run can't end after its manifest was seen, except by a wrong clock; clocks don't differ by a day. */
const dayMs = 24 * 3_600_000;
const empty: Ledger = { version: 1, backups: [] };

/** The verdict on one backup, adopted or not. */
export function verdictOn(id: string, { backups, adopted }: SourceVerdict): Verdict | undefined {
  return [...backups, ...adopted].find((one) => one.id === id);
}

/** Judges every backup of a source by a listing and by what is remembered of the manifests. */
export function verdictOf(history: SourceHistory, ledger: Ledger | undefined, rules: Rules, now: Date): SourceVerdict {
  const { backups: entries, gone, lost } = ledger ?? empty;
  const known = new Map(entries.map((entry) => [entry.id, entry]));
  const counts = comparedSince(rules);
  const isOwn = ({ id }: { id: BackupId }): boolean => !isAdopted(known.get(id));
  const whyPlain = plainJudge({ backups: history.backups.filter(isOwn) }, rules);
  const judged = history.backups.map((found) =>
    judgeBackup(found, known.get(found.id), { counts, plain: whyPlain(found) }, rules, now),
  );
  const backups = judged.filter(isOwn);
  const newest = backups.findLast(({ good }) => good);
  const full = backups.findLast((one) => one.full);
  return {
    backups,
    adopted: judged.filter((one) => !isOwn(one)),
    newest,
    full,
    proven: backups.findLast(({ proven }) => proven),
    hold: holdOf(backups, known, newest, full),
    gone,
    lost,
  };
}

/** Judges one backup. `entry`: what is remembered of its manifest; `plain`: why it has to be encrypted, and is not. */
export function judgeBackup(
  found: BackupFound,
  entry: Entry | undefined,
  { counts, plain }: { counts: Counts; plain: string | undefined },
  { shrink, timeZone }: Rules,
  now: Date,
): Verdict {
  const known = damageOf(found, entry, timeZone);
  const damage = plain === undefined || isUnread(known) ? known : { kind: 'plain' as const, why: plain };
  const misdated = misdatedOf(found, entry, now);
  const shrunk =
    entry?.shrunk !== undefined && counts(found.id) && isLess(entry.shrunk, shrink) ? entry.shrunk : undefined;
  const good = damage === undefined && misdated === undefined && entry?.facts !== undefined;
  return {
    id: found.id,
    start: found.start,
    ms: entry?.facts && Math.max(0, Date.parse(entry.facts.end) - Date.parse(entry.facts.start)),
    known: entry !== undefined,
    damage,
    misdated,
    shrunk,
    other: entry?.other,
    accepted: entry?.accepted === true,
    good,
    full: good && shrunk === undefined && entry?.other === undefined,
    proven: good && isProven(found.proofs),
  };
}

/** Which backups are compared at all: those since the day that the configuration names. */
export function comparedSince({ shrink: { since }, timeZone }: Rules): Counts {
  if (since === undefined) return () => true;
  const calendar = calendarOf(timeZone);
  return (id) => calendar(startOf(id), 'daily') >= since;
}

/** What is wrong with a backup, by its manifest, its parts and its proofs; undefined if nothing is known. */
export function damageOf(found: BackupFound, entry: Entry | undefined, timeZone = 'UTC'): Damage | undefined {
  if (entry !== undefined && entry.facts === undefined)
    return {
      kind: entry.unsigned ? 'unsigned' : 'unreadable',
      why: entry.unreadable ?? 'its manifest could not be understood',
    };
  return partDamage(found, entry) ?? failedLook(found.proofs, timeZone);
}

/** Why the date of a backup can't be true. */
export function misdatedOf(
  { id, start }: Pick<BackupFound, 'id' | 'start'>,
  entry: Entry | undefined,
  now: Date,
): Misdated | undefined {
  const ahead = start.getTime() - now.getTime();
  if (ahead > clocksMs) return { kind: 'future', why: `the backup ${id} is dated ${span(ahead)} in the future` };
  if (entry?.odd === 'late')
    return { kind: 'late', why: `the backup ${id} was not there when newer ones were: it was put behind them` };
  if (entry?.odd === 'replaced')
    return {
      kind: 'replaced',
      why: `the manifest of the backup ${id} says something else than when it was first read: it was replaced`,
    };
  const contradiction = entry?.facts && contradictionIn(start, entry.facts, now);
  return contradiction === undefined
    ? undefined
    : { kind: 'contradiction', why: `the dates of the backup ${id} contradict each other: ${contradiction}` };
}

/** A digest of the parts in the vault, to compare with those of a manifest. */
export function partsListed({ objects }: Pick<BackupFound, 'objects'>): string {
  return digestOfParts(partsOf(objects));
}

/** The same digest of the parts that a manifest names. */
export function partsNamed(parts: readonly Pick<ManifestPart, 'file' | 'storedBytes'>[]): string {
  return digestOfParts(parts.map(({ file, storedBytes }) => ({ file, bytes: storedBytes })));
}

/** Which parts of a manifest are gone or cut in a listing; additional parts are no damage. */
export function damagedParts(
  parts: readonly Pick<ManifestPart, 'file' | 'storedBytes'>[],
  { objects }: Pick<BackupFound, 'objects'>,
): Damage | undefined {
  const sizes = new Map(partsOf(objects).map(({ file, bytes }) => [file, bytes]));
  const gone = parts.filter(({ file }) => !sizes.has(file));
  const cut = parts.filter(({ file, storedBytes }) => sizes.has(file) && sizes.get(file) !== storedBytes);
  const [first] = cut;
  if (gone.length > 0)
    return {
      kind: 'gone',
      why:
        gone.length === 1
          ? `its part ${gone[0]!.file} is gone`
          : `${gone.length} of its ${plural(parts.length, 'part')} are gone`,
    };
  if (first === undefined) return undefined;
  const more = cut.length === 1 ? '' : `, and ${plural(cut.length - 1, 'more part')} of other sizes`;
  return {
    kind: 'cut',
    why: `its part ${first.file} holds ${sizesText(sizes.get(first.file)!, first.storedBytes)}${more}`,
  };
}

/** Sizes that would look equal are shown to the byte. */
function sizesText(is: number, should: number): string {
  const [now, before] = [formatBytes(is), formatBytes(should)];
  return now === before ? `${formatCount(is)} bytes instead of ${formatCount(should)}` : `${now} instead of ${before}`;
}

function partDamage(found: BackupFound, entry: Entry | undefined): Damage | undefined {
  if (entry?.facts === undefined) return undefined;
  const listed = partsListed(found);
  if (listed === entry.facts.parts) return undefined;
  if (listed === entry.listed?.parts) return entry.listed.damage;
  return { kind: 'gone', why: 'its parts are not those that its manifest names' };
}

/** A verify that passed clears one that failed; a failed restore or drill is only cleared by another that passed. */
function failedLook(proofs: readonly ProofRecord[], timeZone: string): Damage | undefined {
  let open: ProofRecord | undefined;
  for (const proof of proofs) {
    const isWeaker = proof.kind === 'verify' && open !== undefined && open.kind !== 'verify';
    if (!isWeaker) open = proof.outcome === 'failed' ? proof : undefined;
  }
  return open && { kind: open.kind, why: `its ${open.kind} of ${moment(open.at, timeZone)} failed` };
}

/** Whether it was restored and compared, and nothing bad was seen since. Proofs are oldest first. */
function isProven(proofs: readonly ProofRecord[]): boolean {
  const last = proofs.findLast(({ kind, outcome }) => kind !== 'verify' || outcome === 'failed');
  return last?.outcome === 'passed';
}

function contradictionIn(start: Date, facts: Facts, now: Date): string | undefined {
  const [began, ended] = [Date.parse(facts.start), Date.parse(facts.end)];
  if (Math.abs(Math.floor(began / 1000) * 1000 - start.getTime()) > 0)
    return `its manifest says that it began at ${facts.start}`;
  if (ended < began - clocksMs) return `it ended at ${facts.end}, before it began`;
  return ended > now.getTime() + dayMs ? `it ended at ${facts.end}` : undefined;
}

/** If the newest good backup is not full: the newest full one, and the one with the most rows. */
function holdOf(
  backups: readonly Verdict[],
  entries: ReadonlyMap<string, Entry>,
  newest: Verdict | undefined,
  full: Verdict | undefined,
): BackupId[] {
  if (full === undefined || full === newest) return [];
  const rowsOf = ({ id }: Verdict): number => entries.get(id)?.facts?.rows ?? 0;
  const most = backups
    .filter((one) => one.full)
    .reduce((best, one) => (rowsOf(one) >= rowsOf(best) ? one : best), full);
  return [...new Set([most.id, full.id])];
}

function partsOf(objects: BackupFound['objects']): { file: string; bytes: number }[] {
  return objects.flatMap(({ key, bytes }) => {
    const path = backupPathOf(key)?.path ?? '';
    return isPartName(path) ? [{ file: path, bytes }] : [];
  });
}
