/** Where the data of a sparse file lie; between them are holes. */
export type Extent = { offset: number; length: number };

/** Reads the map at the beginning of a sparse file's data (GNU tar, format 1.0), block by block. */
export type SparseMap = { take(block: Buffer): readonly Extent[] | undefined };

const mostExtents = 8 * 1024 ** 2;

/**
 * The map of a file of `size` bytes, with `stored` bytes following including the map. Returns the extents once it is
 * complete; throws if it is invalid.
 */
export function sparseMap(size: number, stored: number): SparseMap {
  const read: string[] = [];
  let [lines, wanted] = [0, Number.POSITIVE_INFINITY];
  return {
    take(block) {
      const text = block.toString('latin1');
      read.push(text);
      lines += text.split('\n').length - 1;
      if (wanted === Number.POSITIVE_INFINITY && lines > 0) wanted = 1 + 2 * number(read.join('').split('\n')[0]!);
      if (wanted > 2 * mostExtents && lines > 0) throw new Error('the map of a sparse file is too long');
      if (lines < wanted) return undefined;
      const numbers = read.join('').split('\n').slice(1, wanted).map(number);
      const extents = numbers.flatMap((offset, at) => (at % 2 === 0 ? [{ offset, length: numbers[at + 1]! }] : []));
      requireMap(extents, size, stored - read.length * block.length);
      return extents;
    },
  };
}

function number(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new Error('a number is none');
  return Number(text);
}

/** Throws unless data are in order, within the file, and as many as are stored. */
function requireMap(extents: readonly Extent[], size: number, stored: number): void {
  let [end, sum] = [0, 0];
  for (const { offset, length } of extents) {
    if (offset < end || offset + length > size) throw new Error('the map of a sparse file is wrong');
    end = offset + length;
    sum += length;
  }
  if (sum !== stored) throw new Error('the map of a sparse file is wrong');
}
