import { newInstance } from './scanner.ts';

/**
 * Takes the rows of a COPY out of the messages in which a PostgreSQL server sends them. `take` yields text in memory of
 * its own, which is good until the next piece is asked for. `rest`: the first message after all rows, as far as it has
 * come, and what follows it; undefined while rows may still come.
 */
export type Frames = { take(chunk: Uint8Array): Generator<Uint8Array, void>; rest(): Buffer | undefined };

/** A message begins with its kind, and its length without the kind (PostgreSQL manual, 54.7). */
const headBytes = 5;
/** The answer that rows follow; and what may come between them: a notice, a changed setting, a notification. */
const passedOver = Buffer.from('HNSA');
const nothing = Buffer.alloc(0);

/** For one COPY. */
export function newFrames(): Frames {
  const wasm = newInstance();
  const base = wasm.input.value;
  // nothing else of the module is used here, so all of its memory is
  const text = Buffer.from(wasm.memory.buffer, base);
  /** A part of a head, or a message that is not one of rows. */
  let held: Buffer = nothing;
  /** How much of a message that is passed over is still to come. */
  let skipped = 0;
  let rest: Buffer | undefined;

  function unframed(piece: Uint8Array): Uint8Array {
    held.copy(text);
    text.set(piece, held.length);
    const length = held.length + piece.length;
    const end = wasm.unframe(base, base + length) - base;
    held = Buffer.from(text.subarray(wasm.stopped.value - base, length));
    return text.subarray(0, end);
  }

  function* rowsIn(piece: Uint8Array): Generator<Uint8Array, void> {
    let left = piece;
    while (left.length > 0) {
      const passed = Math.min(skipped, left.length);
      skipped -= passed;
      const rows = unframed(left.subarray(passed));
      left = nothing;
      if (rows.length > 0) yield rows;
      if (held.length < headBytes) continue;
      if (!passedOver.includes(held[0]!)) {
        rest = held;
        return;
      }
      skipped = held.readUInt32BE(1) + 1;
      [left, held] = [held, nothing];
    }
  }

  return {
    *take(chunk) {
      const most = text.length - headBytes;
      for (let from = 0; from < chunk.length; from += most) {
        const piece = chunk.subarray(from, from + most);
        if (rest === undefined) yield* rowsIn(piece);
        else rest = Buffer.concat([rest, piece]);
      }
    },
    rest: () => rest,
  };
}
