import type { Catalog } from '../../../contract/manifest/catalog.ts';
import type { TableRows } from '../../../contract/manifest/manifest.ts';

/**
 * A committed state of a database in WAL mode: its pages are those of the file, or of the last of the first `frames`
 * frames of the log. `salts` and `sums` identify the log that it was read with.
 */
export type WalState = { frames: number; salts: string; sums: string };

/** What a connection sees while it is open. `wal`: null if the file alone is the database. */
export type HeldState = { pages: number; pageSize: number; wal: WalState | null };

export type RowsCounted = { tables: TableRows[]; unread: { table: string; why: string }[] };

/** SQLite's judgement of the file. `damage`: why it can't be trusted; `broken`: its own rules that its rows break. */
export type Health = { damage: string[]; broken: string[]; orphans: Record<string, string> };

export type Answered = { rows: unknown[][]; columns: number };

/** The questions to the program that has the database open, and their answers. */
export type Questions = {
  /** Opens a database in WAL mode that has its index, and holds one state of it. */
  holdWal: { given: { path: string; waitMs: number }; answer: HeldState };
  /** Opens a database with a rollback journal, and keeps every writer from changing it. */
  holdFile: { given: { path: string; waitMs: number }; answer: HeldState };
  /** Opens a file that nobody else uses: takes no lock, and makes nothing beside it. */
  openOwn: { given: { path: string }; answer: HeldState };
  /**
   * Brings a copy to its last committed state, as the next application to open it would, so that everything is in the
   * file.
   */
  settle: { given: { path: string }; answer: null };
  /** Whether nobody else has the database open; brings its log into the file. */
  claim: { given: { path: string }; answer: boolean };
  catalog: { given: object; answer: Catalog };
  examine: { given: { deep: boolean }; answer: Health };
  count: { given: object; answer: RowsCounted };
  /** The first rows of one read-only statement. */
  query: { given: { statement: string; rows: number }; answer: Answered };
  release: { given: object; answer: null };
};

export type Question = keyof Questions;

/** A refusal by SQLite: `code` is its extended result code (https://sqlite.org/rescode.html). */
export type Refusal = { code: number; message: string };

export type Asked = { [Name in Question]: { id: number; ask: Name; given: Questions[Name]['given'] } }[Question];
export type Reply = { id: number; answer: unknown } | { id: number; refusal: Refusal };
