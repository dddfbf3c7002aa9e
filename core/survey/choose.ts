import type { Manifest } from '../contract/manifest/manifest.ts';
import { backupId } from '../domain/keys.ts';
import type { BackupId, SourceName } from '../domain/keys.ts';
import { shrunkText } from '../domain/messages/findings/content.ts';
import { moment } from '../domain/messages/text.ts';
import { momentMeant } from '../domain/time/moment-meant.ts';
import { plural } from '../domain/units.ts';
import { verdictOn } from '../domain/verdict/verdict.ts';
import type { SourceRules, SourceVerdict, Verdict } from '../domain/verdict/verdict.ts';
import type { Clock } from '../ports.ts';
import type { Store } from '../store/store.ts';
import { noneBefore, noneGood, noneProven, plainBackup, whyBad } from './none-chosen.ts';
import { verdictOfSource } from './verdict-of-source.ts';

type ChooseDeps = { store: Store; clock: Clock };

/**
 * Which backup is meant: an id; `latest`, the newest good one; `latest-proven`, the newest that was restored and
 * compared; `newest`, whatever its verdict (but not one dated in the future); or the newest good one begun not later
 * than a moment (`momentMeant` says how that may be written). An adopted one is found only by its id.
 */
export type Which = string | { at: string };

/** A newer backup than the chosen one, and why it is not good. */
export type PassedOver = { id: string; why: string };

/**
 * The chosen backup, and what a person should know before it is used. `passedOver`: the newer ones, newest first, if
 * nobody named this one. `meant`: how a moment was understood.
 */
export type Chosen = { manifest: Manifest; warnings: string[]; passedOver: PassedOver[]; meant?: string };

/**
 * The backup that is meant, with the newer ones that were passed over and why. Throws `input-invalid`,
 * `backup-missing`, `part-corrupt` if every one is damaged, `manifest-invalid`, `manifest-unsigned`, `backup-plain`.
 */
export async function chooseBackup(
  source: SourceName,
  which: Which,
  memory: SourceRules,
  deps: ChooseDeps,
  signal: AbortSignal,
): Promise<Chosen> {
  if (typeof which !== 'string') return byMoment(source, which.at, memory, deps, signal);
  if (which === 'latest-proven') return latestProven(source, memory, deps, signal);
  if (which !== 'latest' && which !== 'newest') return byId(source, backupId(which), memory, deps, signal);
  const { verdict, warnings } = await verdictOfSource(source, memory, deps, signal);
  const newest =
    which === 'latest' ? verdict.newest : verdict.backups.findLast(({ misdated }) => misdated === undefined);
  if (newest === undefined) throw noneGood(source, verdict, deps.store);
  if (newest.damage?.kind === 'plain') throw plainBackup(source, newest);
  return chosen(source, newest, { verdict, warnings, newer: newerThan(newest, verdict.backups) }, deps, signal);
}

/** The newer backups are not good, but may hold data that this one lacks, so they are named. */
async function chosen(
  source: SourceName,
  one: Verdict,
  { verdict, warnings, newer }: { verdict: SourceVerdict; warnings: string[]; newer: readonly Verdict[] },
  { store }: ChooseDeps,
  signal: AbortSignal,
): Promise<Chosen> {
  const passed = newer.map((bad) => `passed over ${bad.id}: ${whyBad(bad)}`);
  const passedOver = newer.map((bad) => ({ id: bad.id, why: whyBad(bad) })).toReversed();
  const { manifest } = await store.readManifest(source, one.id, signal);
  return { manifest, warnings: [...warnings, ...passed, ...doubtsAbout(one, verdict)], passedOver };
}

function newerThan(one: Verdict, backups: readonly Verdict[]): Verdict[] {
  return backups.slice(backups.indexOf(one) + 1);
}

async function byMoment(
  source: SourceName,
  text: string,
  memory: SourceRules,
  deps: ChooseDeps,
  signal: AbortSignal,
): Promise<Chosen> {
  const { timeZone } = memory;
  const { at, odd } = momentMeant(text, { timeZone, now: deps.clock.now() });
  const { verdict, warnings } = await verdictOfSource(source, memory, deps, signal, { until: at });
  const before = verdict.backups.filter(({ start }) => start.getTime() <= at.getTime());
  const newest = before.findLast(({ good }) => good);
  if (newest === undefined) throw noneBefore(source, { at, before, timeZone }, verdict, deps.store);
  const found = { verdict, warnings: [odd ?? [], warnings].flat(), newer: newerThan(newest, before) };
  const began = `the newest good backup until then began ${moment(newest.start, timeZone)}`;
  const meant = `${text} is ${moment(at, timeZone)}; ${began}`;
  return { ...(await chosen(source, newest, found, deps, signal)), meant };
}

/** Newer backups that are not proven are passed over on purpose: that is what this choice means. */
async function latestProven(
  source: SourceName,
  memory: SourceRules,
  deps: ChooseDeps,
  signal: AbortSignal,
): Promise<Chosen> {
  const { verdict, warnings } = await verdictOfSource(source, memory, deps, signal, { wanted: 'proven' });
  const { proven, backups } = verdict;
  if (proven === undefined) throw noneProven(source, verdict, deps.store);
  const newer = newerThan(proven, backups);
  const count = `${plural(newer.length, 'newer backup')} ${newer.length === 1 ? 'is' : 'are'} not proven`;
  const told = newer.length === 0 ? [] : [`${count}, the newest ${newer.at(-1)!.id}`];
  const found = { verdict, warnings: [...warnings, ...told], newer: [] };
  return chosen(source, proven, found, deps, signal);
}

async function byId(
  source: SourceName,
  id: BackupId,
  memory: SourceRules,
  deps: ChooseDeps,
  signal: AbortSignal,
): Promise<Chosen> {
  const { manifest } = await deps.store.readManifest(source, id, signal);
  // a backup asked for by id is returned even if it can't be judged, unless it may have to be encrypted
  const judged = await verdictOfSource(source, memory, deps, signal).catch((error: unknown) => {
    if (memory.encrypted && manifest.encryption === null) throw error;
    return undefined;
  });
  const found = judged && verdictOn(id, judged.verdict);
  if (found?.damage?.kind === 'plain') throw plainBackup(source, found);
  if (judged === undefined || found === undefined) return { manifest, warnings: [], passedOver: [] };
  const bad = found.damage ?? found.misdated;
  // also shown at the end of a restore that succeeded
  const when = bad !== undefined && ['verify', 'restore', 'drill'].includes(bad.kind) ? 'earlier, ' : '';
  return {
    manifest,
    warnings: [...(bad === undefined ? [] : [`${id}: ${when}${bad.why}`]), ...doubtsAbout(found, judged.verdict)],
    passedOver: [],
  };
}

/** A full backup has none. */
function doubtsAbout({ id, shrunk, other }: Verdict, { full }: SourceVerdict): string[] {
  const instead = full === undefined ? '' : `; the last full one is ${full.id}`;
  return [
    ...(shrunk === undefined ? [] : [`${id}: ${shrunkText(shrunk)}${instead}`]),
    ...(other === undefined
      ? []
      : [`${id} is of another ${other.what} than the ones before: ${other.now} instead of ${other.before}${instead}`]),
  ];
}
