import { isBackupError } from '../../../domain/errors.ts';
import type { BackupError } from '../../../domain/errors.ts';
import { unqualifiedTrigger, unqualifiedView, withoutDefiner } from '../catalog/definition.ts';
import { codeOf, notShown, shownCode } from '../catalog/catalog.ts';
import { withoutLastSemicolon } from '../catalog/last-semicolon.ts';
import { eventStatement } from '../plan/event-dump.ts';
import { foreignComments, rewritten } from '../plan/text/foreign-text.ts';
import { byteText } from '../quoting.ts';
import type { MariadbSession, TextRow } from '../session.ts';
import { isHere } from '../exact-names.ts';

export type SwappedKind = 'trigger' | 'function' | 'procedure' | 'package' | 'package body' | 'view' | 'event';

/**
 * What a RENAME TABLE leaves behind: the statement that makes it, and the settings that its meaning depends on.
 * `statement`: bytes as characters (latin1), in the character set of `settings`; it names a database only on purpose.
 */
export type DatabaseObject = {
  kind: SwappedKind;
  name: string;
  statement: string;
  settings: Readonly<Record<(typeof settingNames)[number], string>>;
};

const settingNames = [
  'sql_mode',
  'time_zone',
  'character_set_client',
  'collation_connection',
  'Database Collation',
] as const;
/** In the order in which they are made: triggers last, so that everything is written without them. */
const lists = [
  `SELECT 'trigger' AS kind, TRIGGER_NAME AS name FROM information_schema.TRIGGERS WHERE ${isHere('TRIGGER_SCHEMA')}
      ORDER BY EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION, ACTION_ORDER`,
  `SELECT LOWER(ROUTINE_TYPE) AS kind, ROUTINE_NAME AS name FROM information_schema.ROUTINES
      WHERE ${isHere('ROUTINE_SCHEMA')} ORDER BY ROUTINE_TYPE, ROUTINE_NAME`,
  `SELECT 'view' AS kind, TABLE_NAME AS name FROM information_schema.TABLES
      WHERE ${isHere('TABLE_SCHEMA')} AND TABLE_TYPE = 'VIEW' ORDER BY TABLE_NAME`,
  `SELECT 'event' AS kind, EVENT_NAME AS name FROM information_schema.EVENTS WHERE ${isHere('EVENT_SCHEMA')}
      ORDER BY EVENT_NAME`,
];

/**
 * Everything in the session's database that a RENAME TABLE leaves behind, in the order in which it is made. Code that
 * the server no longer understands is an error, or is passed to `unreadable` and left out.
 */
export async function readObjects(
  session: MariadbSession,
  unreadable?: (error: BackupError) => void,
): Promise<DatabaseObject[]> {
  const [here] = await session.rows('SELECT DATABASE() AS name');
  const comments = await foreignComments(session);
  const objects: DatabaseObject[] = [];
  for (const sql of lists)
    for (const row of await session.rows(sql)) {
      const [kind, name] = [row['kind'] as SwappedKind, row['name'] ?? ''];
      const answer = await shownCode(kind, name, (asked) => session.bytes(asked)).catch((error: unknown) => {
        if (unreadable === undefined || !isBackupError(error, 'source-unsupported')) throw error;
        unreadable(error);
      });
      if (answer === undefined) continue;
      const [shown = {}] = answer;
      const settings = settingsOf(shown);
      const text = withoutLastSemicolon(codeIn(shown, kind, name));
      const statement =
        kind === 'event'
          ? await eventStatement(session, name, shown)
          : rewritten(anywhere(kind, text, byteText(here?.['name'] ?? '')), comments, settings.character_set_client);
      objects.push({ kind, name, statement, settings });
    }
  return objects;
}

function settingsOf(row: TextRow): DatabaseObject['settings'] {
  return Object.fromEntries(settingNames.map((field) => [field, row[field] ?? ''])) as DatabaseObject['settings'];
}

function codeIn(row: TextRow, kind: string, name: string): string {
  const code = codeOf(row);
  if (code === null) throw notShown(kind, name);
  return code;
}

/** Without the name of its own database, where the server prints it. */
function anywhere(kind: SwappedKind, text: string, database: string): string {
  if (kind === 'view') return unqualifiedView(text, database);
  return kind === 'trigger' ? unqualifiedTrigger(text, database) : text;
}

/** The same object with another definer: `` `app`@`%` ``. */
export function definedBy(object: DatabaseObject, definer: string | undefined): DatabaseObject {
  const { text, definer: now } = withoutDefiner(object.statement);
  if (definer === undefined || now === undefined) return object;
  const head = object.statement.slice(0, object.statement.indexOf('DEFINER='));
  return { ...object, statement: `${head}DEFINER=${byteText(definer)} ${text.slice(head.length)}` };
}

/** The definer of an object in SQL; undefined if the server shows none. */
export function definerOf({ statement }: DatabaseObject): string | undefined {
  const { definer } = withoutDefiner(statement);
  return definer === undefined ? undefined : Buffer.from(definer, 'latin1').toString('utf8');
}

/** `view v`, as in catalogs and for people. */
export const called = ({ kind, name }: Pick<DatabaseObject, 'kind' | 'name'>): string => `${kind} ${name}`;

export function isSame(one: DatabaseObject, other: DatabaseObject): boolean {
  return one.statement === other.statement && settingNames.every((name) => one.settings[name] === other.settings[name]);
}
