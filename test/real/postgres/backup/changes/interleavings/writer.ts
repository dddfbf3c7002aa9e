import pg from 'pg';
import { statementsOf } from './deeds.ts';
import type { Deed } from './deeds.ts';
import { fingerprint, numbers } from './fingerprint.ts';
import type { State } from './fingerprint.ts';

/**
 * One transaction of another session's, or one deed that is several (`alone`): how long it waits for a lock, and
 * whether it stays open before its commit.
 */
export type Transaction = { deeds: readonly Deed[]; patienceMs: number; openMs: number; alone?: boolean };

/**
 * What became of a database whose writers commit one after the other: `states` are all that ever were, in their order,
 * and `seen` each value that a sequence had under a name.
 */
export type Chronicle = {
  states: State[];
  seen: Record<string, string>[];
  done: string[];
  /** Nobody else commits while `commit` looks at the database and commits. */
  alone(commit: () => Promise<void>): Promise<void>;
};

/** Begins with what is there now. */
export async function chronicle(access: pg.ClientConfig): Promise<Chronicle> {
  const client = new pg.Client(access);
  await client.connect();
  const first = await fingerprint(client).finally(() => client.end());
  let queue: Promise<unknown> = Promise.resolve();
  return {
    states: [first],
    seen: [first.numbers],
    done: [],
    alone(commit) {
      const mine = queue.then(commit);
      queue = mine.catch(() => {});
      return mine;
    },
  };
}

/**
 * A session that changes things, one transaction after the other. Before each commit it writes down what the database
 * will be. One that waits in vain, for a lock of another writer who waits for his turn, rolls back: each wait has its
 * limit.
 */
export async function writer(access: pg.ClientConfig, { states, seen, done, alone }: Chronicle) {
  const client = new pg.Client({ ...access, options: '-c lock_timeout=3s' });
  await client.connect();
  let queue = Promise.resolve();

  async function runAlone({ deeds, patienceMs }: Transaction): Promise<void> {
    await client.query(`set lock_timeout = '${patienceMs}ms'`);
    for (const deed of deeds) {
      await alone(async () => {
        const statement = await statementsOf(deed, client);
        await client.query(statement).then(
          () => done.push(statement),
          (error: Error) => done.push(`${statement}: ${error.message}`),
        );
        states.push(await fingerprint(client));
      }).catch((error: Error) => done.push(`not written down: ${error.message}`));
    }
  }

  async function run({ deeds, patienceMs, openMs }: Transaction): Promise<void> {
    await client.query('begin');
    try {
      await client.query(`set local lock_timeout = '${patienceMs}ms'`);
      for (const deed of deeds) {
        const statements = await statementsOf(deed, client);
        await client.query(statements);
        done.push(statements);
        seen.push(await numbers(client));
      }
      await new Promise((wake) => setTimeout(wake, openMs));
      await alone(async () => {
        const state = await fingerprint(client);
        states.push(state);
        await client.query('commit');
        done.push('commit');
      });
    } catch (error) {
      done.push(`rollback: ${(error as Error).message}`);
      await client.query('rollback');
    } finally {
      await client.query('discard temp');
    }
    seen.push(await numbersNow());
  }

  /** Names may change between the two questions, by the other writer: then they are asked again. */
  async function numbersNow(left = 20): Promise<Record<string, string>> {
    return numbers(client).catch((error: Error) => (left > 0 ? numbersNow(left - 1) : Promise.reject(error)));
  }
  return {
    act: (transaction: Transaction): Promise<void> =>
      (queue = queue.then(() => (transaction.alone ? runAlone(transaction) : run(transaction)))),
    settled: () => queue,
    end: () => queue.finally(() => client.end()),
  };
}
