import type { Passed } from '../../../../pipeline/guard.ts';

/**
 * A piece of a data part: a COPY with its rows, or the statements between two of them, one per piece. What is not read
 * of it is skipped.
 */
export type JudgedBlock = { rows: boolean; content: AsyncIterable<Buffer> };

/**
 * Splits a data part where its grammar has found rows, because a name or comment may contain what looks like their
 * beginning or end. The unread rest of a block is skipped: read as the next block, rows would be statements.
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
