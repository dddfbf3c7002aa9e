import type { DatabaseServer } from '../../test/servers/server.ts';
import type { Ask } from './questions.ts';

/** One database of the demo, by the name it has as a source. */
export type Shop = {
  source: string;
  product: string;
  engine: 'postgres' | 'mariadb';
  server: DatabaseServer;
  ask: Ask;
};

/** What both databases are called. */
export const database = 'shop';
