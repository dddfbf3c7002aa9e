import { setTimeout as sleep } from 'node:timers/promises';
import { abortError, BackupError, messageOf } from '../../../domain/errors.ts';
import { fewNames } from '../../../domain/lines.ts';
import type { Login } from '../../login.ts';
import { readCatalog, userObjects } from '../catalog/catalog.ts';
import type { UserObject } from '../catalog/catalog.ts';
import { loaderName } from '../client.ts';
import { quoteLiteral } from '../identifier.ts';
import type { PostgresSession } from '../session.ts';
import type { NamesByKind, Unfinished } from './mark.ts';

const looks = 40;
const betweenMs = 250;

/** What goes with the table, the domain, the family or the server that it is part of. */
const parts =
  /^(?:index|trigger|rule|policy|default value|table column|user mapping|\w+ constraint|\w+ of access method)$/;
/** What acts on its own goes first: event triggers would see the rest go. */
const order = ['event trigger', 'subscription', 'publication', 'view', 'materialized view', 'table', 'foreign table'];
const last = ['schema', 'extension'];
const words: Record<string, string> = {
  'foreign-data wrapper': 'foreign data wrapper',
  'statistics object': 'statistics',
};

/** What the database of `session` holds of the restore; `others`: what is neither of it nor was there before. */
export async function contents(
  session: PostgresSession,
  mark: Unfinished,
): Promise<{ ours: UserObject[]; others: UserObject[] }> {
  const [isMade, wasThere] = [among(mark.makes), among(mark.before)];
  const found = userObjects(await readCatalog(session));
  // the oldest backups use other names; read behind the other, so that it lacks nothing of that
  const named = mark.first === true ? userObjects(await readCatalog(session, {})) : found;
  return {
    ours: found.filter((one) => !wasThere(one)),
    others: named.filter((one) => !isMade(one) && !wasThere(one)),
  };
}

function among(names: NamesByKind): (one: UserObject) => boolean {
  const all = new Set(Object.entries(names).flatMap(([kind, those]) => those.map((name) => `${kind} ${name}`)));
  return ({ kind, name }) => all.has(`${kind} ${name}`);
}

/**
 * Ends what a killed restore has left at work in the database of `session`, and waits for it. Throws `restore-failed`
 * while somebody else is connected, who may be writing into what is about to go; to be asked under the claim.
 */
export async function endLoaders(session: PostgresSession, { database }: Login, signal: AbortSignal): Promise<void> {
  for (let left = looks; left > 0; left -= 1) {
    const found = await session.rows<{ who: string; loads: boolean; ours: boolean }>(
      `select format('%s (pid %s, %s)', usename, pid, coalesce(nullif(application_name, ''), client_addr::text, 'local')) as who,
          application_name = ${quoteLiteral(loaderName)} as loads, application_name like 'nightjar%' as ours,
          case when application_name = ${quoteLiteral(loaderName)} and usename = current_user then pg_terminate_backend(pid) end
        from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and usename is not null`,
    );
    const others = found.filter(({ ours }) => ours !== true).map(({ who }) => who);
    if (others.length > 0)
      throw new BackupError(
        'restore-failed',
        `database ${database} holds a part of a restore that was interrupted, and is in use by ${fewNames(others)}`,
        { hint: 'stop the application first, then run the restore again: it empties the database' },
      );
    if (!found.some(({ loads }) => loads)) return;
    await sleep(betweenMs, undefined, { signal }).catch(() => {});
    if (signal.aborted) throw abortError(signal);
  }
  throw new BackupError('lease-held', `a restore that was killed is still at work in database ${database}`, {
    hint: `wait for its end, or look at what it does in pg_stat_activity (application ${loaderName})`,
  });
}

/**
 * Drops what the restore has made in the database of `session`, object by object, for a transaction holds a lock for
 * each; what was there before it stays. Throws `target-not-empty` where something is there of somebody else.
 */
export async function emptyOut(session: PostgresSession, { database }: Login, mark: Unfinished): Promise<void> {
  await session.rows(`select set_config('session_replication_role', 'replica', false)`).catch(() => {});
  let refused: unknown;
  for (let before = Number.POSITIVE_INFINITY; ; ) {
    const { ours, others } = await contents(session, mark);
    if (others.length > 0) throw notOurs(database, others);
    if (ours.length === 0) return;
    if (ours.length >= before)
      throw new BackupError(
        'restore-failed',
        `database ${database} holds a part of a restore that was interrupted, and could not be emptied of ` +
          `${fewNames(ours.map(({ kind, name }) => `${kind} ${name}`))}${refused === undefined ? '' : `: ${messageOf(refused)}`}`,
        { hint: 'drop these by hand, then run the restore again', ...(refused !== undefined && { cause: refused }) },
      );
    before = ours.length;
    for (const statement of dropping(ours))
      await session.rows(statement).catch((error: unknown) => {
        refused = error;
      });
  }
}

export function notOurs(database: string, others: readonly UserObject[]): BackupError {
  return new BackupError(
    'target-not-empty',
    `database ${database} holds a part of a restore that was interrupted, and what that has not made: ` +
      fewNames(others.map(({ kind, name }) => `${kind} ${name}`)),
    {
      hint:
        'move that elsewhere and run the restore again, which empties the rest; or name another database with --to, ' +
        'or replace all of it with --replace',
    },
  );
}

/** Names are the server's own, quoted as they must be. */
function dropping(objects: readonly UserObject[]): string[] {
  const rank = ({ kind }: UserObject): number =>
    last.includes(kind) ? 100 + last.indexOf(kind) : order.includes(kind) ? order.indexOf(kind) : 50;
  return objects
    .filter(({ kind }) => !parts.test(kind))
    .sort((one, other) => rank(one) - rank(other))
    .flatMap(({ kind, name }) => {
      if (kind === 'large object') return [`select lo_unlink(${Number(name)}::oid)`];
      if (kind === 'subscription')
        return [
          `alter subscription ${name} disable`,
          `alter subscription ${name} set (slot_name = none)`,
          `drop subscription ${name}`,
        ];
      return [`drop ${words[kind] ?? kind} if exists ${name} cascade`];
    });
}
