/** CRC-32 as zlib and S3 have it: the polynomial of IEEE 802.3, bits reflected. */
const polynomial = 0xedb88320;
/** One, written as a polynomial with reflected bits. */
const one = 0x80000000;

/**
 * The CRC-32 of two blocks one after the other, from the CRC-32 of each and the length of the second: what a whole object's
 * checksum is made of without reading its parts twice. The first one's CRC is multiplied by x^(8 × length), modulo the polynomial.
 */
export function joinCrc32(first: number, second: number, secondBytes: number): number {
  return (multiply(powerOfX(secondBytes * 8), first) ^ second) >>> 0;
}

/** A CRC-32 as S3's headers carry it: four bytes, big-endian, in base64. */
export function crc32Header(crc: number): string {
  return crc32Bytes(crc).toString('base64');
}

/** A CRC-32 as four bytes, big-endian. */
export function crc32Bytes(crc: number): Buffer {
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
