/** The words for a source and its content in texts, in the singular. */
export type ContentWords = {
  /** The whole: `database`, `folder`. */
  whole: string;
  /** What it is divided into, and what is counted there: `table` and `row`. */
  table: string;
  row: string;
};

export const databaseWords: ContentWords = { whole: 'database', table: 'table', row: 'row' };
export const imageWords: ContentWords = { whole: 'OCI image', table: 'platform', row: 'layer' };
export const folderWords: ContentWords = { whole: 'folder', table: 'folder', row: 'file' };

/** The word for the whole. */
export function wholeOf({ words: { whole } = databaseWords }: { words?: ContentWords }): string {
  return whole;
}

/** The words for the globals of a server; they are counted by `role` or `account`. */
export function globalsWords(row: string): ContentWords {
  return { whole: `set of ${row}s`, table: 'server', row };
}

/** The `database` in the manifest of a backup that is not of a database. */
export const databaseOfGlobals = 'globals';
