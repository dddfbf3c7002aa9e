import { afterAll, expect, test } from '@jest/globals';
import { toyEngine } from '../support/toy-engine.ts';
import { enginePromises } from './engine-contract.ts';
import type { EngineUnderTest } from './engine-contract.ts';
import { deaf, loading, ofTables, opening, planning, swallowing, tallying, targeting } from './engine-lies.ts';
import type { LieIn } from './engine-lies.ts';

// The contract is worth what it refuses: each of these engines breaks one promise, and has to be found out by it.

const over = Promise.withResolvers<void>();
afterAll(() => over.resolve());

/** What an engine does, by the promise that it breaks. */
const liars: Record<string, Record<string, () => EngineUnderTest>> = {
  'a backup is of one moment': {
    'reads each table when its turn comes': () => planning((plan, where) => opening(plan, late(where))),
    'holds up who writes': () => ({ ...honest(), add: () => over.promise }),
  },
  'rows are counted as the server counts them': {
    'counts a row too few': () =>
      planning((plan) =>
        tallying(
          plan,
          ofTables((table) => ({ ...table, rows: table.rows - 1 })),
        ),
      ),
    'has one fingerprint for all': () =>
      planning((plan) =>
        tallying(
          plan,
          ofTables((table) => ({ ...table, fingerprint: '0'.repeat(16) })),
        ),
      ),
  },
  'a dump that is cut anywhere': { 'calls every dump whole': callsAllWhole },
  'a dump that ends early': { 'stores half a dump': callsAllWhole },
  'a backup that is stopped at any moment': {
    'does not hear that it is to stop': () => planning((plan) => deaf(plan, over.promise)),
    'leaves a session behind': () => ({ ...honest(), left: async () => ['idle in transaction'] }),
  },
  'a restore gives back every row': {
    'loses a row behind the proof': () =>
      targeting((target, { server }) => ({
        async finish() {
          server.get(target.database)?.['big']?.pop();
          return [];
        },
      })),
    'alters what it reads': () =>
      planning((_, { server, database }) => ({
        close: async () => void server.get(database)?.['few']?.pop(),
      })),
  },
  'a proof finds one row': {
    'proves by what the manifest says': () =>
      planning((_, { like }) =>
        like === undefined ? {} : { confirm: async () => ({ tables: like.tables, warnings: [], exceptions: [] }) },
      ),
  },
  'what is there is refused': {
    'replaces what nobody told it to': () => targeting(() => ({ state: 'absent' })),
    'can replace nothing': () =>
      targeting(({ state, prepare }) => ({
        prepare: async (_, signal) => {
          if (state === 'occupied') throw new Error('it is there');
          await prepare(false, signal);
        },
      })),
  },
  'a part that breaks off': {
    'keeps what came before': () =>
      targeting((target) => loading(target, (load, content, signal) => load(swallowing(content), signal))),
    'drops nothing that it has made': () => targeting(() => ({ discard: async () => undefined })),
  },
  'a restore that is stopped at any moment': {
    'leaves half a database': () => targeting(() => ({ discard: async () => undefined })),
    'does not hear that it is to stop': () =>
      targeting((target) =>
        loading(target, async (load, content, signal) => {
          await load(content, signal).catch(() => undefined);
          if (signal.aborted) await over.promise;
        }),
      ),
  },
};

const cases = Object.entries(liars).flatMap(([promise, engines]) =>
  Object.entries(engines).map(([does, engine]) => ({ promise, does, engine })),
);

test.each(cases)(
  '“$promise …” refuses an engine that $does',
  async ({ promise, engine }) => {
    const { holds } = enginePromises.find(({ it }) => it.startsWith(promise))!;

    await expect(holds(engine())).rejects.toThrow();
  },
  30_000,
);

test('every promise of the contract has an engine that breaks it', () => {
  const unbroken = enginePromises.filter(({ it }) => !Object.keys(liars).some((promise) => it.startsWith(promise)));

  expect(unbroken).toEqual([]);
});

function honest(): EngineUnderTest {
  return planning(() => ({}));
}

function callsAllWhole(): EngineUnderTest {
  return planning((plan) => tallying(plan, (tally) => ({ ...tally, ended: true })));
}

/** Each part as it is when it is asked for. */
function late({ server, database }: LieIn) {
  return async function* (_: unknown, signal: AbortSignal, index: number) {
    const { parts } = await toyEngine(server, database).plan({}, signal);
    yield* parts[index]!.open(signal);
  };
}
