import { BackupError } from '../../domain/errors.ts';
import { byteText, quoteName } from './quoting.ts';

/** The comment that mariadb-dump writes above an object. A name with a newline goes on in the next line; its first line stands for it. */
const marks = {
  table: '-- Table structure for table ',
  sequence: '-- Sequence structure for ',
  view: '-- Final view structure for view ',
  rows: '-- Dumping data for table ',
};

/** What is expected in a dump, ticked off as it passes. */
export type Expected = {
  see(line: string): void;
  /** Throws `dump-cut` when something has not passed. */
  requireAll(): void;
};

/** The beginning of a comment above a table's rows. */
export const rowsMark = marks.rows;

/**
 * Objects by name, and a number of routines, triggers and events, of which each is written behind one change of the delimiter.
 * Lines are latin1 text.
 */
export function expectation(objects: { kind: keyof typeof marks; names: string[] }[], code = 0): Expected {
  const missing = new Map(objects.flatMap(({ kind, names }) => names.map((name) => [markOf(kind, name), `${kind === 'rows' ? 'rows of' : kind} ${quoteName(name)}`])));
  let bodies = 0;
  return {
    see(line) {
      if (line.startsWith('-- ')) missing.delete(line.trimEnd());
      else if (line === 'DELIMITER ;;\n') bodies += 1;
    },
    requireAll() {
      const lost = [...missing.values(), ...(bodies < code ? [`${code - bodies} of ${code} routines, triggers and events`] : [])];
      if (lost.length === 0) return;
      throw new BackupError('dump-cut', `mariadb-dump ended well, and left out ${lost.join(', ')}`, {
        hint: 'was something dropped meanwhile? Run the backup again; if it stays so, check the rights of the user and report this',
      });
    },
  };
}

function markOf(kind: keyof typeof marks, name: string): string {
  return byteText(`${marks[kind]}${quoteName(name)}`.split('\n')[0] ?? '').trimEnd();
}
