import type { Exact } from './fixture.ts';

/**
 * What a column holds, as far as a fixture's value has to be written otherwise for it. `moment`: with or without a time
 * zone, as the server has it; `other`: nothing that a fixture's value can be written for.
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

export type RowColumn = { name: string; kind: Kind };
/** `acts`: rows go, or change, with those that they refer to, on the server itself. */
export type RowReference = { column: string; table: string; to: string; acts?: boolean };

/** A table that rows go into. `key`: the column of its primary key, where that is one. */
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
  /** A value as the kind of column takes it. Throws an `Error` that says what is wrong with it. */
  value(value: Exact, kind: Kind): string;
  /** Ends the load where `condition` (of a query) is true for one row of `from`; `from` may be empty. */
  refuse(from: string, condition: string): string;
  /** Makes the table's next key follow the highest one, where the server does not do that itself. */
  follow(table: string, key: string): string | undefined;
  /** Whether the server looks for itself, in the end, that every reference leads to a row. */
  readonly checksReferences: boolean;
};
