import { messageOf } from '../../../domain/errors.ts';
import type { Login } from '../../login.ts';
import { plainWord, quoteName, quoteText } from '../quoting.ts';
import { giveRoutineRights } from '../rights/routines.ts';
import { withSession } from '../session.ts';
import type { Server } from '../session.ts';
import { openMaker } from './maker.ts';
import type { Maker } from './maker.ts';
import type { BesideTables } from './marker.ts';
import { called, isSame, readObjects } from './objects.ts';
import type { DatabaseObject } from './objects.ts';

/** What could not be made, and why. `lasting`: nor could it be by another try. */
export type NotMade = { what: string; why: string; lasting?: true };

/**
 * Makes of the database of `login` what `wanted` says, as far as it is not so: its options, routines, views, triggers
 * and events, and rights on routines. Of what else is there, it drops what `old` names. Done twice, it changes nothing.
 */
export async function remake(
  login: Login,
  wanted: BesideTables,
  old: readonly DatabaseObject[],
  signal: AbortSignal,
): Promise<NotMade[]> {
  const maker = await openMaker(login, wanted.options, signal);
  try {
    // tables that came in have no triggers yet, and each moment without them counts
    const failed = await runAll(maker, [optionsStatement(maker.server, login.database, wanted.options)]);
    const triggers = wanted.objects.filter(({ kind }) => kind === 'trigger');
    for (const one of triggers) await maker.make(one).catch(() => undefined);
    failed.push(...(await runAll(maker, wanted.fixes)));
    const there = await withSession(login, signal, readObjects);
    const named = new Set(wanted.objects.map(called));
    const dropped = new Set(old.map(called).filter((name) => !named.has(name)));
    for (const one of there) if (dropped.has(called(one))) await maker.drop(one);
    const missing = wanted.objects.filter(
      (one) => !there.some((found) => called(found) === called(one) && isSame(found, one)),
    );
    failed.push(...(await makeAll(maker, missing)));
    const ungiven = await giveRoutineRights(login, wanted.rights, signal);
    return [...failed, ...ungiven.map((one) => ({ ...one, lasting: true as const }))];
  } finally {
    await maker.close();
  }
}

/** Views read each other: what fails for another that is not made yet gets another try. */
async function makeAll(maker: Maker, objects: readonly DatabaseObject[]): Promise<NotMade[]> {
  let failed: { object: DatabaseObject; why: string }[] = [];
  for (let left = objects; left.length > 0; ) {
    failed = [];
    for (const object of left) {
      await remakeOne(maker, object).catch((error: unknown) => failed.push({ object, why: messageOf(error) }));
    }
    if (failed.length === left.length) break;
    left = failed.map(({ object }) => object);
  }
  return failed.map(({ object, why }) => ({ what: called(object), why }));
}

async function remakeOne(maker: Maker, object: DatabaseObject): Promise<void> {
  if (object.kind !== 'view') await maker.drop(object);
  await maker.make(object);
}

async function runAll(maker: Maker, statements: readonly string[]): Promise<NotMade[]> {
  const failed: NotMade[] = [];
  for (const statement of statements)
    await maker.run(statement).catch((error: unknown) => failed.push({ what: statement, why: messageOf(error) }));
  return failed;
}

function optionsStatement({ product, number }: Server, database: string, options: BesideTables['options']): string {
  const { charset, collation, comment } = options;
  const hasComment = product === 'MariaDB' && number >= 100_500;
  return (
    `ALTER DATABASE ${quoteName(database)} CHARACTER SET ${plainWord(charset)} COLLATE ${plainWord(collation)}` +
    (hasComment ? ` COMMENT ${quoteText(comment)}` : '')
  );
}
