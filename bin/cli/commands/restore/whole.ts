import { BackupError } from '../../../../core/domain/errors.ts';
import { descriptorOf } from '../../../../core/engines/index.ts';
import type { SourceName } from '../../../../core/domain/keys.ts';
import { fewNames } from '../../../../core/domain/lines.ts';
import { word } from '../../../../core/domain/messages/text.ts';
import { plural } from '../../../../core/domain/units.ts';
import type { ServerClaim } from '../../../../core/ports.ts';
import { failureDocument } from '../../text/failure.ts';
import type { CommandOutcome } from '../../text/output.ts';
import { momentMeant } from '../../../../core/domain/time/moment-meant.ts';
import { recallMeant } from '../../names.ts';
import type { CommandSession } from '../../session.ts';
import type { RestoreFlags } from './flags.ts';

/** Flags for one backup, one place or a part of it, which a whole server can't have. */
const ofOne = ['to', 'server', 'table', 'path', 'schemaOnly', 'undo', 'dropOld'] as const;
type RestoreOne = (source: SourceName, flags: RestoreFlags) => Promise<CommandOutcome>;

/**
 * `nightjar restore <server>`: first what belongs to no database, then each database under its own name, one after the
 * other; a failure doesn't stop the others. Leaves out databases that the last look did not find, unless they existed
 * at the moment asked for, or disappeared together with most of the others: then the server was lost, and a backup has
 * run on its successor.
 */
export async function restoreServer(
  server: SourceName,
  which: string,
  flags: RestoreFlags,
  session: CommandSession,
  restoreOne: RestoreOne,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  const { nightjar, out } = session;
  requireOfAll(server, which, flags);
  const isLost = nightjar.unlooked.includes(server);
  await recallMeant([server], session, signal);
  const all = nightjar.onServer(server).filter((one) => one !== server);
  const globals = all.filter((source) => nightjar.settings(source).called === undefined);
  const databases = all.flatMap((source) => {
    const { called: to, gone } = nightjar.settings(source);
    return to === undefined ? [] : [{ source, to, gone }];
  });
  const lost = lostAt(databases.map(({ gone }) => gone));
  const isMeant = (source: SourceName, gone: string | undefined) =>
    gone === undefined || gone === lost || isBefore(source, gone);
  const known = databases.filter(({ source, gone }) => isMeant(source, gone));
  const notYet = new Set<SourceName>();
  const { replace: _, ...adding } = flags;
  const results: object[] = [];
  const failures: unknown[] = [];
  const done = new Set<SourceName>();
  async function one(source: SourceName, own: RestoreFlags): Promise<boolean> {
    out.note(`source  ${source}`);
    done.delete(source);
    try {
      const restored = await restoreOne(source, own);
      results.push({ source, ...restored.document });
      failures.push(...restored.failures);
      if (restored.failures.length === 0) done.add(source);
      return restored.failures.length === 0;
    } catch (error) {
      if (cameLater(source, error)) {
        notYet.add(source);
        out.note(
          `note    left out: ${source}, which is known since ${nightjar.settings(source).since}, and not before`,
        );
        return true;
      }
      failures.push(error);
      results.push({ source, error: failureDocument(error) });
      out.fail(error);
      return false;
    }
  }
  const replaced = flags.replace ? known.map(({ to }) => to) : [];
  const claim = flags.plan ? undefined : await claimOn(server, globals, replaced, session, signal);
  try {
    await everything();
  } finally {
    await claim?.release();
  }
  const meant = known.filter(({ source }) => !notYet.has(source));
  const left = [...globals, ...meant.map(({ source }) => source)].filter((source) => !done.has(source));
  if (meant.length > 0 && left.length > 0 && !flags.plan) out.fail(partly(server, meant, left));
  return { document: { results }, failures };

  async function everything(): Promise<void> {
    // databases need their roles: without them, each would fail
    for (const source of globals)
      if (!(await one(source, beforeLoss(adding))) && flags.keepGoing !== true && flags.plan !== true) return;
    if (databases.length === 0 && (isLost || globals.length === 0)) {
      failures.push(noDatabases(server));
      out.fail(noDatabases(server));
    }
    const unforeseen = globals.length > 0 ? ({ unforeseen: true } as const) : {};
    for (const { source, to, gone } of databases) {
      if (signal.aborted) return;
      if (isMeant(source, gone)) await one(source, { ...flags, to, ofServer: true, ...unforeseen });
      else out.note(`note    left out: ${source}, which was gone since ${gone}: nightjar restore ${word(source)}`);
    }
    const { everyDatabase } = descriptorOf(nightjar.config.servers.get(server)!.engine);
    const again = everyDatabase?.globalsTwice === true && flags.plan !== true;
    for (const source of again ? globals : []) await one(source, beforeLoss(adding));
    if (flags.plan && globals.length > 0)
      out.note('note    what a database lacks on this server now is not looked for: its roles would be made first');
  }

  /** A database that nobody knew at the moment asked for, and that has no backup of before. */
  function cameLater(source: SourceName, error: unknown): boolean {
    const { since } = nightjar.settings(source);
    return error instanceof BackupError && error.code === 'backup-missing' && isBefore(source, since);
  }

  /** Whether a moment was asked for, and is before this one. */
  function isBefore(source: SourceName, then: string | undefined): boolean {
    if (flags.at === undefined || then === undefined) return false;
    const { timeZone } = nightjar.settings(source);
    return momentMeant(flags.at, { timeZone, now: nightjar.clock.now() }).at.getTime() < Date.parse(then);
  }

  /** The roles of the lost server's successor are not those that its databases need. */
  function beforeLoss(own: RestoreFlags): RestoreFlags {
    const isAllLost = databases.every(({ gone }) => gone !== undefined);
    if (lost === undefined || !isAllLost || own.at !== undefined || which !== 'latest') return own;
    // ids have whole seconds: a backup of the same second as the look was begun after it
    return { ...own, at: new Date(Date.parse(lost) - 1000).toISOString() };
  }
}

