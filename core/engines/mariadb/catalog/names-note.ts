import { plural } from '../../../domain/units.ts';
import { namesDatabase } from './names-database.ts';
import { quoteName } from '../quoting.ts';
import type { MariadbSession } from '../session.ts';
import { isHere } from '../exact-names.ts';

const bodies = `
  SELECT 'event' AS kind, EVENT_NAME AS name, EVENT_DEFINITION AS body FROM information_schema.EVENTS WHERE ${isHere('EVENT_SCHEMA')}
  UNION ALL SELECT LOWER(ROUTINE_TYPE), ROUTINE_NAME, ROUTINE_DEFINITION FROM information_schema.ROUTINES WHERE ${isHere('ROUTINE_SCHEMA')}
  UNION ALL SELECT 'trigger', TRIGGER_NAME, ACTION_STATEMENT FROM information_schema.TRIGGERS WHERE ${isHere('TRIGGER_SCHEMA')}
  UNION ALL SELECT 'view', TABLE_NAME, VIEW_DEFINITION FROM information_schema.VIEWS WHERE ${isHere('TABLE_SCHEMA')}`;
const shown = 20;

/**
 * Objects of the session's database whose bodies name another one, for a person: `event log_it`; empty if there is
 * none.
 */
export async function noteOnNames(session: MariadbSession, database: string): Promise<string[]> {
  const found = (await session.rows(bodies))
    .filter(({ body }) => namesDatabase(body ?? '', database))
    .map(({ kind, name }) => `${kind} ${quoteName(name ?? '')}`);
  if (found.length === 0) return [];
  const more = found.length > shown ? `, and ${found.length - shown} more` : '';
  return [
    `${plural(found.length, 'object')} of this copy ${found.length === 1 ? 'names' : 'name'} the original ` +
      `database ${database}, and would read or change that one: ${found.slice(0, shown).join(', ')}${more}`,
  ];
}
