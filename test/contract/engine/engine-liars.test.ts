import { afterAll, expect, test } from '@jest/globals';
import type { ByteStream, Engine, PlannedPart } from '../../../core/ports.ts';
import { toyEngine } from '../../support/worlds/toy-engine.ts';
import { enginePromises } from './engine-contract.ts';
import type { EngineUnderTest } from './engine-contract.ts';
import { deaf, loading, making, ofTables, planning, swallowing, tallying, targeting } from './engine-lies.ts';
import type { LieIn } from './engine-lies.ts';

// The contract is worth what it refuses: each of these engines breaks one promise, and has to be found out by it.

const over = Promise.withResolvers<void>();
afterAll(() => over.resolve());

/** What an engine does, by the promise that it breaks. */
const liars: Record<string, Record<string, () => EngineUnderTest>> = {
  'a backup is of one moment': {
    'reads each table when its turn comes': () =>
      making((_, part, signal, where) => ({ content: late(part, signal, where) })),
    'holds up who writes': () => ({ ...honest(), add: () => over.promise }),
  },
  'rows are counted as the server counts them': {
    'counts a row too few': () => tallying(ofTables((table) => ({ ...table, rows: table.rows - 1 }))),
    'has one fingerprint for all': () => tallying(ofTables((table) => ({ ...table, fingerprint: '0'.repeat(16) }))),
  },
  'a part is a value': {
    'keeps a moment in its parts': () =>
      planning(({ parts }) => ({ parts: parts.map((part) => ({ ...part, recipe: new Date() as never })) })),
    'makes the parts of its own plan alone': ofItsOwn,
  },
  'a dump that is cut anywhere': { 'calls every dump whole': callsAllWhole },
  'a dump that ends early': { 'stores half a dump': callsAllWhole },
  'a backup that is stopped at any moment': {
    'does not hear that it is to stop': () => deaf(over.promise),
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

/** It knows of its parts more than they say. */
function ofItsOwn(): EngineUnderTest {
  const { engine, ...under } = honest();
  const forgetful = (database: string): Engine => {
    const made = engine(database);
    const known = new Map<string, PlannedPart>();
    return {
      ...made,
      async plan(options, signal) {
        const { parts, ...plan } = await made.plan(options, signal);
        for (const part of parts) known.set(part.file, part);
        return { ...plan, parts: parts.map((part) => ({ ...part, recipe: null })) };
      },
      open: ({ file }, signal) => made.open(known.get(file)!, signal),
    };
  };
  return { ...under, engine: forgetful };
}

function callsAllWhole(): EngineUnderTest {
  return tallying((tally) => ({ ...tally, ended: true }));
}

/** Each part as it is when it is asked for. */
async function* late({ file }: PlannedPart, signal: AbortSignal, { server, database }: LieIn): ByteStream {
  const toy = toyEngine(server, database);
  const { parts } = await toy.plan({}, signal);
  yield* toy.open(parts.find((part) => part.file === file)!, signal).content;
}
