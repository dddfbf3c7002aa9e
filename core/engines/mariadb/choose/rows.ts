import type { Passed } from '../../../pipeline/guard.ts';
import { nameIn } from './definitions.ts';

const quoted = '(`(?:[^`]|``)*`)';
const insert = new RegExp(`^INSERT INTO ${quoted}`, 'i');
/** Statements between rows that are about one table or sequence. */
const about = new RegExp(`^(?:(?:DO|SELECT) SETVAL\\(|LOCK TABLES |/\\*!40000 ALTER TABLE )${quoted}`, 'i');

/**
 * Of a data part whose grammar was judged: the rows of some tables, the settings, and the positions of some sequences.
 */
export async function* chosenRows(
  pieces: AsyncGenerator<Passed>,
  isChosen: (name: string) => boolean,
): AsyncGenerator<Passed> {
  let [table, isHeld] = [0, false];
  for await (const piece of pieces) {
    if (piece.table > 0 && piece.table !== table) {
      table = piece.table;
      isHeld = holds(insert, piece, isChosen);
    }
    if (piece.table === 0 ? holds(about, piece, isChosen, true) : isHeld) yield piece;
  }
}

function holds(pattern: RegExp, { text }: Passed, isChosen: (name: string) => boolean, otherwise = false): boolean {
  const name = pattern.exec(text.toString('latin1'))?.[1];
  return name === undefined ? otherwise : isChosen(nameIn(name));
}
