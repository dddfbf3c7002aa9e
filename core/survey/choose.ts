import { isUnread } from '../domain/verdict/verdict.ts';
import { word } from '../domain/messages/text.ts';
import type { Manifest } from '../contract/manifest/manifest.ts';
import { BackupError, messageOf } from '../domain/errors.ts';
import { backupId } from '../domain/keys.ts';
import type { BackupId, SourceName } from '../domain/keys.ts';
import { shrunkText } from '../domain/messages/findings.ts';
import type { SourceRules, SourceVerdict, Verdict } from '../domain/verdict/verdict.ts';
import type { Clock } from '../ports.ts';
import type { Store } from '../store/store.ts';
import { survey } from './survey.ts';

type ChooseDeps = { store: Store; clock: Clock };

/** A newer backup than the one that is taken, and why it is not good. */
export type PassedOver = { id: string; why: string };

/**
 * A backup that was asked for, and what a person should know before it is used. `passedOver`: what is newer, where
 * nobody named this one; the newest first.
 */
export type Chosen = { manifest: Manifest; warnings: string[]; passedOver: PassedOver[] };

/** So many of the newest manifests that the vault does not remember are read at first. */
const readAtFirst = 100;

/**
 * The backup that is meant: one by its id, `latest` for the newest good one, `newest` for the newest whatever it is
 * worth (but not one of the future). Says which newer ones were passed over and why. Throws `backup-missing`,
 * `part-corrupt` where every one is damaged, `manifest-invalid`, `manifest-unsigned`.
 */
export async function chooseBackup(
  source: SourceName,
  which: string,
  memory: SourceRules,
  deps: ChooseDeps,
  signal: AbortSignal,
): Promise<Chosen> {
  if (which !== 'latest' && which !== 'newest') return byId(source, backupId(which), memory, deps, signal);
  const { verdict, warnings } = await verdictOfSource(source, memory, deps, signal);
  const newest =
    which === 'latest' ? verdict.newest : verdict.backups.findLast(({ misdated }) => misdated === undefined);
  if (newest === undefined) throw noneGood(source, verdict, deps.store);
  const newer = verdict.backups.slice(verdict.backups.indexOf(newest) + 1);
  const passed = newer.map((one) => `passed over ${one.id}: ${whyBad(one)}`);
  const passedOver = newer.map((one) => ({ id: one.id, why: whyBad(one) })).toReversed();
  const { manifest } = await deps.store.readManifest(source, newest.id, signal);
  return { manifest, warnings: [...warnings, ...passed, ...doubtsAbout(newest, verdict)], passedOver };
}

/**
 * What the backups of a source are worth, as far as the newest ones tell. What the vault remembers is not missed where
 * it can't be read: a restore must not wait for it.
 */
export async function verdictOfSource(
  source: SourceName,
  memory: SourceRules,
  { store, clock }: ChooseDeps,
  signal: AbortSignal,
): Promise<{ verdict: SourceVerdict; warnings: string[] }> {
  const warnings: string[] = [];
  const forgiving = (error: unknown): void =>
    void warnings.push(`what the vault remembers of ${source} can't be read: ${messageOf(error)}`);
  const look = async (most: number) =>
    (await survey(await store.listSource(source, signal), { memory, at: clock.now(), most, forgiving }, store, signal))
      .verdict;
  const verdict = await look(readAtFirst);
  if (verdict.newest !== undefined || verdict.backups.length <= readAtFirst) return { verdict, warnings };
  return { verdict: await look(Number.POSITIVE_INFINITY), warnings };
}

/** Why a backup is passed over. */
export function whyBad({ damage, misdated }: Verdict): string {
  return misdated?.why ?? damage?.why ?? 'its manifest was not read';
}

async function byId(
  source: SourceName,
  id: BackupId,
  memory: SourceRules,
  deps: ChooseDeps,
  signal: AbortSignal,
): Promise<Chosen> {
  const { manifest } = await deps.store.readManifest(source, id, signal);
  // what is asked for by name is given, also where it can't be judged
  const judged = await verdictOfSource(source, memory, deps, signal).catch(() => undefined);
  const found = judged?.verdict.backups.find((one) => one.id === id);
  if (judged === undefined || found === undefined) return { manifest, warnings: [], passedOver: [] };
  const bad = found.damage ?? found.misdated;
  // stands at the end of a restore that went well, too
  const when = bad !== undefined && ['verify', 'restore', 'drill'].includes(bad.kind) ? 'earlier, ' : '';
  return {
    manifest,
    warnings: [...(bad === undefined ? [] : [`${id}: ${when}${bad.why}`]), ...doubtsAbout(found, judged.verdict)],
    passedOver: [],
  };
}

function doubtsAbout({ id, shrunk, other }: Verdict, { full }: SourceVerdict): string[] {
  const instead = full === undefined || full.id === id ? '' : `; the last full one is ${full.id}`;
  return [
    ...(shrunk === undefined ? [] : [`${id}: ${shrunkText(shrunk)}${instead}`]),
    ...(other === undefined
      ? []
      : [`${id} is of another ${other.what} than the ones before: ${other.now} instead of ${other.before}${instead}`]),
  ];
}

function noneGood(source: SourceName, { backups }: SourceVerdict, store: Store): BackupError {
  const last = backups.at(-1);
  if (last === undefined)
    return store.missingBackup(source, 'there is none yet', `take one: nightjar backup ${word(source)}`);
  if (isUnread(last.damage))
    return new BackupError(
      last.damage.kind === 'unsigned' ? 'manifest-unsigned' : 'manifest-invalid',
      last.damage.why,
      { hint: `no other backup is good: nightjar list ${word(source)}` },
    );
  const count = backups.length === 1 ? 'the only one is not good' : `none of ${backups.length} is good`;
  const message = `no backup of ${source} in ${store.place}: ${count}: ${last.id}: ${whyBad(last)}`;
  const hint = `see all of them: nightjar list ${word(source)}; one can be restored by its id all the same`;
  return new BackupError(last.damage === undefined ? 'backup-missing' : 'part-corrupt', message, { hint });
}
