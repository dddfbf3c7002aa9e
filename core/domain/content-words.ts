/** What a source and what it holds are called, in texts: one of each. */
export type ContentWords = {
  /** The whole: `database`, `folder`. */
  whole: string;
  /** What it is counted by, and what is counted in that: `table` and `row`. */
  table: string;
  row: string;
};

export const databaseWords: ContentWords = { whole: 'database', table: 'table', row: 'row' };
export const imageWords: ContentWords = { whole: 'OCI image', table: 'platform', row: 'layer' };
export const folderWords: ContentWords = { whole: 'folder', table: 'folder', row: 'file' };

/** What to call the whole of something. */
export function wholeOf({ words: { whole } = databaseWords }: { words?: ContentWords }): string {
  return whole;
}

/** What the globals of a server are called: they are counted by `role` or `account`. */
export function globalsWords(row: string): ContentWords {
  return { whole: `set of ${row}s`, table: 'server', row };
}

/** What stands in a manifest for the database where a backup is of none. */
export const databaseOfGlobals = 'globals';
