import type { MariadbSession } from './session.ts';

/**
 * Distinguishes this server from every other: `server_uuid` of MySQL, `server_uid` of MariaDB since 2024 (11.4.3,
 * 10.11.9). Every user may read it; a replica has its own.
 */
export async function serverIdentity(session: MariadbSession): Promise<{ identity: string } | undefined> {
  const [found] = await session.rows(`SHOW GLOBAL VARIABLES WHERE Variable_name IN ('server_uid', 'server_uuid')`);
  const identity = Object.entries(found ?? {}).find(([name]) => name.toLowerCase() === 'value')?.[1];
  return identity ? { identity } : undefined;
}
