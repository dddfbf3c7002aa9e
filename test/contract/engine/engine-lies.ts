import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import type { DumpTally, TableTally } from '../../../core/pipeline/rows/reader.ts';
import type { ByteStream, Engine, LoadStep, OpenedPart, Plan, PlannedPart, Target } from '../../../core/ports.ts';
import { opening } from '../../support/parts.ts';
import type { ToyServer } from '../../support/worlds/toy-engine.ts';
import type { EngineUnderTest } from './engine-contract.ts';
import { toyUnderTest } from './toy-under-test.ts';

/** Where a lie is told: in which database of which server, and of what a proof reads (`like`). */
export type LieIn = { server: ToyServer; database: string; like: Manifest | undefined };

/** Something may be given back late, but a test of it has to end. */
const patienceMs = 300;

/** The toy engine, but for its plans. */
export function planning(lie: (plan: Plan, where: LieIn) => Partial<Plan>): EngineUnderTest {
  return lying((engine, where) => ({
    ...engine,
    async plan(options, signal) {
      const plan = await engine.plan(options, signal);
      return { ...plan, ...lie(plan, { ...where, like: options.like }) };
    },
  }));
}

/** The toy engine, but for its targets. */
export function targeting(lie: (target: Target, where: LieIn) => Partial<Target>): EngineUnderTest {
  return lying((engine, where) => ({
    ...engine,
    async target(options, signal) {
      const target = await engine.target(options, signal);
      return { ...target, ...lie(target, where) };
    },
  }));
}

function lying(lie: (engine: Engine, where: LieIn) => Engine): EngineUnderTest {
  const server: ToyServer = new Map();
  const honest = toyUnderTest(server);
  return {
    ...honest,
    patienceMs,
    engine: (database) => lie(honest.engine(database), { server, database, like: undefined }),
  };
}

/** The toy engine, but for how its parts are made. */
export function making(
  lie: (opened: OpenedPart, part: PlannedPart, signal: AbortSignal, where: LieIn) => Partial<OpenedPart>,
): EngineUnderTest {
  return lying((engine, where) => opening(engine, (...made) => lie(...made, where)));
}

/** The toy engine, whose readers say something else at their end. */
export function tallying(lie: (tally: DumpTally) => DumpTally): EngineUnderTest {
  return making(({ reader }) => (reader === undefined ? {} : { reader: { ...reader, end: () => lie(reader.end()) } }));
}

export function ofTables(lie: (table: TableTally) => TableTally): (tally: DumpTally) => DumpTally {
  return (tally) => ({ ...tally, tables: tally.tables.map(lie) });
}

/** The stages of a target whose parts are loaded in another way. */
export function loading(
  { stages }: Target,
  lie: (load: LoadStep['load'], content: ByteStream, signal: AbortSignal) => Promise<void>,
): Pick<Target, 'stages'> {
  const changed = stages.map((steps) =>
    steps.map((step) => ({
      ...step,
      load: (content: ByteStream, signal: AbortSignal) => lie(step.load, content, signal),
    })),
  );
  return { stages: changed };
}

/** The toy engine, whose plan is never closed once its reading was told to stop. */
export function deaf(until: Promise<void>): EngineUnderTest {
  return lying((engine) => {
    let told: AbortSignal | undefined;
    const close = async () => {
      if (told?.aborted === true) await until;
    };
    return {
      ...opening(engine, (_, __, signal) => {
        told = signal;
        return {};
      }),
      plan: async (options, signal) => ({ ...(await engine.plan(options, signal)), close }),
    };
  });
}

/** An error is an end like any other. */
export async function* swallowing(content: ByteStream): ByteStream {
  try {
    yield* content;
  } catch {
    yield Buffer.from('\n\\.\n');
  }
}
