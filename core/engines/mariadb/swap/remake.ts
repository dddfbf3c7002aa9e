import { isBackupError, messageOf } from '../../../domain/errors.ts';
import { sleep } from '../../../pipeline/waiting.ts';
import type { Login } from '../../login.ts';
import { plainWord, quoteName, quoteText } from '../quoting.ts';
import { giveRoutineRights } from '../rights/routines.ts';
import { withSession } from '../session.ts';
import type { MariadbSession, Server } from '../session.ts';
import { lockWait, openMaker } from './maker.ts';
import type { Maker } from './maker.ts';
import { readOptions } from './marker.ts';
import type { BesideTables } from './marker.ts';
import { called, isSame, readObjects } from './objects.ts';
import type { DatabaseObject } from './objects.ts';
import { isHere } from '../exact-names.ts';

/**
 * What could not be made, and why. `lasting`: another attempt would fail, too. `locked`: it may succeed in a moment.
 */
export type NotMade = { what: string; why: string; lasting?: true; locked?: true };

const pauseMs = 1000;

/**
 * Brings the database of `login` to what `wanted` says: its options, routines, views, triggers and events, and rights
 * on routines. Of what else is there, drops what `old` names. Doing it twice changes nothing. What is locked is tried
 * again, with pauses in which nobody waits behind us, for as long as locks may be waited for.
 */
export async function remake(
  login: Login,
  wanted: BesideTables,
  old: readonly DatabaseObject[],
  signal: AbortSignal,
): Promise<NotMade[]> {
  for (let left = Math.ceil(login.lockTimeoutMs / (lockWait * 1000 + pauseMs)); ; left -= 1) {
    const failed = await remakeOnce(login, wanted, old, signal);
    if (left <= 0 || !failed.some(({ locked }) => locked)) return failed;
    await sleep(pauseMs, signal);
  }
}

async function remakeOnce(
  login: Login,
  wanted: BesideTables,
  old: readonly DatabaseObject[],
  signal: AbortSignal,
): Promise<NotMade[]> {
  const maker = await openMaker(login, wanted.options, signal);
  try {
    // tables that came in have no triggers yet, and each moment without them counts
    const now = await withSession(login, signal, async (session) => ({
      options: optionsStatement(maker.server, login.database, await readOptions(session)),
      triggers: await namesOf(session, 'TRIGGER'),
    }));
    const options = optionsStatement(maker.server, login.database, wanted.options);
    const failed = await runAll(maker, now.options === options ? [] : [options]);
    const triggers = wanted.objects.filter(({ kind, name }) => kind === 'trigger' && !now.triggers.has(name));
    for (const one of triggers)
      await maker.make(one).catch((error: unknown) => {
        if (isBackupError(error, 'lock-timeout')) failed.push(notMade(called(one), error));
      });
    const locked = new Set(failed.map(({ what }) => what));
    failed.push(...(await runAll(maker, wanted.fixes)));
    const there = await withSession(login, signal, readObjects);
    const named = new Set(wanted.objects.map(called));
    const dropped = new Set(old.map(called).filter((name) => !named.has(name)));
    for (const one of there)
      if (dropped.has(called(one)))
        await maker
          .drop(one)
          .catch((error: unknown) => failed.push(notMade(`the statement that drops ${called(one)}`, error)));
    const missing = wanted.objects.filter(
      (one) => !locked.has(called(one)) && !there.some((found) => called(found) === called(one) && isSame(found, one)),
    );
    failed.push(...(await makeAll(maker, missing)));
    const lost = await pastEvents(login, wanted.objects, failed, signal);
    const ungiven = await giveRoutineRights(login, wanted.rights, signal);
    return [...failed, ...[...lost, ...ungiven].map((one) => ({ ...one, lasting: true as const }))];
  } finally {
    await maker.close();
  }
}

/** A server makes no event whose time has passed, and only says so in a note. */
async function pastEvents(
  login: Login,
  wanted: readonly DatabaseObject[],
  failed: readonly NotMade[],
  signal: AbortSignal,
): Promise<NotMade[]> {
  const events = wanted.filter((one) => one.kind === 'event' && failed.every(({ what }) => what !== called(one)));
  if (events.length === 0) return [];
  const there = await withSession(login, signal, (session) => namesOf(session, 'EVENT'));
  return events
    .filter(({ name }) => !there.has(name))
    .map((one) => ({ what: called(one), why: 'its time has passed while it was not there' }));
}

async function namesOf({ rows }: MariadbSession, kind: 'TRIGGER' | 'EVENT'): Promise<Set<string>> {
  const found = await rows(
    `SELECT ${kind}_NAME AS name FROM information_schema.${kind}S WHERE ${isHere(`${kind}_SCHEMA`)}`,
  );
  return new Set(found.map(({ name }) => name ?? ''));
}

/** Views read each other: one that fails because another is not made yet is tried again. */
async function makeAll(maker: Maker, objects: readonly DatabaseObject[]): Promise<NotMade[]> {
  let failed: { object: DatabaseObject; error: unknown }[] = [];
  for (let left = objects; left.length > 0; ) {
    failed = [];
    for (const object of left) {
      await remakeOne(maker, object).catch((error: unknown) => failed.push({ object, error }));
    }
    if (failed.length === left.length) break;
    left = failed.map(({ object }) => object);
  }
  return failed.map(({ object, error }) => notMade(called(object), error));
}

async function remakeOne(maker: Maker, object: DatabaseObject): Promise<void> {
  if (object.kind !== 'view') await maker.drop(object);
  await maker.make(object);
}

async function runAll(maker: Maker, statements: readonly string[]): Promise<NotMade[]> {
  const failed: NotMade[] = [];
  for (const statement of statements)
    await maker.run(statement).catch((error: unknown) => failed.push(notMade(statement, error)));
  return failed;
}

function notMade(what: string, error: unknown): NotMade {
  return { what, why: messageOf(error), ...(isBackupError(error, 'lock-timeout') && { locked: true as const }) };
}

function optionsStatement({ product, number }: Server, database: string, options: BesideTables['options']): string {
  const { charset, collation, comment } = options;
  const hasComment = product === 'MariaDB' && number >= 100_500;
  return (
    `ALTER DATABASE ${quoteName(database)} CHARACTER SET ${plainWord(charset)} COLLATE ${plainWord(collation)}` +
    (hasComment ? ` COMMENT ${quoteText(comment)}` : '')
  );
}
