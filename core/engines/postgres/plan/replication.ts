import type { PostgresSession } from '../session.ts';

/**
 * What belongs to replication and is in no backup, or comes back differently: each kind with a sentence for its names.
 */
const kinds: { query: string; warning: (names: string) => string }[] = [
  {
    query:
      'select slot_name::text as name from pg_replication_slots where database = current_database() and not ' +
      'temporary order by 1',
    warning: (names) => `replication slots are in no backup; make them again where they are needed: ${names}`,
  },
  {
    // those of subscriptions are named after their numbers, and made with them
    query: `select quote_ident(roname) as name from pg_replication_origin where roname !~ '^pg_\\d+' order by 1`,
    warning: (names) => `replication origins of this server, and how far they have come, are in no backup: ${names}`,
  },
  {
    // only superusers dump subscriptions, which is reported separately
    query: `select concat(quote_ident(subname), case when subenabled then ' (enabled)' else ' (disabled)' end) as name
      from pg_subscription where subdbid = (select oid from pg_database where datname = current_database())
        and current_setting('is_superuser') = 'on' order by 1`,
    warning: (names) =>
      'a restore brings subscriptions back disabled, and without their slots and what they have received so ' +
      `far: ${names}`,
  },
];

/** Warnings for people who rely on replication. */
export async function replicationWarnings(session: PostgresSession): Promise<string[]> {
  const warnings: string[] = [];
  for (const { query, warning } of kinds) {
    const found = await session.rows<{ name: string }>(query);
    if (found.length > 0) warnings.push(warning(found.map(({ name }) => name).join(', ')));
  }
  return warnings;
}
