import xxhash from 'xxhash-wasm';

const { h64Raw } = await xxhash();

/** XXH64 with seed 0, by an implementation that is not ours. */
export function xxh64(bytes: Uint8Array | string): bigint {
  return h64Raw(typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
}

/** What a table's tally must be, the slow way. */
export function tallyOf(table: string, columns: string, rows: readonly string[]) {
  return {
    table,
    columns,
    rows: rows.length,
    fingerprint: hex(rows.reduce((sum, row) => sum + xxh64(row), 0n)),
    bytes: rows.reduce((bytes, row) => bytes + Buffer.byteLength(row), 0),
  };
}

/** The sum modulo 2^64 as 16 hex digits. */
export function hex(sum: bigint): string {
  return (sum % 2n ** 64n).toString(16).padStart(16, '0');
}

/** `bytes` cut after each of `lengths` in turn, again and again; a length of 0 gives an empty chunk. */
export function* chunksOf(bytes: Uint8Array, lengths: readonly number[]): Generator<Uint8Array> {
  if (lengths.every((length) => length === 0)) throw new Error('no chunk would ever hold a byte');
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const length = lengths[turn % lengths.length]!;
    yield bytes.subarray(at, at + length);
    at += length;
  }
}
