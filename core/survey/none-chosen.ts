import { BackupError } from '../domain/errors.ts';
import type { SourceName } from '../domain/keys.ts';
import { moment, word } from '../domain/messages/text.ts';
import { isUnread } from '../domain/verdict/verdict.ts';
import type { SourceVerdict, Verdict } from '../domain/verdict/verdict.ts';
import { plural } from '../domain/units.ts';
import type { Store } from '../store/store.ts';

/** Why a backup is passed over. */
export function whyBad({ damage, misdated }: Verdict): string {
  return misdated?.why ?? damage?.why ?? 'its manifest was not read';
}

/** The error for a backup that should be encrypted and is not: anybody could have written it, so nobody may use it. */
export function plainBackup(source: SourceName, { id, damage }: Pick<Verdict, 'id' | 'damage'>): BackupError {
  return new BackupError('backup-plain', `the backup ${id} of ${source} is not to be trusted: ${damage?.why}`, {
    hint:
      'keep it to look into it, and see who can write to the vault; if it is yours, of a time without encryption: ' +
      'with a configuration without encryption.recipients it is taken (docs/encryption.md)',
  });
}

/** The error if no backup can be chosen. */
export function noneGood(source: SourceName, { backups, adopted }: SourceVerdict, store: Store): BackupError {
  const last = backups.at(-1);
  if (last === undefined && adopted.length > 0)
    return store.missingBackup(
      source,
      `there is none yet but ${plural(adopted.length, 'adopted one')}`,
      `that goes by its id: nightjar restore ${word(source)} ${adopted.at(-1)!.id}`,
    );
  if (last === undefined)
    return store.missingBackup(source, 'there is none yet', `take one: nightjar backup ${word(source)}`);
  if (isUnread(last.damage))
    return new BackupError(
      last.damage.kind === 'unsigned' ? 'manifest-unsigned' : 'manifest-invalid',
      last.damage.why,
      { hint: `no other backup is good: nightjar list ${word(source)}` },
    );
  if (last.damage?.kind === 'plain') return plainBackup(source, last);
  const count = backups.length === 1 ? 'the only one is not good' : `none of ${backups.length} is good`;
  const message = `no backup of ${source} in ${store.place}: ${count}: ${last.id}: ${whyBad(last)}`;
  const hint = `see all of them: nightjar list ${word(source)}; one can be restored by its id all the same`;
  return new BackupError(last.damage === undefined ? 'backup-missing' : 'part-corrupt', message, { hint });
}

/** The error if no good backup was begun before a moment; `before` are those that were begun. */
export function noneBefore(
  source: SourceName,
  { at, before, timeZone }: { at: Date; before: readonly Verdict[]; timeZone: string },
  verdict: SourceVerdict,
  store: Store,
): BackupError {
  const [earliest, newest] = [verdict.backups[0], verdict.backups.at(-1)];
  if (earliest === undefined || newest === undefined) return noneGood(source, verdict, store);
  const last = before.at(-1);
  const bad = last === undefined ? '' : ` that is good; ${last.id} is not: ${whyBad(last)}`;
  const named = ({ id, start }: Verdict): string => `${id} (${moment(start, timeZone)})`;
  const there = `the earliest is ${named(earliest)}, the newest ${named(newest)}`;
  return store.missingBackup(source, `none until ${moment(at, timeZone)}${bad}; ${there}`);
}

/** The error if none is proven. */
export function noneProven(source: SourceName, verdict: SourceVerdict, store: Store): BackupError {
  if (verdict.newest === undefined) return noneGood(source, verdict, store);
  const what = `none of ${verdict.backups.length} was restored and compared`;
  const newest = `the newest good one is ${verdict.newest.id}`;
  return store.missingBackup(source, `${what}; ${newest}`, `prove it: nightjar drill ${word(source)}`);
}
