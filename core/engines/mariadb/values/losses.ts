import { BackupError, messageOf } from '../../../domain/errors.ts';
import { plural } from '../../../domain/units.ts';
import type { ByteStream } from '../../../ports.ts';
import type { Login } from '../../login.ts';
import { quoteName } from '../quoting.ts';
import { openSession, withSession } from '../session.ts';
import type { Server, MariadbSession } from '../session.ts';
import type { Risk } from './risks.ts';
import { momentOf, untilAtRest, writtenSince } from './writes.ts';

/** For one count; and for the remaining counts when the dump has ended. */
const countLimitMs = 590_000;
const waitLimitMs = 120_000;
const notRead = 'the rows were not read';

/** A session with a snapshot of the rows, and a server time before it; or why there is none. */
type RowsMoment = { session: MariadbSession; moment: string } | string;
/** `risk`: its index among all. */
type LossCount = { risk: number } & ({ lost: number } | { reason: string });

/** What was counted beside a dump. `moment`: a time before its rows. `written`: tables written to while it began. */
export type CountedLosses = { counts: LossCount[]; moment?: string; written: string[] };

/** Counts, beside a dump, the values that it can't hold. */
export type LossCounter = {
  /**
   * Passes the rows on. Counts in a snapshot from before theirs; what shows no loss there is counted again in one from
   * after theirs began. A table that nobody wrote to between the two was the same in theirs.
   */
  watch(rows: () => ByteStream, signal: AbortSignal): ByteStream;
  /** What is known when the rows have ended, or soon after. Undefined if there was no risk. */
  counted(): Promise<CountedLosses | undefined>;
};

/** Counts in its own snapshots: mariadb-dump can't count, and no other session sees its snapshot. */
export function lossCounter(risks: readonly Risk[], login: Login, server: Server): LossCounter {
  const names = tablesOf(risks);
  const stop = new AbortController();
  const rounds: Promise<LossCount[]>[] = [];
  let before: RowsMoment = notRead;
  let written = Promise.resolve(new Set<string>());
  return {
    async *watch(rows, signal) {
      if (risks.length === 0) return yield* rows();
      const either = AbortSignal.any([signal, stop.signal]);
      before = await snapshot(login, server, names, either);
      const first = count([...risks.keys()], risks, before);
      rounds.push(first);
      for await (const chunk of rows()) {
        if (rounds.length === 1) {
          const behind = snapshot(login, server, [], either);
          written = writtenBetween(before, behind, names);
          rounds.push(
            recount(
              first,
              risks,
              written.then(() => behind),
            ),
          );
        }
        yield chunk;
      }
    },
    async counted() {
      if (risks.length === 0) return undefined;
      const limit = setTimeout(() => stop.abort(new BackupError('deadline', 'it took too long')), waitLimitMs);
      const counts = (await Promise.all(rounds)).flat();
      clearTimeout(limit);
      const moment = typeof before === 'string' ? {} : { moment: before.moment };
      return { counts, ...moment, written: [...(await written)] };
    },
  };
}

/**
 * What is lost, by column, or could not be counted in time. `unprotected`: tables without transactions, which are read
 * later than the second snapshot.
 */
export async function lossExceptions(
  risks: readonly Risk[],
  counted: CountedLosses | undefined,
  unprotected: readonly string[],
  login: Login,
): Promise<string[]> {
  const { counts, moment, written } = counted ?? nothingCounted(risks);
  const unseen = new Set(written);
  const later = tablesOf(risks).filter((name) => unprotected.includes(name));
  if (later.length > 0 && moment !== undefined) {
    const since = await withSession(login, AbortSignal.timeout(waitLimitMs), (session) =>
      writtenSince(session, moment, later),
    );
    for (const name of since) unseen.add(name);
  }
  return risks.flatMap((risk, index) =>
    sentence(
      risk,
      counts.filter((one) => one.risk === index),
      unseen.has(risk.table),
    ),
  );
}

