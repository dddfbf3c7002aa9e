import { BackupError, messageOf } from '../../../domain/errors.ts';
import type { KeptDatabase, Replaced } from '../../../ports.ts';
import { overdueNotes, usualKeepMs } from '../../kept-notes.ts';
import type { DroppedKept } from '../../kept-notes.ts';
import type { Login } from '../../login.ts';
import { quoteIdentifier, quoteLiteral } from '../identifier.ts';
import type { PostgresSession } from '../session.ts';
import { claim } from './claim.ts';
import { databases, sizesOf } from './leftovers.ts';
import { maintain } from './maintenance.ts';
import { markOf } from './mark.ts';
import { replacementFindings, swapDatabases } from './swap.ts';

/** What stood in the place of the database of `login` before it was replaced, and is kept. */
export function replacedDatabases(login: Login): Replaced {
  return {
    list: (signal) => maintain(login, signal, (session) => keptDatabases(session, login)),
    findings: ({ name }, signal) =>
      maintain(login, signal, async (session) => [
        ...((await exists(session, login.database)) ? await replacementFindings(session, login, signal) : []),
        ...(await replacementFindings(session, { ...login, database: name }, signal)),
      ]),
    async swapBack(kept, _tell, signal) {
      const mine = await claim(login, signal);
      try {
        return await swapBack(login, kept, signal);
      } finally {
        await mine.release();
      }
    },
    async dropOverdue(signal) {
      const mine = await claim(login, signal);
      try {
        // the server drops none that somebody is connected to
        const isOverdue = ({ overdue }: KeptDatabase): boolean => overdue === true;
        return overdueNotes(await maintain(login, signal, (session) => dropKept(session, login, isOverdue)));
      } finally {
        await mine.release();
      }
    },
    async drop({ name }, signal) {
      const mine = await claim(login, signal);
      try {
        const isThis = (kept: KeptDatabase): boolean => kept.name === name;
        const [dropped] = await maintain(login, signal, (session) => dropKept(session, login, isThis));
        if (dropped?.why !== undefined) throw notDropped(dropped);
      } finally {
        await mine.release();
      }
    },
  };
}

/** As `beforeName` calls them. */
const ourName = /_(?:before|undone)_\d{8}/;

/** The moment since which what was replaced is kept by any replacement. */
const keptSince = (ms: number) =>
  `select to_char(now() at time zone 'utc' - interval '${ms} milliseconds', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as since`;

/** The newest first; those that are marked without a moment were replaced by an older Nightjar. */
export async function keptDatabases(
  session: PostgresSession,
  { database, keepReplacedMs }: Login,
): Promise<KeptDatabase[]> {
  const found = (await databases(session)).flatMap(({ name, comment, whole }) => {
    const { state, of, at } = markOf(comment) ?? {};
    return state !== 'replaced' || of !== database || name === database ? [] : [{ name, at, whole }];
  });
  const sizes =
    found.length === 0
      ? new Map<string, number>()
      : await sizesOf(
          session,
          found.map(({ name }) => name),
        );
  const [limit] = await session.rows<{ since: string }>(keptSince(keepReplacedMs ?? usualKeepMs));
  // where a limit is configured, one of unknown age is never taken for older
  const isRecent = (at: string | undefined) => (at === undefined ? keepReplacedMs !== undefined : at > limit!.since);
  const kept = found.map(({ name, at, whole }): KeptDatabase => {
    const bytes = sizes.get(name);
    // whoever has given one a name of their own wants to keep it: it is dropped by a person's word alone
    const isOurs = ourName.test(name);
    return {
      name,
      ...(bytes !== undefined && { bytes }),
      ...(at !== undefined && { since: at }),
      ...(whole && (isRecent(at) || !isOurs) && { recent: true }),
      ...(whole && isOurs && keepReplacedMs !== undefined && !isRecent(at) && { overdue: true }),
      ...(!whole && { halfDropped: true }),
    };
  });
  return kept.sort((one, other) => (other.since ?? '').localeCompare(one.since ?? ''));
}

/** Drops of what is kept of the database of `login` those that are asked for. */
export async function dropKept(
  session: PostgresSession,
  login: Login,
  isAsked: (kept: KeptDatabase) => boolean = () => true,
): Promise<DroppedKept[]> {
  const dropped: DroppedKept[] = [];
  for (const kept of (await keptDatabases(session, login)).filter(isAsked)) {
    const failure = await session.rows(`drop database if exists ${quoteIdentifier(kept.name)}`).then(
      () => ({}),
      (error: unknown) => ({ why: messageOf(error) }),
    );
    dropped.push({ ...kept, ...failure });
  }
  return dropped;
}

/** Returns the name that what stood there has now; undefined where nothing did. */
async function swapBack(login: Login, { name }: KeptDatabase, signal: AbortSignal): Promise<string | undefined> {
  const [, id = ''] = /_(?:before|undone)_(.+)$/.exec(name) ?? [];
  const comment = await maintain(login, signal, async (session) => {
    const found = (await databases(session)).find((one) => one.name === name);
    if (markOf(found?.comment)?.of !== login.database) throw gone(name);
    if (found?.whole === false) throw halfDropped(name);
    return found?.comment?.split('\n').slice(1).join('\n') ?? '';
  });
  const unmarked = comment === '' ? 'null' : quoteLiteral(comment);
  const settled = [`comment on database ${quoteIdentifier(login.database)} is ${unmarked}`];
  return swapDatabases(login, { whole: name, id, settled, word: 'undone' }, signal);
}

async function exists(session: PostgresSession, database: string): Promise<boolean> {
  return (await session.rows('select 1 from pg_database where datname = $1', [database])).length > 0;
}

function gone(name: string): BackupError {
  return new BackupError('restore-failed', `database ${name} is not what it was: somebody has used it meanwhile`, {
    hint: 'look again: the same command with --plan',
  });
}

function halfDropped(name: string): BackupError {
  return new BackupError('restore-failed', `database ${name} is half dropped: nobody can open it any more`, {
    hint: 'drop what is left of it: the same command with --drop-old instead of --undo',
  });
}

function notDropped({ name, why }: DroppedKept): BackupError {
  return new BackupError('restore-failed', `database ${name} could not be dropped: ${why}`, {
    hint: `when nobody is connected to it: DROP DATABASE ${quoteIdentifier(name)};`,
  });
}
