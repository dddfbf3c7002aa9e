import type { EngineName } from '../contract/config/config.ts';
import { guarded } from '../pipeline/guard.ts';
import type { Grammar } from '../pipeline/guard.ts';
import type { DumpReader } from '../pipeline/rows/reader.ts';
import type { Engine, Inspection } from '../ports.ts';
import type { Tools } from '../tools.ts';
import type { Login } from './login.ts';

type OpenEngine = (login: Login, tools: Tools) => Engine;

/** The engines by name. Each is loaded when it is first needed: a listing needs none. */
export const engines: Record<EngineName, () => Promise<OpenEngine>> = {
  postgres: async () => (await import('./postgres/index.ts')).postgresEngine,
  mariadb: async () => (await import('./mariadb/index.ts')).mariadbEngine,
};

const grammars: Record<EngineName, () => Promise<Grammar>> = {
  postgres: async () => (await import('./postgres/restore/text/data-grammar.ts')).dataGrammar,
  mariadb: async () => (await import('./mariadb/restore/text/data-grammar.ts')).dataGrammar,
};

const readers: Record<EngineName, () => Promise<() => DumpReader>> = {
  postgres: async () => (await import('../pipeline/rows/postgres.ts')).postgresReader,
  mariadb: async () => (await import('../pipeline/rows/mariadb.ts')).mariadbReader,
};

/**
 * What a restore would ask of a backup's content, by the engine that its manifest names: for whoever has no login.
 * Nothing where that engine is not known here.
 */
export async function inspection(engine: string): Promise<Inspection> {
  if (!Object.hasOwn(grammars, engine)) return { inspect: (_, content) => content };
  const grammar = await grammars[engine as EngineName]();
  return {
    inspect: (part, content) => (part.role === 'data' ? guarded(content, grammar, part.file) : content),
    reader: await readers[engine as EngineName](),
  };
}
