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

/** Databases that were replaced in the place of the one of `login`, and are kept. */
export function replacedDatabases(login: Login): Replaced {
  return {
    list: (signal) => maintain(login, signal, (session) => keptDatabases(session, login)),
    findings: ({ name }, signal) =>
      maintain(login, signal, async (session) => {
        if (!(await exists(session, name))) throw gone(name);
        return [
          ...((await exists(session, login.database)) ? await replacementFindings(session, login, signal) : []),
          ...(await replacementFindings(session, { ...login, database: name }, signal)),
        ];
      }),
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
        // the server refuses to drop one that somebody is connected to
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
        if (dropped === undefined) throw gone(name);
        if (dropped.why !== undefined) throw notDropped(dropped);
      } finally {
        await mine.release();
      }
    },
  };
}

/** Names made by `beforeName`. */
const ourName = /_(?:before|undone)_\d{8}/;

/** The moment since which replaced databases are kept by any later replacement. */
const keptSince = (ms: number) =>
  `select to_char(now() at time zone 'utc' - interval '${ms} milliseconds', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as since`;

/** The newest first. Those marked without a time were replaced by an older Nightjar. */
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
  // if a limit is configured, one of unknown age never counts as older
  const isRecent = (at: string | undefined) => (at === undefined ? keepReplacedMs !== undefined : at > limit!.since);
  const kept = found.map(({ name, at, whole }): KeptDatabase => {
    const bytes = sizes.get(name);
    // somebody who renamed it wants to keep it: it is dropped only by a person's word
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

/** Drops those kept databases of `login`'s that match. */
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

/** Returns the new name of what stood there; undefined if nothing did. */
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
