import type { PostgresSession } from './session.ts';

/**
 * The system identifier, which no other cluster has, and which standbys and physical copies share (PostgreSQL manual,
 * pg_control_system). Undefined if the right to read it was revoked from PUBLIC. A failure must not end the snapshot,
 * so a savepoint protects it.
 */
export async function serverIdentity(session: PostgresSession): Promise<{ identity: string } | undefined> {
  const [may] = await session.rows<{ may: boolean }>(
    `select has_function_privilege('pg_catalog.pg_control_system()', 'execute') as may`,
  );
  if (may?.may !== true) return undefined;
  await session.rows('savepoint identity');
  try {
    const [found] = await session.rows<{ identity: string }>(
      'select system_identifier::text as identity from pg_catalog.pg_control_system()',
    );
    return found;
  } catch {
    await session.rows('rollback to savepoint identity');
    return undefined;
  }
}
