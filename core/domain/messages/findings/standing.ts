import type { Fact, MessageKind } from '../../../contract/events/message.ts';
import { startOf } from '../../keys.ts';
import type { BackupId, SourceName } from '../../keys.ts';
import { inYaml } from '../../lines.ts';
import { formatCount } from '../../units.ts';
import { fact, moment, span, word } from '../text.ts';

const shownOfMany = 5;

/** How a source stands in its vault, as far as it is known. */
export type SourceStanding = {
  source: SourceName;
  /** The vault, as people write it. */
  place: string;
  /** How old the newest complete backup may be, in milliseconds. */
  limitMs: number;
  /** The newest complete backup. */
  newest?: BackupId | undefined;
  /** The newest one that has not shrunk and is of the same database. */
  full?: BackupId | undefined;
  /**
   * The one with the most rows, if it is another than the newest, until somebody accepts that the newest holds less.
   */
  most?: BackupId | undefined;
  /** The newest one that passed a drill or a restore's proof; reading its bytes again does not prove it. */
  proven?: BackupId | undefined;
  /** Runs that have failed since the newest complete backup, and the error of the last one. */
  failures: number;
  lastFailure?: string | undefined;
  /** When the run that is making a backup now began. */
  running?: Date | undefined;
  /** Complete backups in the vault. */
  count: number;
  /** The space that all of it takes in the vault. */
  storedBytes?: number | undefined;
  /** The time zone in which people read the source's moments. */
  timeZone?: string | undefined;
  /** The server that it is on. */
  on?: string | undefined;
  /** Set if the source is a database that no longer exists on its whole server. */
  gone?: { server: SourceName; database: string; since: Date } | undefined;
  /** What the configuration requires now. */
  drillEveryMs?: number | undefined;
  shrink?: { rows: number; bytes: number; since: string | undefined } | undefined;
};

/** What was told, when first, and about which further vault. */
export type Past = { was: MessageKind; since: Date; vault?: string | undefined };

/** Commands to see more of a source. */
export function lookInto(source: SourceName): string[] {
  return [`nightjar check ${word(source)}`, `nightjar list ${word(source)}`];
}

/** The facts in every message about a source. */
export function facts(standing: SourceStanding, at: Date): Fact[] {
  const { place, limitMs, proven, failures, lastFailure, count, timeZone } = standing;
  return [
    fact('Vault', place),
    ...goneFacts(standing),
    ...newestFacts(standing, at),
    fact('Limit', span(limitMs)),
    fact('Newest proven', proven === undefined ? 'none' : `${proven} (${moment(startOf(proven), timeZone)})`),
    fact('Failures since', formatCount(failures)),
    ...(lastFailure === undefined ? [] : [fact('Last failure', lastFailure)]),
    fact('Backups in the vault', formatCount(count)),
  ];
}

/** Why no backup comes, and how to end the alert. */
function goneFacts({ gone, timeZone }: SourceStanding): Fact[] {
  if (gone === undefined) return [];
  const { server, database, since } = gone;
  return [
    fact('Gone', `database ${database} is not on the server ${server} since ${moment(since, timeZone)}`),
    fact('Meant', `then write exclude: [${inYaml(database)}] at sources.${server}`),
  ];
}

/** Commands that make up for a missing backup; a database that is gone from its server can't be backed up. */
export function makingUp({ source, gone, newest }: SourceStanding): string[] {
  if (gone === undefined) return [`nightjar backup ${word(source)}`];
  return newest === undefined ? [] : [`nightjar restore ${word(source)} --to ${word(gone.database)}`];
}

/** Its newest complete backup and its age. */
export function newestFacts(
  { newest, timeZone }: { newest?: BackupId | undefined; timeZone?: string | undefined },
  at: Date,
): Fact[] {
  if (newest === undefined) return [fact('Newest good', 'none')];
  return [fact('Newest good', `${newest} (${moment(startOf(newest), timeZone)})`), fact('Age', ageOf(newest, at))];
}

/** A backup's age, as people read it. */
export function ageOf(id: BackupId, at: Date): string {
  return span(Math.max(0, at.getTime() - startOf(id).getTime()));
}

/** How long something has lasted, as people read it. */
export function lasted(since: Date, at: Date): string {
  return span(Math.max(0, at.getTime() - since.getTime()));
}

/** The last few of many that are sorted oldest first, newest first. */
export function newestFew<One>(all: readonly One[]): One[] {
  return all.slice(-shownOfMany).toReversed();
}

/** How many are not shown. */
export function more(count: number): Fact[] {
  return count > shownOfMany ? [fact('And', `${formatCount(count - shownOfMany)} more`)] : [];
}
