import { BackupError } from '../../../domain/errors.ts';
import { fewNames } from '../../../domain/lines.ts';
import type { Catalog, TargetOptions } from '../../../ports.ts';
import type { Login } from '../../login.ts';
import { isEmpty, isFirstFormat, readCatalog, userObjects } from '../catalog/catalog.ts';
import type { UserObject } from '../catalog/catalog.ts';
import { isFree, taken } from '../database/claim.ts';
import { inTransaction } from '../database/maintenance.ts';
import { withSession } from '../session.ts';
import type { PostgresSession } from '../session.ts';
import { contents, emptyOut, endLoaders } from './emptying.ts';
import { markStatements, readMark, unfinishedSchema } from './mark.ts';
import type { NamesByKind, Unfinished } from './mark.ts';

/**
 * What a restore has left in a database that was there, in which it was interrupted. `others`: what it has not made;
 * `by`: whose it is, where that is another role.
 */
export type LeftInside = { mark: Unfinished | undefined; others: readonly UserObject[]; by?: string };

/** Whether nothing but what a restore has left is there, so that the next one may empty the database. */
export function isLeftAlone({ mark, others }: LeftInside): boolean {
  return mark !== undefined && others.length === 0;
}

/**
 * Looks for what a restore has left in the database that `session` is in. Throws `lease-held` while it is at work;
 * `claimed`: that is us.
 */
export async function leftInside(
  session: PostgresSession,
  login: Login,
  signal: AbortSignal,
  claimed = false,
): Promise<LeftInside | undefined> {
  const found = await readMark(session);
  if (found === undefined) return undefined;
  if (!claimed && !(await isFree(session, login, signal))) throw taken(login);
  const { owner, mine, mark } = found;
  if (!mine || mark === undefined) return { mark: undefined, others: [], ...(!mine && { by: owner }) };
  const { others } = await contents(session, mark);
  return { mark, others };
}

/**
 * Begins to fill the database of `login`, which was there and empty, or holds what a killed restore has left: that is
 * taken out first. From here on a mark tells what is ours. Returns what the database holds before the first write.
 * Throws `target-not-empty` where somebody else has filled it meanwhile.
 */
export async function beginFilling(
  login: Login,
  { manifest, catalog }: Pick<TargetOptions, 'manifest' | 'catalog'>,
  signal: AbortSignal,
): Promise<Catalog> {
  return withSession(login, signal, async (session) => {
    const left = await leftInside(session, login, signal, true);
    if (left?.mark !== undefined) await takeOut(session, login, left.mark, signal);
    const found = await readCatalog(session);
    if (left !== undefined && left.mark === undefined) throw filledMeanwhile(login);
    if (!isEmpty(found)) throw filledMeanwhile(login);
    const first = isFirstFormat(catalog);
    const there = [...userObjects(found), ...(first ? userObjects(await readCatalog(session, {})) : [])];
    const mark = { backup: manifest.id, makes: byKind(userObjects(catalog)), before: byKind(there) };
    await inTransaction(session, markStatements({ ...mark, ...(first && { first: true as const }) }));
    return found;
  });
}

/** Takes out again what was filled in, and the mark. Of a restore that has failed. */
export async function undoFilling(login: Login, signal: AbortSignal): Promise<void> {
  await withSession(login, signal, async (session) => {
    const { mark } = (await readMark(session)) ?? {};
    if (mark !== undefined) await takeOut(session, login, mark, signal);
  });
}

/** What a person should know of what a restore that died has left here; nothing where it is emptied. */
export function leftHere({ mark, others, by }: LeftInside): string {
  const whose = 'a part of a restore that was interrupted';
  if (by !== undefined) return `${whose}, by ${by}`;
  if (mark === undefined) return `the schema ${unfinishedSchema}, which says nothing that can be read`;
  return `${whose}, and what that has not made (${fewNames(others.map(({ kind, name }) => `${kind} ${name}`))})`;
}

/** What was filled in is a person's from now on. */
export async function endFilling(login: Login, signal: AbortSignal): Promise<void> {
  await withSession(login, signal, async (session) => {
    // an event trigger that was restored has nothing to say to this
    await session.rows(`select set_config('session_replication_role', 'replica', false)`).catch(() => {});
    await session.rows(`drop schema ${unfinishedSchema}`);
  });
}

async function takeOut(session: PostgresSession, login: Login, mark: Unfinished, signal: AbortSignal): Promise<void> {
  await endLoaders(session, login, signal);
  await emptyOut(session, login, mark);
  await session.rows(`drop schema ${unfinishedSchema}`);
}

function byKind(objects: readonly UserObject[]): NamesByKind {
  return Object.fromEntries(
    [...Map.groupBy(objects, ({ kind }) => kind)].map(([kind, found]) => [kind, found.map(({ name }) => name)]),
  );
}

function filledMeanwhile({ database }: Login): BackupError {
  return new BackupError(
    'target-not-empty',
    `database ${database} was empty, and is not any more: somebody else has filled it meanwhile`,
    { hint: 'look at it; then name another with --to, or replace it with --replace' },
  );
}
