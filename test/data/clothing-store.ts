import type { DatabaseServer } from '../servers/server.ts';

/**
 * Where a clothing store's data is to be made, and how much: `megabytes` is about the size of a plain dump, from 5 up.
 */
export type Store = Pick<DatabaseServer, 'host' | 'port' | 'user' | 'password'> & {
  database: string;
  megabytes: number;
};
