import { BackupError, messageOf } from '../../../domain/errors.ts';
import { plural } from '../../../domain/units.ts';
import type { ByteStream } from '../../../ports.ts';
import type { Login } from '../../login.ts';
import { quoteName } from '../quoting.ts';
import { openSession, withSession } from '../session.ts';
import type { Server, MariadbSession } from '../session.ts';
import { isTransactional } from '../tables.ts';
import type { MariadbTable } from '../tables.ts';
import { risksOf } from './risks.ts';
import type { Risk } from './risks.ts';
import { momentOf, untilAtRest, writtenSince } from './writes.ts';

/** Of one count; and of what is left of all counts when the dump has ended. */
const countLimitMs = 590_000;
const waitLimitMs = 120_000;

/** A session that sees the rows as of now, with a moment from before it; or why there is none. */
type RowsMoment = { session: MariadbSession; moment: string } | string;
type LossCount = { risk: Risk; lost: number } | { risk: Risk; reason: string };

/** Counts, beside a dump, the values that it can't hold. */
export type LossWatch = {
  /**
   * Passes the rows on; counts in a snapshot from before theirs, and what was not lost there once more in one from
   * after theirs began. A table that nobody wrote to between the two was in theirs as it was in both.
   */
  watch(rows: () => ByteStream, signal: AbortSignal): ByteStream;
  /** What is lost, by column, or could not be counted in time. */
  exceptions(): Promise<string[]>;
  close(): void;
};

/** Counts in snapshots of its own: nothing makes mariadb-dump count, and no other session sees its. */
export function lossWatch(tables: MariadbTable[], login: Login, server: Server): LossWatch {
  const risks = tables.flatMap((table) => risksOf(table, server));
  const names = [...new Set(risks.map(({ table }) => table))];
  const unprotected = tables
    .filter((table) => names.includes(table.name) && !isTransactional(table))
    .map(({ name }) => name);
  const stop = new AbortController();
  const rounds: Promise<LossCount[]>[] = [];
  let before: RowsMoment = 'the rows were not read';
  let written = Promise.resolve(new Set<string>());
  /** Tables without transactions are read later than the second snapshot. */
  const writtenLater = async (): Promise<Set<string>> => {
    const { moment } = before as Exclude<RowsMoment, string>;
    return withSession(login, AbortSignal.timeout(waitLimitMs), (session) =>
      writtenSince(session, moment, unprotected),
    );
  };
  return {
    async *watch(rows, signal) {
      if (risks.length === 0) return yield* rows();
      const either = AbortSignal.any([signal, stop.signal]);
      before = await snapshot(login, server, names, either);
      const first = count(risks, before);
      rounds.push(first);
      for await (const chunk of rows()) {
        if (rounds.length === 1) {
          const behind = snapshot(login, server, [], either);
          written = writtenBetween(before, behind, names);
          rounds.push(
            recount(
              first,
              written.then(() => behind),
            ),
          );
        }
        yield chunk;
      }
    },
    async exceptions() {
      const limit = setTimeout(() => stop.abort(new BackupError('deadline', 'it took too long')), waitLimitMs);
      const outcomes = (await Promise.all(rounds)).flat();
      clearTimeout(limit);
      const unseen = await written;
      if (unprotected.length > 0 && typeof before !== 'string')
        for (const name of await writtenLater()) unseen.add(name);
      return risks.flatMap((risk) =>
        sentence(
          risk,
          outcomes.filter((outcome) => outcome.risk === risk),
          unseen.has(risk.table),
        ),
      );
    },
    close: () => stop.abort(new BackupError('aborted', 'the backup was over')),
  };
}

/** `quiet`: tables that it waits for a little, so that what is written to them later shows. */
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
 * The tables of which the dump's snapshot, between these two, may hold what neither of them shows. Where one of the two
 * is missing, that is told by itself.
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

async function count(risks: Risk[], snapshot: RowsMoment): Promise<LossCount[]> {
  if (typeof snapshot === 'string') return risks.map((risk) => ({ risk, reason: snapshot }));
  const { session } = snapshot;
  const outcomes: LossCount[] = [];
  for (const [table, own] of Map.groupBy(risks, (risk) => risk.table))
    outcomes.push(...(await countIn(table, own, session)));
  await session.close();
  return outcomes;
}

async function recount(first: Promise<LossCount[]>, second: Promise<RowsMoment>): Promise<LossCount[]> {
  const clean = (await first).filter((outcome) => 'lost' in outcome && outcome.lost === 0);
  return count(
    clean.map(({ risk }) => risk),
    await second,
  );
}

async function countIn(table: string, risks: Risk[], session: MariadbSession): Promise<LossCount[]> {
  try {
    const sums = risks.map(({ condition }, index) => `SUM(${condition}) AS lost${index}`);
    const [row] = await session.rows(`SELECT ${sums.join(', ')} FROM ${quoteName(table)}`);
    return risks.map((risk, index) => ({ risk, lost: Number(row?.[`lost${index}`] ?? 0) }));
  } catch (error) {
    return risks.map((risk) => ({ risk, reason: messageOf(error) }));
  }
}

/**
 * A count that failed is told only where the other one has found nothing. `unseen`: the dump may hold values that
 * neither count saw.
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
