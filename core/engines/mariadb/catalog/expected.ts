import { BackupError } from '../../../domain/errors.ts';
import { byteText, quoteName } from '../quoting.ts';

/**
 * The comment that mariadb-dump writes above an object. A name with a newline continues in the next line; its first
 * line identifies it.
 */
const marks = {
  table: '-- Table structure for table ',
  sequence: '-- Sequence structure for ',
  view: '-- Final view structure for view ',
  rows: '-- Dumping data for table ',
};

type MarkKind = keyof typeof marks;

/** What is expected in a dump, ticked off as it passes. */
export type ExpectedDump = {
  see(line: string): void;
  /** Throws `dump-cut` if something has not passed, `source-changed` if something unexpected did. */
  requireAll(): void;
};

/** The beginning of a comment above a table's rows. */
export const rowsMark = marks.rows;

/**
 * Objects by name, and a number of routines, triggers and events, each of which follows one change of the delimiter.
 * Lines are latin1 text. `reached` is called whenever one of the objects begins (not for names with a newline).
 */
export function expectation(
  objects: { kind: MarkKind; names: string[] }[],
  code = 0,
  reached: (name: string) => void = () => {},
): ExpectedDump {
  const all = objects.flatMap(({ kind, names }) =>
    names.map((name) => ({
      mark: markOf(kind, name),
      name,
      what: `${kind === 'rows' ? 'rows of' : kind} ${quoteName(name)}`,
    })),
  );
  const known = new Map(all.map((object) => [object.mark, object]));
  const missing = new Set(known.keys());
  const unknown: string[] = [];
  let [bodies, inBody] = [0, false];
  const seeComment = (mark: string) => {
    const object = known.get(mark);
    if (object === undefined) {
      if (objects.some(({ kind }) => mark.startsWith(marks[kind]))) unknown.push(mark.slice(3));
      return;
    }
    missing.delete(mark);
    if (!object.name.includes('\n')) reached(object.name);
  };
  return {
    see(line) {
      if (line === 'DELIMITER ;;\n') [bodies, inBody] = [bodies + 1, true];
      else if (line === 'DELIMITER ;\n') inBody = false;
      else if (!inBody && line.startsWith('-- ')) seeComment(line.trimEnd());
    },
    requireAll() {
      const lost = [...missing].map((mark) => known.get(mark)!.what);
      if (bodies < code) lost.push(`${code - bodies} of ${code} routines, triggers and events`);
      if (lost.length > 0) throw cutError(lost);
      if (bodies > code) unknown.push(`${bodies - code} more routines, triggers or events`);
      if (unknown.length > 0) throw surplusError(unknown);
    },
  };
}

/** The comment above a table's rows, as latin1 text without its newline. */
export function rowsComment(table: string): string {
  return markOf('rows', table);
}

function cutError(lost: string[]): BackupError {
  return new BackupError('dump-cut', `mariadb-dump ended well, and left out ${lost.join(', ')}`, {
    hint:
      'was something dropped meanwhile? Run the backup again; if it stays so, check the rights of the user and ' +
      'report this',
  });
}

function surplusError(unknown: string[]): BackupError {
  const printed = unknown
    .map((mark) => Buffer.from(mark, 'latin1').toString('utf8'))
    .slice(0, 5)
    .join(', ');
  return new BackupError('source-changed', `mariadb-dump printed what was not there before it started: ${printed}`, {
    hint: 'run the backup again when no migration is running',
  });
}

function markOf(kind: MarkKind, name: string): string {
  return byteText(`${marks[kind]}${quoteName(name)}`.split('\n')[0] ?? '').trimEnd();
}
