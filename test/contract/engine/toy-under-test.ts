import { toyEngine } from '../../support/worlds/toy-engine.ts';
import type { ToyServer } from '../../support/worlds/toy-engine.ts';
import type { EngineUnderTest } from './engine-contract.ts';

/** The toy engine, and its server by way of the Map that it is. */
export function toyUnderTest(server: ToyServer): EngineUnderTest {
  return {
    engine: (database) => toyEngine(server, database),
    make: async (database, tables) => void server.set(database, structuredClone(tables) as Record<string, string[]>),
    add: async (database, rows) => {
      for (const [table, row] of Object.entries(rows)) server.get(database)![table]!.push(row);
    },
    rowsIn: async (database) => structuredClone(server.get(database)),
    left: async () => [],
    close: async () => undefined,
  };
}
