import { byTagPrefix } from '../../contract/cloud/by-tag.ts';
import type { ByTag } from '../../contract/cloud/by-tag.ts';
import type { Roster, RosterEntry } from '../../contract/memory/roster.ts';
import type { RdsDatabase, RdsReach } from '../watch/account.ts';
import { tagWords } from './tag-words.ts';
import type { TagWords } from './tag-words.ts';

/** The rules for a roster. `usual`: the schedule of databases whose tag names none. */
export type RosterRules = {
  byTag: ByTag;
  usual: string;
  /** The VPC of `byTag.network`. */
  vpc: string | undefined;
  /** The key under which a source of such a server is written; undefined for an unknown kind. */
  engineOf(called: string): string | undefined;
  /** Whether this would be a valid source in the configuration. */
  isSource(written: Record<string, unknown>): boolean;
};
type Outcome = { entry: RosterEntry; trouble?: string } | { trouble: string } | 'ignored' | 'later' | 'nothing';
type Untold = Roster['untold'];

/**
 * The sources after a look at RDS. A source whose database is no longer found, or has lost its tag, stays, so that its
 * backups are missed. It leaves only when somebody says so: `<tag>=ignore` on the database, or `byTag.without` in the
 * configuration.
 */
export function rosterAfter(before: Roster, databases: readonly RdsDatabase[], rules: RosterRules, now: Date): Roster {
  const at = now.toISOString();
  const known = new Map(before.sources.map((entry) => [entry.name, entry]));
  const outcomes = new Map(
    databases.map((one) => [nameOf(one), { one, outcome: outcomeOf(one, known.get(nameOf(one)), rules, at) }]),
  );
  const found = [...outcomes].flatMap(([, { outcome }]) =>
    typeof outcome === 'object' && 'entry' in outcome ? [outcome.entry] : [],
  );
  const kept = before.sources.flatMap((entry) => {
    const outcome = outcomes.get(entry.name)?.outcome ?? 'absent';
    if (rules.byTag.without.includes(entry.name) || outcome === 'ignored') return [];
    if (typeof outcome === 'object' && 'entry' in outcome) return [];
    return [outcome === 'nothing' || outcome === 'absent' ? gone(entry, outcome, rules, at) : entry];
  });
  const sources = [...found, ...kept].sort((a, b) => (a.name < b.name ? -1 : 1));
  const refused = [...outcomes.values()].flatMap(({ one, outcome }) =>
    typeof outcome === 'object' && outcome.trouble !== undefined ? [{ what: one.what, why: outcome.trouble }] : [],
  );
  const untold = [...before.untold, ...changes(before, sources), ...newTroubles(before, refused)];
  return { ...before, at, sources, refused, untold };
}

/** A cluster and an instance may have the same name; no identifier of RDS contains a dot. */
function nameOf({ what }: RdsDatabase): string {
  return `${byTagPrefix}${what.replace(/^instance /, '').replace(/^cluster /, 'cluster.')}`;
}

function outcomeOf(one: RdsDatabase, known: RosterEntry | undefined, rules: RosterRules, at: string): Outcome {
  const name = nameOf(one);
  const words = tagWords(one.tags, rules.byTag.tag, rules.usual);
  if (rules.byTag.without.includes(name)) return 'ignored';
  if (words.meant !== 'source') return words.meant;
  const { reach } = one;
  if (reach === undefined) return 'later';
  const why = obstacleOf(one, reach, words, rules);
  if (why !== undefined) return { trouble: why };
  const written = writtenOf(one, reach, words, rules);
  if (!rules.isSource(written)) return { trouble: 'what RDS and its tags say makes no source of it' };
  const since = known === undefined || known.gone !== undefined ? at : known.since;
  const entry = { name, what: one.what, since, written: written as RosterEntry['written'] };
  if (words.unread.length === 0) return { entry };
  return { entry, trouble: `is backed up as usual, for its tag says nothing known: ${words.unread.join(', ')}` };
}

/** Why it can't be backed up, with a remedy. */
function obstacleOf(
  { engine }: RdsDatabase,
  { iam, vpc, resourceId, database }: RdsReach,
  words: TagWords,
  { byTag, vpc: ours, engineOf }: RosterRules,
): string | undefined {
  if (engineOf(engine) === undefined) return `is ${engine}, which Nightjar can't back up`;
  if (!iam || resourceId === '') return 'has no IAM database authentication: switch it on';
  if (vpc !== undefined && ours !== undefined && vpc !== ours)
    return `lies in ${vpc}, and the functions run in ${ours} (cloud.byTag.network)`;
  return (words.database ?? database) === undefined
    ? `was made without a database: name one in the tag ${byTag.tag}:database`
    : undefined;
}

/** The source as it would stand in the configuration. */
function writtenOf(
  { engine }: RdsDatabase,
  { host, port, resourceId, database }: RdsReach,
  words: TagWords,
  { byTag, usual, engineOf }: RosterRules,
): Record<string, unknown> {
  return {
    [engineOf(engine)!]: {
      host,
      ...(port !== undefined && { port }),
      database: words.database ?? database,
      user: byTag.user,
      password: 'iam',
      ...(byTag.tls !== undefined && { tls: byTag.tls }),
    },
    schedule: words.schedule ?? usual,
    ...(words.retention !== undefined && { retention: words.retention }),
    cloud: { network: byTag.network, resourceId },
  };
}

function gone(entry: RosterEntry, why: 'nothing' | 'absent', { byTag }: RosterRules, at: string): RosterEntry {
  if (entry.gone !== undefined) return entry;
  const said = why === 'absent' ? 'it is not in RDS any more' : `it has lost its tag ${byTag.tag}`;
  return { ...entry, gone: { since: at, why: said } };
}

function changes({ sources: before }: Roster, sources: readonly RosterEntry[]): Untold {
  const was = new Map(before.map((entry) => [entry.name, entry]));
  const isLeft = new Set(sources.map(({ name }) => name));
  return [
    ...sources.flatMap(({ name, what, gone: lost, written }): Untold => {
      const known = was.get(name);
      if (known !== undefined && (known.gone === undefined) === (lost === undefined)) return [];
      if (lost !== undefined)
        return [{ label: 'Gone', text: `${what}: ${lost.why}; ${name} is backed up no more, and missed` }];
      return [
        { label: known ? 'Back' : 'New', text: `${what} is the source ${name}, at ${String(written['schedule'])}` },
      ];
    }),
    ...before
      .filter(({ name }) => !isLeft.has(name))
      .map(({ name, what }) => ({
        label: 'Left out',
        text: `${what}: ${name} is no source any more; its backups stay`,
      })),
  ];
}

function newTroubles({ refused: before }: Roster, refused: Roster['refused']): Untold {
  const told = new Set(before.map(({ what, why }) => `${what} ${why}`));
  return refused
    .filter(({ what, why }) => !told.has(`${what} ${why}`))
    .map(({ what, why }) => ({ label: 'Trouble', text: `${what} ${why}` }));
}
