import type { PostgresSession } from './session.ts';

/**
 * What tells this cluster from every other one, and what its standbys and physical copies have, too: the system
 * identifier (PostgreSQL manual, pg_control_system). Every role may ask for it unless somebody has revoked that; then
 * nothing is known. An answer that fails must not end the snapshot: a savepoint keeps it.
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
