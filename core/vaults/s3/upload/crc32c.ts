import hashWasm from 'hash-wasm/dist/crc32.umd.min.js';

/** Castagnoli's polynomial, bits reflected (RFC 3720, appendix B.4). */
const polynomial = 0x82f63b78;
/** One, written as a polynomial with reflected bits. */
const one = 0x80000000;

const hash = await hashWasm.createCRC32(polynomial);

/**
 * Of the checksums that S3 knows, the one that processors have an instruction for, which matters to stores that share
 * their machine (docs/performance.md).
 */
export function crc32c(bytes: Uint8Array): number {
  return Buffer.from(hash.init().update(bytes).digest('binary')).readUInt32BE();
}

/**
 * The CRC-32C of two blocks in sequence, from the CRC-32C of each and the length of the second: gives the checksum of a
 * whole object without reading its parts twice. The first block's CRC is multiplied by x^(8 × length), modulo the
 * polynomial.
 */
export function joinCrc32c(first: number, second: number, secondBytes: number): number {
  return (multiply(powerOfX(secondBytes * 8), first) ^ second) >>> 0;
}

/** A CRC-32C as in S3's headers: four bytes, big-endian, in base64. */
export function crc32cHeader(crc: number): string {
  return crc32cBytes(crc).toString('base64');
}

/** A CRC-32C as four bytes, big-endian. */
export function crc32cBytes(crc: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc >>> 0);
  return bytes;
}

/** x to the power of `exponent`, by squaring. */
function powerOfX(exponent: number): number {
  let result = one;
  let square = one >>> 1;
  for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = multiply(result, square);
    square = multiply(square, square);
  }
  return result;
}

/** The product of two polynomials modulo the CRC's. */
function multiply(a: number, b: number): number {
  let product = 0;
  let term = b;
  for (let bit = one; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= term;
    term = (term & 1) === 1 ? (term >>> 1) ^ polynomial : term >>> 1;
  }
  return product >>> 0;
}
