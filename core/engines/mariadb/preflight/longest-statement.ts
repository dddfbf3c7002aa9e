import type { Bytes } from '../../../domain/units.ts';

const end = Buffer.from(';\n');

/**
 * Measures the statements of a dump's rows as they pass: a server accepts none longer than its `max_allowed_packet`. No
 * value in a dump contains a newline.
 */
export function longestStatement(): { write(chunk: Uint8Array): void; bytes(): Bytes } {
  let [begun, longest] = [0, 0];
  let semicolon = false;
  return {
    write(bytes) {
      const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      let from = 0;
      if (semicolon && chunk[0] === end[1]) [longest, begun, from] = [Math.max(longest, begun), 0, 1];
      for (let at = chunk.indexOf(end, from); at >= 0; at = chunk.indexOf(end, from)) {
        longest = Math.max(longest, begun + at + 1 - from);
        [begun, from] = [0, at + end.length];
      }
      begun += chunk.length - from;
      if (chunk.length > 0) semicolon = chunk.at(-1) === end[0];
    },
    bytes: () => Math.max(longest, begun),
  };
}
