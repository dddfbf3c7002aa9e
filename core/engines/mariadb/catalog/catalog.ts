import { ofKind } from '../../../contract/manifest/catalog.ts';
import { BackupError, isBackupError, messageOf } from '../../../domain/errors.ts';
import { plural } from '../../../domain/units.ts';
import type { Catalog } from '../../../ports.ts';
import { digest, eventForms, unqualified, unqualifiedTrigger, unqualifiedView, withoutDefiner } from './definition.ts';
import { itemForms, readTableDefinition, tableForms } from './table-definition.ts';
import type { TableDefinition } from './table-definition.ts';
import { missingDefaults } from './missing-defaults.ts';
import { withoutLastSemicolon } from './last-semicolon.ts';
import { quoteName } from '../quoting.ts';
import type { TextRow, MariadbSession } from '../session.ts';
import { isHere } from '../exact-names.ts';

/** Kinds that say who an object belongs to: left out of a comparison when a restore was made without owners. */
export const ownerKinds = ['definer'];

/** Receives each routine, trigger and event (`function \`f\``) with its definition and database; and each table. */
export type CatalogReader = {
  code?(object: string, definition: string, database: string): void;
  table?(name: string, table: ReadTable): void;
  /** Called, instead of throwing, for code that the server no longer understands: it counts as existing. */
  unreadable?(error: BackupError): void;
};

/**
 * A table's definition, and its columns without a default: those for which the definition shows it, and those for which
 * nothing does.
 */
export type ReadTable = { definition: TableDefinition; missing: { shown: string[]; silent: string[] } };

/**
 * Every object of the session's database, by kind and name, with a digest of its definition; `database` holds plain
 * values. Two databases of one server version are alike exactly if their catalogs are. Leaves out what changes with the
 * rows: the positions of sequences (see data-head.ts), and the AUTO_INCREMENT counter, which after a restore is where
 * the dump's CREATE TABLE put it or after the last row. `restored`: the catalog of a backup that was restored here: an
 * event that ran in the source is now disabled, and counts as the same. `see` receives what passes.
 */
export async function readCatalog(
  session: MariadbSession,
  restored?: Catalog,
  see: CatalogReader = {},
): Promise<Catalog> {
  const catalog: Catalog = {};
  const database = await readDatabase(session, catalog);
  const seen = (kind: string, name: string, text: string) => {
    see.code?.(`${kind} ${quoteName(name)}`, text, database);
    return text;
  };
  const readCode = (kind: string, name: string, ...how: CodeForms) =>
    addCode(session, catalog, kind, name, ...how).catch((error: unknown) => {
      if (see.unreadable === undefined || !isBackupError(error, 'source-unsupported')) throw error;
      ofKind(catalog, kind)[name] = '';
      see.unreadable(error);
    });
  const tables = await session.rows(
    `SELECT TABLE_NAME AS name, TABLE_TYPE AS type FROM information_schema.TABLES
      WHERE ${isHere('TABLE_SCHEMA')} ORDER BY TABLE_NAME`,
  );
  for (const { name, type } of tables) {
    if (type === 'VIEW') await readCode('view', name ?? '', (text) => unqualifiedView(text, database));
    else if (type === 'SEQUENCE') await readSequence(session, catalog, name ?? '');
    else if (type === 'BASE TABLE' || type === 'SYSTEM VERSIONED') {
      // also if nobody wants to see it
      const table = await readTable(session, catalog, { name: name ?? '', database, restored });
      see.table?.(name ?? '', table);
    }
  }
  const routines = await session.rows(
    `SELECT ROUTINE_NAME AS name, ROUTINE_TYPE AS type FROM information_schema.ROUTINES
      WHERE ${isHere('ROUTINE_SCHEMA')} ORDER BY ROUTINE_NAME`,
  );
  for (const { name, type } of routines) {
    const kind = (type ?? '').toLowerCase();
    await readCode(kind, name ?? '', (text) => seen(kind, name ?? '', text));
  }
  for (const [name, place] of await readTriggerOrder(session)) {
    await readCode('trigger', name, (text) => `${place} ${seen('trigger', name, unqualifiedTrigger(text, database))}`);
  }
  const events = await session.rows(
    `SELECT EVENT_NAME AS name, COALESCE(EXECUTE_AT, ENDS) < CONVERT_TZ(UTC_TIMESTAMP(), '+00:00', TIME_ZONE) AS past FROM information_schema.EVENTS
      WHERE ${isHere('EVENT_SCHEMA')} ORDER BY EVENT_NAME`,
  );
  for (const { name, past } of events) {
    const expected = restored?.['event']?.[name ?? ''];
    await readCode(
      'event',
      name ?? '',
      (text) => (expected === undefined ? seen('event', name ?? '', text) : eventForms(text, past === '1')),
      expected,
    );
  }
  return catalog;
}

/** Each trigger's position among those of its table, event and time. */
export async function readTriggerOrder(session: MariadbSession): Promise<Map<string, number>> {
  const triggers = await session.rows(
    `SELECT TRIGGER_NAME AS name, ACTION_ORDER AS place FROM information_schema.TRIGGERS
      WHERE ${isHere('TRIGGER_SCHEMA')} ORDER BY TRIGGER_NAME`,
  );
  return new Map(triggers.map(({ name, place }) => [name ?? '', Number(place)]));
}

