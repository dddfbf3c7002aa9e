import { expect, test } from '@jest/globals';
import { withoutEnd } from '../../../core/pipeline/text-end.ts';

const end = /\n-- Dump completed[^\n]*\n\s*$/;
const text = `${'a row\n'.repeat(80)}-- Dump completed on a row, and no end\n${'b\n'.repeat(200)}`;

async function* inPieces(whole: string, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < whole.length; at += size) yield Buffer.from(whole.slice(at, at + size));
}

const read = async (whole: string, size: number): Promise<string> =>
  Buffer.concat(await Array.fromAsync(withoutEnd(inPieces(whole, size), end, 'data/0001.sql'))).toString();

test.each([1, 2, 7, 255, 256, 257, 1000])(
  'an end is taken away, however the text comes: pieces of %d bytes',
  async (size) => {
    expect(await read(`${text}-- Dump completed\n\n`, size)).toBe(text);
    expect(await read('-- Dump completed\n', size)).toBe('');
  },
);

test('a text without the end is not whole, also where the marker stands earlier in it', async () => {
  for (const size of [3, 1000])
    await expect(read(text, size)).rejects.toMatchObject({ code: 'part-corrupt', message: /data\/0001\.sql was cut/ });
});
