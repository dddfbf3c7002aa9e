import type { Exact } from './fixture.ts';

/**
 * The kinds of columns that a fixture's value is written differently for. `moment`: with or without a time zone, as the
 * server has it; `other`: no value of a fixture can be written for it.
 */
export type Kind =
  | 'boolean'
  | 'number'
  | 'text'
  | 'json'
  | 'moment'
  | 'date'
  | 'time'
  | 'duration'
  | 'binary'
  | 'uuid'
  | 'array'
  | 'other';

/** `computed`: by the server itself, so nothing is written into it. */
export type RowColumn = { name: string; kind: Kind; computed?: boolean | undefined };
/** `acts`: the server itself deletes or changes rows together with those they refer to. */
export type RowReference = { column: string; table: string; to: string; acts?: boolean };

/** A table that rows go into. `key`: the column of its primary key, if that is a single one. */
export type TableLayout = {
  name: string;
  key: string | undefined;
  columns: readonly RowColumn[];
  references: readonly RowReference[];
};

/** How an engine's servers want rows written. */
export type RowDialect = {
  /** What comes first: settings, and the beginning of one transaction. */
  readonly begin: string;
  readonly end: string;
  name(text: string): string;
  /** A value as this kind of column takes it. Throws an `Error` that says what is wrong with it. */
  value(value: Exact, kind: Kind): string;
  /** Aborts the load if `condition` (of a query) is true for one row of `from`; `from` may be empty. */
  refuse(from: string, condition: string): string;
  /**
   * The statement by which moments without an offset are of this time zone; undefined where the server keeps them as
   * they are.
   */
  readonly timeZone: ((zone: string) => string) | undefined;
  /** Makes the table's next key follow the highest one, if the server does not do that itself. */
  follow(table: string, key: string): string | undefined;
  /** Whether the server itself checks at the end that every reference leads to a row. */
  readonly checksReferences: boolean;
};
