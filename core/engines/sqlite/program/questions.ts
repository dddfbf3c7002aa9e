import type { Catalog } from '../../../contract/manifest/catalog.ts';
import type { TableRows } from '../../../contract/manifest/manifest.ts';

/**
 * A committed state of a database in WAL mode: its pages are those of the file, or of the last of the first `frames`
 * frames of the log. `salts` and `sums` are those of the log that it was read with. Absent frames: the file has it all.
 */
export type WalState = { frames: number; salts: string; sums: string };

/** What a connection sees while it is open. `wal`: null where the file alone is the database. */
export type HeldState = { pages: number; pageSize: number; wal: WalState | null };

export type RowsCounted = { tables: TableRows[]; unread: { table: string; why: string }[] };

/** What SQLite says of the file. `damage`: why it can't be trusted; `broken`: rules of its own that its rows break. */
export type Health = { damage: string[]; broken: string[]; orphans: Record<string, string> };

export type Answered = { rows: unknown[][]; columns: number };

/** What may be asked of the program that has the database open, and what it answers. */
export type Questions = {
  /** Opens a database in WAL mode that has its index, and keeps one state of it. */
  holdWal: { given: { path: string; waitMs: number }; answer: HeldState };
  /** Opens a database with a rollback journal, and keeps every writer from changing it. */
  holdFile: { given: { path: string; waitMs: number }; answer: HeldState };
  /** Opens a file that nobody else has: no lock is taken, and nothing is made beside it. */
  openOwn: { given: { path: string }; answer: HeldState };
  /** Brings a copy to its last committed state, as the next application to open it would, so that the file has it all. */
  settle: { given: { path: string }; answer: null };
  /** Whether nobody else has the database open; what its log holds is brought into it. */
  claim: { given: { path: string }; answer: boolean };
  catalog: { given: object; answer: Catalog };
  examine: { given: { deep: boolean }; answer: Health };
  count: { given: object; answer: RowsCounted };
  /** The first rows of one statement that only reads. */
  query: { given: { statement: string; rows: number }; answer: Answered };
  release: { given: object; answer: null };
};

export type Question = keyof Questions;

/** A refusal of SQLite's: `code` is its extended result code (https://sqlite.org/rescode.html). */
export type Refusal = { code: number; message: string };

export type Asked = { [Name in Question]: { id: number; ask: Name; given: Questions[Name]['given'] } }[Question];
export type Reply = { id: number; answer: unknown } | { id: number; refusal: Refusal };
