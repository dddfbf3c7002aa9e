import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { readCatalog } from './catalog.ts';
import { examine } from './examine.ts';
import type { Answered, HeldState, Question, Questions } from './questions.ts';
import { countRows } from './rows.ts';
import { heldWal } from './wal-index.ts';

/** SQLite's result codes for a lock that somebody else has. */
const busy = [5, 6];
let opened: DatabaseSync | undefined;

export const answers: { [Name in Question]: (given: Questions[Name]['given']) => Questions[Name]['answer'] } = {
  holdWal({ path, waitMs }) {
    const database = openToRead(path, waitMs);
    const wal = heldWal(database, path, waitMs);
    return { ...fileState(database), wal };
  },
  holdFile({ path, waitMs }) {
    const database = openToRead(path, waitMs);
    database.exec('begin');
    const state = fileState(database);
    if (database.prepare('pragma journal_mode').get()?.['journal_mode'] === 'wal') throw changedMode();
    return state;
  },
  openOwn({ path }) {
    const database = openToRead(`${pathToFileURL(path).href}?immutable=1`, 0);
    database.exec('begin');
    return fileState(database);
  },
  settle({ path }) {
    const database = new DatabaseSync(path);
    database.exec('pragma wal_checkpoint(truncate)');
    database.prepare('select 1 from sqlite_schema limit 1').get();
    database.close();
    return null;
  },
  claim: ({ path }) => isFree(path),
  catalog: () => readCatalog(current()),
  examine: ({ deep }) => examine(current(), deep),
  count: () => countRows(current()),
  query: ({ statement, rows }) => firstRows(current(), statement, rows),
  release() {
    opened?.close();
    opened = undefined;
    return null;
  },
};

/** Reported like SQLite's own error for a database that it can't read in its present form. */
function changedMode(): Error {
  return Object.assign(new Error('the journal mode was changed'), { errcode: 8 });
}

function current(): DatabaseSync {
  if (opened === undefined) throw new Error('no database is open');
  return opened;
}

/** Trusts nothing in a database: functions in its views and indexes can't reach beyond it. */
function openToRead(path: string, waitMs: number): DatabaseSync {
  opened?.close();
  opened = new DatabaseSync(path, { readOnly: true, timeout: waitMs });
  opened.exec('pragma query_only = on; pragma trusted_schema = off; pragma cell_size_check = on');
  opened.exec('pragma cache_size = -16384; pragma mmap_size = 0');
  return opened;
}

function fileState(database: DatabaseSync): HeldState {
  database.prepare('select 1 from sqlite_schema limit 1').get();
  const number = (pragma: string): number => Number(database.prepare(`pragma ${pragma}`).get()?.[pragma]);
  return { pages: number('page_count'), pageSize: number('page_size'), wal: null };
}

/** SQLite grants no exclusive lock while another connection is open in WAL mode, or is reading. */
function isFree(path: string): boolean {
  const there = pathToFileURL(path);
  // otherwise SQLite would make the file where there is none
  there.searchParams.set('mode', 'rw');
  const database = new DatabaseSync(there, { timeout: 0 });
  try {
    database.exec('pragma locking_mode = exclusive; begin exclusive; commit');
    database.exec('pragma wal_checkpoint(truncate)');
    return true;
  } catch (error) {
    if (busy.includes(Number((error as { errcode?: number }).errcode) & 0xff)) return false;
    throw error;
  } finally {
    database.close();
  }
}

function firstRows(database: DatabaseSync, statement: string, rows: number): Answered {
  const prepared = database.prepare(statement);
  prepared.setReturnArrays(true);
  prepared.setReadBigInts(true);
  const found: unknown[][] = [];
  for (const row of prepared.iterate() as Iterable<unknown>) {
    found.push((row as unknown[]).map((value) => (typeof value === 'bigint' ? String(value) : value)));
    if (found.length === rows) break;
  }
  return { rows: found, columns: prepared.columns().length };
}
