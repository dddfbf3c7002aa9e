import type { Catalog } from '../../../ports.ts';
import { isBackupError } from '../../../domain/errors.ts';
import { quoteName, unquoteName } from '../quoting.ts';
import type { MariadbSession, TextRow } from '../session.ts';
import { isHere } from '../exact-names.ts';

/** A trigger that names a column which its table no longer has: no server makes it again. */
export type BrokenTrigger = { name: string; table: string; column: string };

/** Finds them: a server keeps such a trigger, fails at each row that would fire it, and warns nobody. */
export async function brokenTriggers(session: MariadbSession): Promise<BrokenTrigger[]> {
  const triggers = await session.rows(
    `SELECT TRIGGER_NAME AS name, EVENT_OBJECT_TABLE AS tab, ACTION_STATEMENT AS body, SQL_MODE AS mode
      FROM information_schema.TRIGGERS WHERE ${isHere('TRIGGER_SCHEMA')} ORDER BY TRIGGER_NAME`,
  );
  const columns = await columnsByTable(session);
  const broken: BrokenTrigger[] = [];
  for (const trigger of triggers) {
    const [name, table] = [trigger['name'] ?? '', trigger['tab'] ?? ''];
    const known = columns.get(table) ?? new Set();
    const unknown = rowColumns(trigger).filter((column) => !known.has(column.toLowerCase()));
    const column = await firstMissing(session, table, unknown);
    if (column !== undefined) broken.push({ name, table, column });
  }
  return broken;
}

/** What every proof of this backup excepts. */
export function brokenTriggerLosses(broken: readonly BrokenTrigger[]): string[] {
  return broken.map(
    ({ name, table, column }) =>
      `trigger ${quoteName(name)}: left out, for it names column ${quoteName(column)} of table ` +
      `${quoteName(table)}, which is gone (drop it, or make it anew)`,
  );
}

/** The catalog of a backup without these triggers. */
export function withoutTriggers(catalog: Catalog, broken: readonly BrokenTrigger[]): Catalog {
  if (broken.length === 0) return catalog;
  const names = new Set(broken.map(({ name }) => name));
  const left = (kind: string, prefix: string) =>
    Object.fromEntries(
      Object.entries(catalog[kind] ?? {}).filter(
        ([name]) => !(name.startsWith(prefix) && names.has(name.slice(prefix.length))),
      ),
    );
  return { ...catalog, trigger: left('trigger', ''), definer: left('definer', 'trigger ') };
}

async function columnsByTable(session: MariadbSession): Promise<Map<string, Set<string>>> {
  const found = await session.rows(
    `SELECT TABLE_NAME AS tab, COLUMN_NAME AS name FROM information_schema.COLUMNS WHERE ${isHere('TABLE_SCHEMA')}`,
  );
  const byTable = Map.groupBy(found, ({ tab }) => tab ?? '');
  return new Map([...byTable].map(([table, rows]) => [table, new Set(rows.map(({ name }) => name!.toLowerCase()))]));
}

const badField = 1054;

/** The server decides, because it knows which letters it considers equal in names. */
async function firstMissing(session: MariadbSession, table: string, columns: string[]): Promise<string | undefined> {
  for (const column of columns) {
    try {
      await session.rows(`SELECT ${quoteName(column)} FROM ${quoteName(table)} LIMIT 0`);
    } catch (error) {
      const { cause } = error as { cause?: { errno?: unknown } };
      if (isBackupError(error) && cause?.errno === badField) return column;
      throw error;
    }
  }
  return undefined;
}

const name = '`(?:[^`]|``)*`';
const word = '[\\p{L}\\p{N}_$]+';

/** The columns that a trigger's body names after NEW or OLD, outside of texts and comments. */
export function rowColumns({ body, mode }: TextRow): string[] {
  const [ansi, plain] = [/ANSI_QUOTES/.test(mode ?? ''), /NO_BACKSLASH_ESCAPES/.test(mode ?? '')];
  const text = (quote: string) =>
    plain
      ? `${quote}(?:[^${quote}]|${quote}${quote})*${quote}`
      : `${quote}(?:[^${quote}\\\\]|\\\\.|${quote}${quote})*${quote}`;
  const quoted = ansi ? `${name}|"(?:[^"]|"")*"` : name;
  const comment = '\\/\\*(?!M?!).*?\\*\\/|(?:--(?=\\s|$)|#)[^\\n]*';
  const row = `(?<![.\\p{L}\\p{N}_$@])(?:NEW|OLD|${'`NEW`|`OLD`'})\\s*\\.\\s*(${quoted}|${word})(?!\\s*\\.)`;
  const token = new RegExp([text("'"), ...(ansi ? [] : [text('"')]), comment, row, name].join('|'), 'gisu');
  return [...(body ?? '').matchAll(token)].flatMap(([, column]) => (column === undefined ? [] : [plainName(column)]));
}

function plainName(column: string): string {
  if (column.startsWith('`')) return unquoteName(column);
  return column.startsWith('"') ? column.slice(1, -1).replaceAll('""', '"') : column;
}
