import type { DatabaseSync } from 'node:sqlite';
import { plural } from '../../../domain/units.ts';
import { quoteName, storedTables } from './catalog.ts';
import type { Health } from './questions.ts';

const mostMessages = 1000;
/**
 * Findings about the content of an intact file: rows that break a rule of their table, virtual tables that are not in
 * order, or what can't be judged without the application. The source has them, and so has the backup.
 */
const ofRows =
  /^(?:NULL value in|CHECK constraint failed in|non-\w+ value in|(?:NUMERIC|TEXT) value in|malformed inverted index|unable to validate|In RTree) /;
/** Things that only the application provides. */
const unknown = /no such (?:function|collation|module)|unknown tokenizer|unknown function/;

/** What SQLite finds in the file; `deep`: also looks up every entry of every index. */
export function examine(database: DatabaseSync, deep: boolean): Health {
  const health: Health = { damage: [], broken: [], orphans: {} };
  const check = deep ? 'integrity_check' : 'quick_check';
  for (const message of messages(database, check)) {
    if (message === 'ok') continue;
    if (ofRows.test(message)) health.broken.push(message.split('\n')[0]!);
    else health.damage.push(message);
  }
  health.broken = [...new Set(health.broken)].sort();
  for (const { table } of storedTables(database)) countOrphans(database, table, health.orphans);
  return health;
}

function messages(database: DatabaseSync, check: string): string[] {
  const ask = (about: string | number): string[] =>
    database
      .prepare(`pragma ${check}(${about})`)
      .all()
      .map((row) => String(Object.values(row)[0]));
  try {
    return ask(mostMessages);
  } catch (error) {
    if (!unknown.test(String((error as Error).message))) throw error;
    // without the application's functions and collations, as far as possible
    return storedTables(database).flatMap(({ table }) => unlessUnknown(() => ask(quoteName(table))));
  }
}

function unlessUnknown(look: () => string[]): string[] {
  try {
    return look();
  } catch (error) {
    if (unknown.test(String((error as Error).message))) return [];
    throw error;
  }
}

/** Rows whose foreign key leads nowhere: SQLite allows them unless an application asks it not to. */
function countOrphans(database: DatabaseSync, table: string, orphans: Record<string, string>): void {
  if (database.prepare('select 1 from pragma_foreign_key_list(?)').get(table) === undefined) return;
  const counts = new Map<string, number>();
  try {
    for (const row of database.prepare(`pragma foreign_key_check(${quoteName(table)})`).iterate()) {
      const key = `${table} → ${String(row['parent'])}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  } catch (error) {
    orphans[table] = String((error as Error).message);
  }
  for (const [key, count] of counts) orphans[key] = `${plural(count, 'row')} without a parent`;
}