/** The names of objects whose definition differs, or that only one of them has: `view shop_totals`. */
export function changedObjects(before: Catalog, after: Catalog): string[] {
  const kinds = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...kinds].flatMap((kind) => {
    const [one = {}, other = {}] = [before[kind], after[kind]];
    return [...new Set([...Object.keys(one), ...Object.keys(other)])]
      .filter((name) => one[name] !== other[name])
      .map((name) => `${kind} ${name}`);
  });
}

/** How many objects of its own a database holds, for a person: `12 tables, 3 views`; empty for an empty one. */
export function holdings(catalog: Catalog): string {
  const own = ['table', 'view', 'sequence', 'function', 'procedure', 'package', 'package body', 'trigger', 'event'];
  return own
    .flatMap((kind) => (catalog[kind] === undefined ? [] : [plural(Object.keys(catalog[kind]).length, kind)]))
    .join(', ');
}

async function readDatabase(session: MariadbSession, catalog: Catalog): Promise<string> {
  const [row] = await session.rows(`SELECT * FROM information_schema.SCHEMATA WHERE ${isHere('SCHEMA_NAME')}`);
  const [charset, collation, comment] = [
    row?.['DEFAULT_CHARACTER_SET_NAME'],
    row?.['DEFAULT_COLLATION_NAME'],
    row?.['SCHEMA_COMMENT'],
  ];
  catalog['database'] = { 'character set': charset ?? '', collation: collation ?? '', ...(comment ? { comment } : {}) };
  return row?.['SCHEMA_NAME'] ?? '';
}

async function readTable(
  session: MariadbSession,
  catalog: Catalog,
  { name, database, restored }: { name: string; database: string; restored: Catalog | undefined },
): Promise<ReadTable> {
  const [row] = await session.rows(`SHOW CREATE TABLE ${quoteName(name)}`);
  const definition = readTableDefinition(unqualified(row?.['Create Table'] ?? '', database));
  const missing = await missingDefaults(session, name, definition);
  const silent = missing.silent.map((column) => `${quoteName(column)} without default`);
  const lossy = session.server.product === 'MariaDB';
  const keep = (kind: string, key: string, forms: string[]): void => {
    const digests = forms.map((form) => digest(form));
    ofKind(catalog, kind)[key] = digests.find((one) => one === restored?.[kind]?.[key]) ?? digests[0]!;
  };
  keep(
    'table',
    name,
    tableForms(definition, lossy).map((form) => [form, ...silent].join('\n')),
  );
  for (const item of definition.items) keep(item.kind, `${name}.${item.name}`, itemForms(item, lossy));
  return { definition, missing };
}

async function readSequence(session: MariadbSession, catalog: Catalog, name: string): Promise<void> {
  const [row] = await session.rows(`SHOW CREATE SEQUENCE ${quoteName(name)}`);
  ofKind(catalog, 'sequence')[name] = digest(row?.['Create Table']);
}

type CodeForms = [normal?: (text: string) => string | string[], expected?: string | undefined];

/**
 * A view, routine, trigger or event: its text, and the settings under which it was made. `normal` may return several
 * texts that mean the same: the one whose digest is `expected` counts, or else the first.
 */
async function addCode(
  session: MariadbSession,
  catalog: Catalog,
  kind: string,
  name: string,
  ...[normal = (text) => text, expected]: CodeForms
): Promise<void> {
  const [row = {}] = await shownCode(kind, name, (sql) => session.rows(sql));
  const definition = codeOf(row);
  if (definition === null) throw notShown(kind, name);
  const { text, definer } = withoutDefiner(definition);
  const settings = ['sql_mode', 'time_zone', 'character_set_client', 'collation_connection', 'Database Collation'].map(
    (field) => row[field],
  );
  const digests = [normal(withoutLastSemicolon(text))].flat().map((form) => digest(form, ...settings));
  ofKind(catalog, kind)[name] = digests.find((one) => one === expected) ?? digests[0]!;
  if (definer !== undefined) ofKind(catalog, 'definer')[`${kind} ${name}`] = definer;
}

/**
 * The answer of SHOW CREATE. Throws `source-unsupported` for code that this server no longer understands, because an
 * update reserved a word of it, or its row or file was altered.
 */
export async function shownCode(
  kind: string,
  name: string,
  ask: (sql: string) => Promise<TextRow[]>,
): Promise<TextRow[]> {
  return ask(`SHOW CREATE ${kind.toUpperCase()} ${quoteName(name)}`).catch((error: unknown) => {
    const { cause } = error as { cause?: { sqlState?: unknown } };
    // the server parses the code to show it, so an error is about the text, unless it has a meaning of its own
    if (!isBackupError(error, 'dump-failed') || cause?.sqlState === undefined) throw error;
    throw new BackupError(
      'source-unsupported',
      `this server does not understand ${kind} ${quoteName(name)} any more, which is there: ${messageOf(cause)}`,
      {
        hint: `make it again from your own sources, or drop it: DROP ${kind.toUpperCase()} ${quoteName(name)};`,
        cause,
      },
    );
  });
}

/** The error for a definition that the user may not see. */
export function notShown(kind: string, name: string): BackupError {
  return new BackupError('privilege-missing', `the server does not show the definition of ${kind} ${quoteName(name)}`, {
    hint:
      'the user must be able to read routines: GRANT SELECT ON mysql.proc (MariaDB before 11.3), SHOW CREATE ' +
      'ROUTINE (since), SHOW_ROUTINE (MySQL)',
  });
}

/** The definition in an answer of SHOW CREATE; null if the user may not see it. */
export function codeOf(row: TextRow): string | null {
  const field = Object.keys(row).find((column) => /^(Create |SQL Original Statement)/.test(column));
  return field === undefined ? null : (row[field] ?? null);
}