/**
 * The right to restore all of a server, of which one run has it at a time: two would each get a part of the databases.
 * Throws `lease-held`.
 */
async function claimOn(
  server: SourceName,
  [globals]: readonly SourceName[],
  replaced: readonly string[],
  { nightjar }: CommandSession,
  signal: AbortSignal,
): Promise<ServerClaim | undefined> {
  if (globals === undefined) return undefined;
  const { engine } = await nightjar.source(globals, {}, signal);
  if (engine.claimServer === undefined) return undefined;
  const claim = await engine.claimServer(replaced, signal);
  if (claim !== undefined) return claim;
  throw new BackupError('lease-held', `another restore of all of ${server} is at work on ${engine.place}`, {
    hint: `wait for its end, and look at what it says; what is left then, nightjar restore ${word(server)} restores`,
  });
}

/** What a whole restore has not done, once each failure is told. */
function partly(
  server: SourceName,
  databases: readonly { source: SourceName; to: string }[],
  left: readonly SourceName[],
): BackupError {
  const missing = databases.filter(({ source }) => left.includes(source));
  const count = databases.length - missing.length;
  const restored = `${count} of ${plural(databases.length, 'database')} ${count === 1 ? 'is' : 'are'} restored`;
  const [first] = missing.length < databases.length ? missing : [];
  const again =
    first === undefined
      ? `nightjar restore ${word(server)}`
      : `nightjar restore ${word(first.source)} --to ${word(first.to)}${missing.length > 1 ? ', and so for each of them' : ''}`;
  return new BackupError('restore-failed', `${restored}; not restored: ${fewNames(left, 20)}`, {
    hint: `mend what is told above, then: ${again}`,
  });
}

function noDatabases(server: SourceName): BackupError {
  return new BackupError('backup-missing', `the vault has no backup of any database of the server ${server}`, {
    hint: 'is it the right vault, and has the server the name that it had? nightjar check tells what else lies there',
  });
}

/** The last time when more databases of a server disappeared at once than exist now. */
function lostAt(gone: readonly (string | undefined)[]): string | undefined {
  const there = gone.filter((one) => one === undefined).length;
  const moments = gone.filter((one) => one !== undefined);
  const lost = moments.filter((at) => moments.filter((one) => one === at).length > there);
  return lost.toSorted().at(-1);
}

function requireOfAll(server: string, which: string, flags: RestoreFlags): void {
  const given = ofOne.filter((flag) => flags[flag] !== undefined).map((flag) => `--${flag.replace('O', '-o')}`);
  const isNamed = !['latest', 'latest-proven'].includes(which);
  if (given.length === 0 && !isNamed) return;
  const what = isNamed ? which : given.join(', ');
  throw new BackupError('input-invalid', `${what} can't be meant of all that is on the server ${server}`, {
    hint: 'leave it out, or restore one source after the other: nightjar list names them',
  });
}
