import type { DatabaseServer } from '../../test/servers/server.ts';
import type { Ask } from './questions.ts';

/** One database of the demo, by its source name. */
export type Shop = {
  source: string;
  product: string;
  engine: 'postgres' | 'mariadb';
  server: DatabaseServer;
  ask: Ask;
};

/** The name of both databases. */
export const database = 'shop';
