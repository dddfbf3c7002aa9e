import pg from 'pg';
import { statementsOf } from './deeds.ts';
import type { Deed } from './deeds.ts';
import { fingerprint, numbers } from './fingerprint.ts';
import type { State } from './fingerprint.ts';

/** One transaction of another session's, or one deed that is several (`alone`): how long it waits for a lock, and whether it stays open before its commit. */
export type Transaction = { deeds: readonly Deed[]; patienceMs: number; openMs: number; alone?: boolean };

/**
 * A session that changes things, one transaction after the other. Before each commit it writes down what the database will be: `states` are all
 * that ever were, in their order, and `numbers` each value that a sequence had under a name.
 */
export async function writer(access: pg.ClientConfig) {
  const client = new pg.Client(access);
  await client.connect();
  const states: State[] = [await fingerprint(client)];
  const seen: Record<string, string>[] = [states[0]!.numbers];
  const done: string[] = [];
  let queue = Promise.resolve();

  async function runAlone({ deeds, patienceMs }: Transaction): Promise<void> {
    await client.query(`set lock_timeout = '${patienceMs}ms'`);
    for (const deed of deeds) {
      const statement = await statementsOf(deed, client);
      await client.query(statement).then(() => done.push(statement), (error: Error) => done.push(`${statement}: ${error.message}`));
      states.push(await fingerprint(client));
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
      const state = await fingerprint(client);
      await new Promise((wake) => setTimeout(wake, openMs));
      states.push(state);
      await client.query('commit');
      done.push('commit');
    } catch (error) {
      done.push(`rollback: ${(error as Error).message}`);
      await client.query('rollback');
    } finally {
      await client.query('discard temp');
    }
    seen.push(await numbers(client));
  }
  return {
    states,
    seen,
    done,
    act: (transaction: Transaction): Promise<void> => (queue = queue.then(() => (transaction.alone ? runAlone(transaction) : run(transaction)))),
    settled: () => queue,
    end: () => queue.finally(() => client.end()),
  };
}
