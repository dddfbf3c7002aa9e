import { BackupError, messageOf } from '../../../domain/errors.ts';
import { plural } from '../../../domain/units.ts';
import type { ByteStream } from '../../../ports.ts';
import type { Login } from '../../login.ts';
import { quoteName } from '../quoting.ts';
import { openSession } from '../session.ts';
import type { Server, Session } from '../session.ts';
import type { Table } from '../tables.ts';
import { risksOf } from './risks.ts';
import type { Risk } from './risks.ts';

/** Of one count; and of what is left of all counts when the dump has ended. */
const countLimitMs = 590_000;
const waitLimitMs = 120_000;

type Outcome = { risk: Risk; lost: number } | { risk: Risk; reason: string };

/** Counts, beside a dump, the values that it can't hold. */
export type LossWatch = {
  /** Passes the rows on; counts in a snapshot from before theirs, and what was not lost there once more in one from after theirs began. */
  watch(rows: () => ByteStream, signal: AbortSignal): ByteStream;
  /** What is lost, by column, or could not be counted in time. */
  exceptions(): Promise<string[]>;
  close(): void;
};

/** A value that comes and goes between the two snapshots, while the dump's own begins, is not counted: nothing makes mariadb-dump count in its own. */
export function lossWatch(tables: Table[], login: Login, server: Server): LossWatch {
  const risks = tables.flatMap((table) => risksOf(table, server));
  const stop = new AbortController();
  const rounds: Promise<Outcome[]>[] = [];
  return {
    async *watch(rows, signal) {
      if (risks.length === 0) return yield* rows();
      const either = AbortSignal.any([signal, stop.signal]);
      const first = count(risks, await snapshot(login, server, either));
      rounds.push(first);
      for await (const chunk of rows()) {
        if (rounds.length === 1) rounds.push(recount(first, snapshot(login, server, either)));
        yield chunk;
      }
    },
    async exceptions() {
      const limit = setTimeout(() => stop.abort(new BackupError('deadline', 'it took too long')), waitLimitMs);
      const outcomes = (await Promise.all(rounds)).flat();
      clearTimeout(limit);
      return risks.flatMap((risk) => sentence(risk, outcomes.filter((outcome) => outcome.risk === risk)));
    },
    close: () => stop.abort(new BackupError('aborted', 'the backup was over')),
  };
}

/** A session that sees the rows as of now, or why there is none. */
async function snapshot(login: Login, server: Server, signal: AbortSignal): Promise<Session | string> {
  let session: Session | undefined;
  try {
    session = await openSession(login, signal);
    await session.rows(server.product === 'MySQL' ? `SET SESSION max_execution_time = ${countLimitMs}` : `SET SESSION max_statement_time = ${countLimitMs / 1000}`);
    await session.rows('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ');
    await session.rows('START TRANSACTION WITH CONSISTENT SNAPSHOT');
    return session;
  } catch (error) {
    await session?.close();
    return messageOf(error);
  }
}

async function count(risks: Risk[], session: Session | string): Promise<Outcome[]> {
  if (typeof session === 'string') return risks.map((risk) => ({ risk, reason: session }));
  const outcomes: Outcome[] = [];
  for (const [table, own] of Map.groupBy(risks, (risk) => risk.table)) outcomes.push(...await countIn(table, own, session));
  await session.close();
  return outcomes;
}

async function recount(first: Promise<Outcome[]>, second: Promise<Session | string>): Promise<Outcome[]> {
  const clean = (await first).filter((outcome) => 'lost' in outcome && outcome.lost === 0);
  return count(clean.map(({ risk }) => risk), await second);
}

async function countIn(table: string, risks: Risk[], session: Session): Promise<Outcome[]> {
  try {
    const sums = risks.map(({ condition }, index) => `SUM(${condition}) AS lost${index}`);
    const [row] = await session.rows(`SELECT ${sums.join(', ')} FROM ${quoteName(table)}`);
    return risks.map((risk, index) => ({ risk, lost: Number(row?.[`lost${index}`] ?? 0) }));
  } catch (error) {
    return risks.map((risk) => ({ risk, reason: messageOf(error) }));
  }
}

/** A count that failed is told only where the other one has found nothing. */
function sentence({ table, column, loss }: Risk, outcomes: Outcome[]): string[] {
  const name = `column ${quoteName(table)}.${quoteName(column)}`;
  const lost = Math.max(0, ...outcomes.map((outcome) => ('lost' in outcome ? outcome.lost : 0)));
  if (lost > 0) return [`${name}: ${plural(lost, 'value')} ${lost === 1 ? 'loses' : 'lose'} ${loss}`];
  const reasons = outcomes.flatMap((outcome) => ('reason' in outcome ? [outcome.reason] : []));
  return reasons.length === 0 ? [] : [`${name}: values may lose ${loss} (they could not be counted: ${reasons[0]})`];
}
