import type { Passed } from '../../../../pipeline/guard.ts';

/**
 * A part of a data part: a COPY with its rows, or the statements between two of them, one a piece. To be read to its
 * end, or left: then it is skipped.
 */
export type JudgedBlock = { rows: boolean; content: AsyncIterable<Buffer> };

/**
 * Takes a data part apart where its grammar has found rows: a name or a comment may hold what looks like their
 * beginning or their end. What a reader leaves of a block is skipped with it: read as the next one, rows would be
 * statements.
 */
export async function* judgedBlocksOf(pieces: AsyncGenerator<Passed>): AsyncGenerator<JudgedBlock> {
  let next = await pieces.next();
  async function* block(table: number): AsyncGenerator<Buffer> {
    while (next.done !== true && next.value.table === table) {
      const { text } = next.value;
      next = await pieces.next();
      yield text;
    }
  }
  try {
    while (next.done !== true) {
      const { table } = next.value;
      yield { rows: table > 0, content: block(table) };
      while (next.done !== true && next.value.table === table) next = await pieces.next();
    }
  } finally {
    await pieces.return(undefined);
  }
}
