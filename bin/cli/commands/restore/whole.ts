import { BackupError, collected } from '../../../../core/domain/errors.ts';
import { descriptorOf } from '../../../../core/engines/index.ts';
import type { SourceName } from '../../../../core/domain/keys.ts';
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
  const { replace: _, ...adding } = flags;
  const results: object[] = [];
  const failures: unknown[] = [];
  async function one(source: SourceName, own: RestoreFlags): Promise<boolean> {
    out.note(`source  ${source}`);
    try {
      const done = await restoreOne(source, own);
      results.push({ source, ...done.document });
      failures.push(...done.failures);
      return done.failures.length === 0;
    } catch (error) {
      failures.push(error);
      results.push({ source, error: failureDocument(error) });
      out.fail(error);
      return false;
    }
  }
  // databases need their roles: without them, each would fail
  for (const source of globals)
    if (!(await one(source, beforeLoss(adding))) && flags.keepGoing !== true && flags.plan !== true) return ended();
  if (databases.length === 0 && (isLost || globals.length === 0)) {
    failures.push(noDatabases(server));
    out.fail(noDatabases(server));
  }
  const unforeseen = globals.length > 0 ? ({ unforeseen: true } as const) : {};
  for (const { source, to, gone } of databases) {
    if (gone === undefined || gone === lost || wasThere(source, gone))
      await one(source, { ...flags, to, ...unforeseen });
    else out.note(`note    left out: ${source}, which was gone since ${gone}: nightjar restore ${source}`);
  }
  const { everyDatabase } = descriptorOf(nightjar.config.servers.get(server)!.engine);
  const again = everyDatabase?.globalsTwice === true && flags.plan !== true;
  for (const source of again ? globals : []) await one(source, beforeLoss(adding));
  if (flags.plan && globals.length > 0)
    out.note('note    what a database lacks on this server now is not looked for: its roles would be made first');
  return ended();

  function wasThere(source: SourceName, gone: string): boolean {
    if (flags.at === undefined) return false;
    const { timeZone } = nightjar.settings(source);
    return momentMeant(flags.at, { timeZone, now: nightjar.clock.now() }).at.getTime() < Date.parse(gone);
  }

  /** The roles of the lost server's successor are not those that its databases need. */
  function beforeLoss(own: RestoreFlags): RestoreFlags {
    const isAllLost = databases.every(({ gone }) => gone !== undefined);
    if (lost === undefined || !isAllLost || own.at !== undefined || which !== 'latest') return own;
    // ids have whole seconds: a backup of the same second as the look was begun after it
    return { ...own, at: new Date(Date.parse(lost) - 1000).toISOString() };
  }

  function ended(): CommandOutcome {
    return { document: { results }, failures: failures.length > 1 ? [collected(failures)] : failures };
  }
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
