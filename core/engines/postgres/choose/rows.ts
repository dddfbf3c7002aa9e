import type { Passed } from '../../../pipeline/guard.ts';
import { printed } from '../../../pipeline/rows/tables.ts';

const copy = /^COPY ((?:"[^"]*"|[^"\s()])+)\s/;
/** Settings for reading rows, and comments; neither positions of sequences nor large objects. */
const settings = /^(?:SET (?!SESSION )|SELECT pg_catalog\.set_config\(|--|\s*$)/;

/** Of a data part whose grammar was judged: the rows of some tables and the settings before them. */
export function chosenRows(
  pieces: AsyncGenerator<Passed>,
  holdsRows: (table: string) => boolean,
): AsyncGenerator<Passed> {
  return chosenPieces(pieces, holdsRows, (statement) => settings.test(statement));
}

/** The rows of some tables, and the statements between them that pass. */
export async function* chosenPieces(
  pieces: AsyncGenerator<Passed>,
  holdsRows: (table: string) => boolean,
  passes: (statement: string) => boolean,
): AsyncGenerator<Passed> {
  let [table, isHeld] = [0, false];
  for await (const piece of pieces) {
    if (piece.table > 0 && piece.table !== table) {
      table = piece.table;
      isHeld = holdsRows(printed(copy.exec(piece.text.toString('latin1'))?.[1] ?? ''));
    }
    if (piece.table === 0 ? passes(piece.text.toString('latin1')) : isHeld) yield piece;
  }
}
