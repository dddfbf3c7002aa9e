import type { Login } from '../../login.ts';
import { openSession } from '../session.ts';
import type { PostgresSession } from '../session.ts';

export type Maintenance = PostgresSession & { serverMajor: number };

/** A session in a database that always exists, to work on the one of `login`. */
export function openMaintenance(login: Login, signal: AbortSignal): Promise<Maintenance> {
  return openSession(login, signal, login.database === 'postgres' ? 'template1' : 'postgres');
}

/** Works on the server from a database that always exists. */
export async function maintain<T>(
  login: Login,
  signal: AbortSignal,
  work: (session: Maintenance) => Promise<T>,
): Promise<T> {
  const session = await openMaintenance(login, signal);
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}

/** Runs several statements, or none. */
export async function inTransaction(session: PostgresSession, statements: readonly string[]): Promise<void> {
  await session.rows('begin');
  try {
    for (const statement of statements) await session.rows(statement);
    await session.rows('commit');
  } catch (error) {
    await session.rows('rollback').catch(() => {});
    throw error;
  }
}
