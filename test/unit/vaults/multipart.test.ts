import { createHash } from 'node:crypto';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { maximumParts, partSize, partsInFlight } from '../../../core/domain/parts/multipart.ts';
import { crc32c, crc32cHeader, joinCrc32c } from '../../../core/vaults/s3/upload/crc32c.ts';
import { inBlocks } from '../../../core/vaults/s3/upload/blocks.ts';
import { chunks } from '../../contract/vault/vault-data.ts';

const MiB = 1024 ** 2;
const GiB = 1024 ** 3;
const indexes = Array.from({ length: maximumParts }, (_, index) => index);
const sizes = indexes.map(partSize);

test('ten thousand parts hold the largest object that S3 takes', () => {
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeGreaterThanOrEqual(5 * 1024 * GiB);
});

test('every part is of a size that S3 takes, and none is smaller than the one before', () => {
  expect(sizes.every((size) => size >= 5 * MiB && size <= 5 * GiB)).toBe(true);
  expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
});

test.each([
  [15, 24 * MiB],
  [46, 32 * MiB],
  [171, 128 * MiB],
  [1_100, GiB],
  [5 * 1024, 4 * GiB],
])('an upload of %d GiB holds at most %d bytes in memory', (objectGiB, memory) => {
  let at = 0;
  let most = 0;
  for (const size of sizes) {
    if (at >= objectGiB * GiB) break;
    most = Math.max(most, size * (partsInFlight(size) + 1));
    at += size;
  }

  expect(most).toBe(memory);
});

test.each([
  ['123456789', 0xe3069283], // the check value of CRC-32/ISCSI in the catalogue of parametrised CRC algorithms
  ['', 0],
  [Buffer.alloc(32), 0x8a9136aa], // RFC 3720, appendix B.4
  [Buffer.alloc(32, 0xff), 0x62a8ab43],
  [Buffer.from(Array.from({ length: 32 }, (_, index) => index)), 0x46dd794e],
])('the CRC-32C of %j is known', (block, expected) => {
  expect(crc32c(Buffer.from(block as string))).toBe(expected);
});

test('the checksums of two blocks make the checksum of both', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 300 }), (first, second) => {
      expect(joinCrc32c(crc32c(first), crc32c(second), second.length)).toBe(crc32c(Buffer.concat([first, second])));
    }),
  );
});

test('the checksum of two large blocks is that of both, and its header is four bytes in base64', () => {
  const first = Buffer.alloc(9 * MiB, 'first');
  const second = Buffer.alloc(8 * MiB + 1, 'second');

  const joined = joinCrc32c(crc32c(first), crc32c(second), second.length);

  expect(joined).toBe(crc32c(Buffer.concat([first, second])));
  expect(crc32cHeader(joined)).toMatch(/^[A-Za-z0-9+/]{6}==$/);
});

test.each([
  [0, [0]],
  [1, [1]],
  [8 * MiB, [8 * MiB]],
  [8 * MiB + 1, [8 * MiB, 1]],
  [16 * MiB, [8 * MiB, 8 * MiB]],
])('a stream of %d bytes is cut into parts of %j, the last one known as such', async (size, expected) => {
  const blocks = await Array.fromAsync(inBlocks(chunks(Buffer.alloc(size)), []), ({ bytes, last }) => ({
    size: bytes.length,
    last,
  }));

  expect(blocks).toEqual(expected.map((bytes, index) => ({ size: bytes, last: index === expected.length - 1 })));
});

test('memory that is given back is used again, for parts of its size alone', async () => {
  const spare = [Buffer.alloc(5)];
  const one = async () => (await Array.fromAsync(inBlocks(chunks(Buffer.from('text')), spare)))[0]!;

  const [first, second] = [await one(), await one()];
  expect(first.bytes.toString()).toBe('text');
  expect(second.bytes.buffer).not.toBe(first.bytes.buffer);
  expect(spare.map(({ length }) => length)).toEqual([5]);
  first.release();
  expect(spare.map(({ length }) => length)).toEqual([5, 8 * MiB]);

  expect((await one()).bytes.buffer).toBe(first.bytes.buffer);
  expect(spare.map(({ length }) => length)).toEqual([5]);
});

test('what is cut into parts is what was given, in chunks of whatever size', async () => {
  const given = Buffer.from(Array.from({ length: 251 }, (_, index) => index));
  const pieces = [...Array<Buffer>(40_000).fill(given), Buffer.alloc(0), given.subarray(1)];
  const digest = (all: Iterable<Uint8Array>) => {
    const hash = createHash('sha256');
    for (const piece of all) hash.update(piece);
    return hash.digest('hex');
  };

  const blocks = await Array.fromAsync(inBlocks(chunks(...pieces), []));

  expect(blocks.map(({ index, bytes, last }) => [index, bytes.length, last])).toEqual([
    [0, 8 * MiB, false],
    [1, 40_001 * 251 - 1 - 8 * MiB, true],
  ]);
  expect(digest(blocks.map(({ bytes }) => bytes))).toBe(digest(pieces));
});
