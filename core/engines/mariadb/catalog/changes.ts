import { ofKind } from '../../../contract/manifest/catalog.ts';
import { BackupError, isBackupError } from '../../../domain/errors.ts';
import type { Catalog } from '../../../ports.ts';
import { placeOf } from '../../login.ts';
import type { Login } from '../../login.ts';
import { changedObjects, readCatalog } from './catalog.ts';
import type { ReadTable } from './catalog.ts';
import { namesDatabase } from './names-database.ts';
import { quoteName } from '../quoting.ts';
import { withSession } from '../session.ts';
import type { MariadbSession } from '../session.ts';
import { isHere } from '../exact-names.ts';

/**
 * The definitions before the dump, and when routines and triggers were made, which reveals one that was changed and
 * changed back.
 */
export type Definitions = {
  catalog: Catalog;
  times: Catalog;
  restored: Catalog | undefined;
  selfNaming: string[];
  tables: ReadonlyMap<string, ReadTable>;
};

/** `restored`: as for a catalog. `selfNaming`: objects whose bodies name the database. */
export async function readDefinitions(session: MariadbSession, restored?: Catalog): Promise<Definitions> {
  const selfNaming: string[] = [];
  const tables = new Map<string, ReadTable>();
  const catalog = await readCatalog(session, restored, {
    code: (object, definition, database) => void (namesDatabase(definition, database) && selfNaming.push(object)),
    table: (name, table) => void tables.set(name, table),
  });
  return { catalog, times: await readTimes(session), restored, selfNaming, tables };
}

/** Warnings about a copy under another name. */
export function selfNamingWarnings({ selfNaming }: Definitions, database: string): string[] {
  if (selfNaming.length === 0) return [];
  const more = selfNaming.length > 20 ? `, and ${selfNaming.length - 20} more` : '';
  const named = `${selfNaming.slice(0, 20).join(', ')}${more}`;
  return [
    `restored under another name, these would still reach into database ${quoteName(database)}, which they ` +
      `name: ${named}`,
  ];
}

/** Throws `source-changed`, with the names, if the definitions are no longer those from before. */
export async function requireUnchanged(
  before: Definitions,
  login: Login,
  signal: AbortSignal,
  cause?: unknown,
): Promise<void> {
  const now = await withSession(login, signal, (session) => readDefinitions(session, before.restored));
  const changed = [
    ...new Set([...changedObjects(before.catalog, now.catalog), ...changedObjects(before.times, now.times)]),
  ];
  if (changed.length === 0) return;
  const shown =
    changed.length > 5 ? `${changed.slice(0, 5).join(', ')} and ${changed.length - 5} more` : changed.join(', ');
  throw new BackupError(
    'source-changed',
    `${placeOf('mariadb', login)}: definitions changed while the backup ran: ${shown}`,
    {
      hint: 'run the backup again when no migration is running',
      cause,
    },
  );
}

/** The error that ended a dump, or its cause: an object was changed or dropped meanwhile. */
export async function explainedByChange(
  error: unknown,
  before: Definitions,
  login: Login,
  signal: AbortSignal,
): Promise<unknown> {
  if (!isBackupError(error, 'dump-cut', 'source-changed', 'source-unsupported')) return error;
  return requireUnchanged(before, login, signal, error).then(
    () => error,
    (change: unknown) => change,
  );
}

/** Without events: running one changes its times. */
async function readTimes(session: MariadbSession): Promise<Catalog> {
  const times: Catalog = {};
  const found = await session.rows(
    `SELECT LOWER(ROUTINE_TYPE) AS kind, ROUTINE_NAME AS name, LAST_ALTERED AS time FROM information_schema.ROUTINES
        WHERE ${isHere('ROUTINE_SCHEMA')}
      UNION ALL SELECT 'trigger', TRIGGER_NAME, CREATED FROM information_schema.TRIGGERS WHERE ${isHere('TRIGGER_SCHEMA')}`,
  );
  for (const { kind, name, time } of found) ofKind(times, kind ?? '')[name ?? ''] = time ?? '';
  return times;
}
