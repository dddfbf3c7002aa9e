import { toyEngine } from '../support/toy-engine.ts';
import type { ToyServer } from '../support/toy-engine.ts';
import { engineContract } from './engine-contract.ts';

// what simulations take for an engine has to be one
engineContract('in memory', async () => {
  const server: ToyServer = new Map();
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
});
