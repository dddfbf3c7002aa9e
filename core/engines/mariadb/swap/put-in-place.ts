import { BackupError, messageOf } from '../../../domain/errors.ts';
import { fewNames } from '../../../domain/lines.ts';
import type { Catalog } from '../../../ports.ts';
import type { Login } from '../../login.ts';
import { changedObjects, readCatalog } from '../catalog/catalog.ts';
import { runningEvent } from '../plan/event-dump.ts';
import { withSession } from '../session.ts';
import { readOptions, unendedSwap } from './marker.ts';
import { freeName } from './names.ts';
import { called, definedBy, readObjects } from './objects.ts';
import type { DatabaseObject } from './objects.ts';
import { notesOfOld } from './notes.ts';
import { swapTables } from './swap.ts';
import { sequenceFixes } from './tables.ts';

/**
 * What was restored and proven in the database `whole`. `running`: the events that are to run in its place. `id`: of
 * the backup, whose catalog is `catalog`.
 */
export type ProvenCopy = {
  whole: string;
  id: string;
  catalog: Catalog;
  owners: boolean;
  running: ReadonlySet<string>;
  dropOld: boolean;
  proven: boolean;
};

/** Whether everything is as it was after a swap that failed. */
export async function isAsItWas(login: Login): Promise<boolean> {
  const state = await withSession(login, new AbortController().signal, (session) =>
    unendedSwap(session, login.database),
  ).catch(() => 'unknown');
  return state === undefined;
}

/**
 * Puts a copy in the place of the database of `login`, checks that everything that the tables did not bring is there,
 * and returns what a person should know. Calls `done` once the tables are exchanged.
 */
export async function putInPlace(
  login: Login,
  copy: ProvenCopy,
  done: () => void,
  signal: AbortSignal,
): Promise<string[]> {
  const { whole, id, catalog } = copy;
  const inside = { ...login, database: whole };
  const { fresh, proven } = await withSession(inside, signal, async (session) => ({
    fresh: {
      options: await readOptions(session),
      objects: (await readObjects(session)).map((one) => asInPlace(one, copy)),
      fixes: await sequenceFixes(session, whole, login.database),
      rights: [],
    },
    proven: await readCatalog(session, catalog),
  }));
  const before = await withSession(login, signal, (session) => freeName(session, login, { id }));
  const notMade = await swapTables(login, { id, whole, before, fresh });
  done();
  const found = await withSession(login, signal, (session) => readCatalog(session, catalog));
  const changed = changedObjects(withDefiners(proven, copy), found);
  if (notMade.some(({ lasting }) => !lasting) || changed.length > 0) throw notAll(login, notMade, changed, before);
  const notes = notMade.map(({ what, why }) => `${why}: run as an administrator: ${what};`);
  const fates = await withSession(login, signal, (session) => notesOfOld(session, login, { ...copy, before })).catch(
    (error: unknown) => [`the old database is kept as ${before} (${messageOf(error)})`],
  );
  return [...notes, ...fates];
}

/**
 * Beside the live database everything belongs to the restoring user, because definers may have rights only on the live
 * one.
 */
function asInPlace(object: DatabaseObject, { catalog, owners, running }: ProvenCopy): DatabaseObject {
  const own = owners ? definedBy(object, catalog['definer']?.[called(object)]) : object;
  return own.kind === 'event' && running.has(own.name) ? { ...own, statement: runningEvent(own.statement) } : own;
}

/** A catalog of the copy, with the definers that everything has in place. */
export function withDefiners(found: Catalog, { catalog, owners }: Pick<ProvenCopy, 'catalog' | 'owners'>): Catalog {
  if (!owners) return found;
  const definers = Object.entries(found['definer'] ?? {}).map(([object, definer]) => [
    object,
    catalog['definer']?.[object] ?? definer,
  ]);
  return { ...found, definer: Object.fromEntries(definers) };
}

function notAll(
  { database }: Login,
  notMade: readonly { what: string; why: string }[],
  changed: readonly string[],
  before: string,
): BackupError {
  const said = [
    ...notMade.map(({ what, why }) => `${what} could not be made (${why})`),
    ...(changed.length === 0 ? [] : [`not as it was proven: ${fewNames(changed)}`]),
  ];
  return new BackupError(
    'restore-failed',
    `all tables are in the place of those of database ${database}, and ${said.join('; ')}; the old database is kept ` +
      `as ${before}`,
    { hint: '--undo puts the old database back' },
  );
}
