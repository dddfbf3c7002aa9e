import { expect, test } from '@jest/globals';
import { positionReader } from '../../../core/engines/mariadb/plan/position.ts';

const head = "-- CHANGE MASTER TO MASTER_LOG_FILE='binlog.000007', MASTER_LOG_POS=1900;\n";
const rows = "\n-- Dumping data for table `t`\n--\nINSERT INTO `t` VALUES\n(1,'x');\n";
const end =
  "-- SET GLOBAL gtid_slave_pos='0-1-9,3-7-12';\n/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;\n-- Dump completed\n";
const expected = [
  { name: 'gtid', value: '0-1-9,3-7-12', relation: 'at' },
  { name: 'binlog', value: 'binlog.000007:1900', relation: 'at' },
];

/** What is found in a text that comes in pieces of this size; the text must pass as it is. */
async function foundIn(text: string, size: number): Promise<unknown> {
  const reader = positionReader();
  const pieces = text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [];
  const passed: Uint8Array[] = [];
  for await (const piece of reader.watch(inPieces(pieces))) passed.push(piece);
  expect(Buffer.concat(passed).toString()).toBe(text);
  return reader.found();
}

async function* inPieces(pieces: readonly string[]) {
  for (const piece of pieces) yield Buffer.from(piece);
}

test.each([1, 7, 64, 100_000])('the position of a dump is found in pieces of %d bytes', async (size) => {
  expect(await foundIn(`-- MariaDB dump\n${head}${rows}${end}`, size)).toEqual(expected);
});

test('a dump without a position has none', async () => {
  expect(await foundIn(`-- MariaDB dump\n${rows}-- Dump completed\n`, 50)).toEqual([]);
});

test('what names with a newline print does not pose as a position', async () => {
  const forged = "-- CHANGE MASTER TO MASTER_LOG_FILE='evil.000001', MASTER_LOG_POS=4;\n";
  const last = "\n-- Dumping data for table `a\n-- SET GLOBAL gtid_slave_pos='9-9-9';\n-- `\n--\n";

  expect(await foundIn(`-- Host: h Database: x\n${forged}${head}${rows}${forged}${last}${end}`, 30)).toEqual(expected);
});

test('megabytes of rows between the two are not held', async () => {
  const reader = positionReader();
  const chunk = Buffer.alloc(256 * 1024, 'x');
  async function* dump() {
    yield Buffer.from(`${head}${rows}`);
    for (let at = 0; at < 200; at += 1) yield chunk;
    yield Buffer.from(`\n${end}`);
  }

  for await (const piece of reader.watch(dump())) expect(piece.length).toBeLessThanOrEqual(chunk.length);

  expect(reader.found()).toEqual(expected);
});