function nothingCounted(risks: readonly Risk[]): CountedLosses {
  return { counts: risks.map((_, risk) => ({ risk, reason: notRead })), written: [] };
}

function tablesOf(risks: readonly Risk[]): string[] {
  return [...new Set(risks.map(({ table }) => table))];
}

/** `quiet`: tables to wait for briefly, so that later writes to them show. */
async function snapshot(
  login: Login,
  server: Server,
  quiet: readonly string[],
  signal: AbortSignal,
): Promise<RowsMoment> {
  let session: MariadbSession | undefined;
  try {
    session = await openSession(login, signal);
    await session.rows(
      server.product === 'MySQL'
        ? `SET SESSION max_execution_time = ${countLimitMs}`
        : `SET SESSION max_statement_time = ${countLimitMs / 1000}`,
    );
    await session.rows('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ');
    if (quiet.length > 0) await untilAtRest(session, quiet);
    const moment = await momentOf(session);
    await session.rows('START TRANSACTION WITH CONSISTENT SNAPSHOT');
    return { session, moment };
  } catch (error) {
    await session?.close();
    return messageOf(error);
  }
}

/**
 * The tables for which the dump's snapshot, between these two, may hold what neither shows. A missing snapshot is
 * reported separately.
 */
async function writtenBetween(
  before: RowsMoment,
  behind: Promise<RowsMoment>,
  tables: readonly string[],
): Promise<Set<string>> {
  const after = await behind;
  if (typeof before === 'string' || typeof after === 'string') return new Set();
  return writtenSince(after.session, before.moment, tables).catch(() => new Set(tables));
}

/** `which`: the indexes of those to count. */
async function count(which: number[], risks: readonly Risk[], snapshot: RowsMoment): Promise<LossCount[]> {
  if (typeof snapshot === 'string') return which.map((risk) => ({ risk, reason: snapshot }));
  const { session } = snapshot;
  const counts: LossCount[] = [];
  for (const own of Map.groupBy(which, (risk) => risks[risk]!.table).values())
    counts.push(...(await countIn(own, risks, session)));
  await session.close();
  return counts;
}

async function recount(
  first: Promise<LossCount[]>,
  risks: readonly Risk[],
  second: Promise<RowsMoment>,
): Promise<LossCount[]> {
  const clean = (await first).filter((one) => 'lost' in one && one.lost === 0);
  return count(
    clean.map(({ risk }) => risk),
    risks,
    await second,
  );
}

/** All of one table. */
async function countIn(which: number[], risks: readonly Risk[], session: MariadbSession): Promise<LossCount[]> {
  try {
    const sums = which.map((risk) => `SUM(${risks[risk]!.condition}) AS lost${risk}`);
    const [row] = await session.rows(`SELECT ${sums.join(', ')} FROM ${quoteName(risks[which[0]!]!.table)}`);
    return which.map((risk) => ({ risk, lost: Number(row?.[`lost${risk}`] ?? 0) }));
  } catch (error) {
    return which.map((risk) => ({ risk, reason: messageOf(error) }));
  }
}

/**
 * A failed count is reported only if the other one found nothing. `unseen`: the dump may hold values that neither count
 * saw.
 */
function sentence({ table, column, loss }: Risk, outcomes: LossCount[], unseen: boolean): string[] {
  const name = `column ${quoteName(table)}.${quoteName(column)}`;
  const lost = Math.max(0, ...outcomes.map((outcome) => ('lost' in outcome ? outcome.lost : 0)));
  const others = unseen ? ', and others may: the table was written to while the dump began' : '';
  if (lost > 0) return [`${name}: ${plural(lost, 'value')} ${lost === 1 ? 'loses' : 'lose'} ${loss}${others}`];
  const reasons = outcomes.flatMap((outcome) => ('reason' in outcome ? [outcome.reason] : []));
  if (reasons.length > 0) return [`${name}: values may lose ${loss} (they could not be counted: ${reasons[0]})`];
  return unseen
    ? [`${name}: values may lose ${loss} (none was found, and the table was written to while the dump began)`]
    : [];
}
