import { isBackupError } from '../domain/errors.ts';
import type { SourceName } from '../domain/keys.ts';
import type { Expectation } from '../domain/watch/expected.ts';
import type { Judgement } from '../domain/watch/freshness.ts';
import { mapConcurrently } from '../pipeline/concurrency.ts';
import type { Store } from '../store/store.ts';

type Found = { source: SourceName; plan: string; found: string };

const writesAtOnce = 4;

/**
 * Remembers which scheduled moments without a backup were reported: once a later backup was made, they are over. If a
 * check is killed before this, the next one reports them. Returns what failed.
 */
export async function rememberFound(
  judgements: readonly Judgement[],
  store: Store,
  signal: AbortSignal,
): Promise<unknown[]> {
  const failures: unknown[] = [];
  await mapConcurrently(
    writesAtOnce,
    judgements.flatMap(({ standing, expectation }) => foundIn(standing.source, expectation)),
    async (one, stop) => {
      try {
        await rememberOne(one, store, stop);
      } catch (error) {
        if (signal.aborted || !isBackupError(error)) throw error;
        // another check has written meanwhile; the next one finds it again
        if (error.code !== 'object-exists') failures.push(error);
      }
    },
    signal,
  );
  return failures.slice(0, 1);
}

function foundIn(source: SourceName, expectation: Expectation | undefined): Found[] {
  return expectation?.found === undefined ? [] : [{ source, plan: expectation.memory.plan, found: expectation.found }];
}

async function rememberOne({ source, plan, found }: Found, store: Store, signal: AbortSignal): Promise<void> {
  const read = await store.readLedger(source, signal);
  const { ledger } = read;
  if (ledger?.expected?.plan !== plan || (ledger.expected.found ?? '') >= found) return;
  await store.writeLedger(source, { ...ledger, expected: { ...ledger.expected, found } }, read, signal);
}
