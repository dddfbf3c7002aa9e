import type { EngineName } from '../contract/config.ts';
import type { Engine } from '../ports.ts';
import type { Tools } from '../tools.ts';
import type { Login } from './login.ts';

type OpenEngine = (login: Login, tools: Tools) => Engine;

/** The engines by name. Each is loaded when it is first needed: a listing needs none. */
export const engines: Record<EngineName, () => Promise<OpenEngine>> = {
  postgres: async () => (await import('./postgres/index.ts')).postgresEngine,
  mariadb: async () => (await import('./mariadb/index.ts')).mariadbEngine,
};
