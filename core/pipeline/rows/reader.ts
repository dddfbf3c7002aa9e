/**
 * Rows of one table. `table` and `columns` as the dump prints them (quotes kept, parentheses not); `fingerprint` is the
 * sum modulo 2^64 of XXH64 (seed 0) of each row's text, 16 hex digits; `bytes` is the length of those texts together.
 */
export type TableTally = { table: string; columns: string; rows: number; fingerprint: string; bytes: number };

/**
 * Large objects of a PostgreSQL dump: the same sum, over each one's text from `SELECT pg_catalog.lo_open` to the `;` of
 * its `lo_close`.
 */
export type LargeObjectTally = { count: number; fingerprint: string };

/**
 * What a dump held. `ended`: the end-of-dump marker was the last thing in it; otherwise the dump was cut. `sequences`:
 * the value that a PostgreSQL dump sets each one to: the arguments of `setval` after its name. `uncounted`: the stream
 * doesn't show rows; the engine counts them beside it.
 */
export type DumpTally = {
  tables: TableTally[];
  ended: boolean;
  uncounted?: true;
  largeObjects?: LargeObjectTally;
  sequences?: Record<string, string>;
};

/** A reader's progress; `table` is the one whose rows are passing. */
export type DumpProgress = { rows: number; bytes: number; table?: string };

/**
 * Reads a dump as it passes, in chunks cut anywhere, and keeps nothing of it. A chunk may be reused once its `write`
 * has settled. Never throws, whatever the bytes, unless it is stopped: a cut or foreign text shows in `ended`. A table
 * without rows is listed if the dump mentions it (PostgreSQL does, MariaDB does not).
 */
export type DumpReader = {
  write(chunk: Uint8Array): void | Promise<void>;
  end(): DumpTally;
  progress(): DumpProgress;
};
