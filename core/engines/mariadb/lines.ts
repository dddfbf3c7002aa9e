import type { ByteStream } from '../../ports.ts';

/**
 * A stream's lines, each with its newline, in one batch per chunk; bytes as characters (latin1), so that text of any
 * encoding passes unchanged. Holds whole lines in memory: for definitions, not for rows.
 */
export async function* linesOf(content: ByteStream): AsyncIterable<string[]> {
  let begun: string[] = [];
  for await (const chunk of content) {
    const text = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1');
    const end = text.lastIndexOf('\n') + 1;
    if (end === 0) {
      begun.push(text);
      continue;
    }
    yield `${begun.join('')}${text.slice(0, end)}`.match(/[^\n]*\n/g) ?? [];
    begun = [text.slice(end)];
  }
  const rest = begun.join('');
  if (rest !== '') yield [rest];
}

/** Lines as bytes again. */
export function bytesOf(lines: string[]): Buffer {
  return Buffer.from(lines.join(''), 'latin1');
}
