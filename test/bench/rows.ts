// Speed of the row stage alone, from memory: node test/bench/rows.ts
import { crc32 } from 'node:zlib';
import xxhash from 'xxhash-wasm';
import { mariadbReader } from '../../core/pipeline/rows/mariadb.ts';
import { postgresReader } from '../../core/pipeline/rows/postgres.ts';

const chunkBytes = 65_536;
const sampleBytes = 128 * 1024 * 1024;
const runs = 3;
const { h64Raw } = await xxhash();

type Sample = { name: string; dump: Buffer };
type Way = { name: string; pass(chunks: Buffer[]): void };

const copyWays: Way[] = [
  { name: 'copy of each chunk', pass: copyOnly },
  { name: 'JS: newlines found', pass: (chunks) => eachLine(chunks, () => {}) },
  { name: 'JS: crc32 of zlib per row', pass: (chunks) => eachLine(chunks, (row) => crc32(row)) },
  { name: 'JS: xxhash-wasm per row', pass: (chunks) => eachLine(chunks, (row) => h64Raw(row)) },
  { name: 'JS: hash in plain JS', pass: plainJs },
  { name: 'postgresReader', pass: (chunks) => readAll(postgresReader(), chunks) },
];
const insertWays: Way[] = [
  { name: 'copy of each chunk', pass: copyOnly },
  { name: 'mariadbReader', pass: (chunks) => readAll(mariadbReader(), chunks) },
];

report(copyWays, [
  copyDump('COPY, 40 B rows', 40),
  copyDump('COPY, 150 B rows', 150),
  copyDump('COPY, 4 kB rows', 4000),
  copyDump('COPY, 1 MB rows', 1_000_000),
  { name: 'large objects, 1 MB', dump: largeObjects(1_000_000) },
  { name: 'large objects, 1 kB', dump: largeObjects(1000) },
]);
report(insertWays, [
  insertDump('INSERT, 40 B rows', 40, 'abcdef0123'),
  insertDump('INSERT, 150 B rows', 150, 'abcdef0123'),
  insertDump('INSERT, 4 kB rows', 4000, 'abcdef0123'),
  insertDump('INSERT, JSON, 300 B rows', 300, '{\\"k\\":\\"v\\"}'),
]);

function report(ways: Way[], samples: Sample[]): void {
  for (const { name, dump } of samples) {
    const chunks = Array.from({ length: Math.ceil(dump.length / chunkBytes) }, (_, i) =>
      dump.subarray(i * chunkBytes, (i + 1) * chunkBytes),
    );
    for (const way of ways) {
      const seconds = Array.from({ length: runs }, () => timed(() => way.pass(chunks))).sort((a, b) => a - b)[
        runs >> 1
      ]!;
      console.log(
        `${name.padEnd(26)} ${way.name.padEnd(26)} ${(dump.length / 1e6 / seconds).toFixed(0).padStart(6)} MB/s`,
      );
    }
  }
}

function timed(work: () => void): number {
  const start = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - start) / 1e9;
}

function readAll(reader: ReturnType<typeof postgresReader>, chunks: Buffer[]): void {
  for (const chunk of chunks) reader.write(chunk);
  if (!reader.end().ended) throw new Error('the sample is no whole dump');
}

function copyOnly(chunks: Buffer[]): void {
  const target = Buffer.alloc(chunkBytes);
  for (const chunk of chunks) target.set(chunk);
}

/** Rows inside one chunk only: the least that any scan in JavaScript has to do. */
function eachLine(chunks: Buffer[], take: (row: Buffer) => unknown): void {
  for (const chunk of chunks) {
    for (let from = 0, end = chunk.indexOf(10); end >= 0; from = end + 1, end = chunk.indexOf(10, from))
      take(chunk.subarray(from, end));
  }
}

/**
 * Two 32-bit lanes of FNV-1a, byte by byte: a weaker hash than XXH64, and what JavaScript does best without 64-bit
 * integers.
 */
function plainJs(chunks: Buffer[]): void {
  let sum = 0;
  let [low, high] = [0, 0];
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at]!;
      if (byte === 10) sum = (sum + low + high) | 0;
      low = byte === 10 ? 0x811c9dc5 | 0 : Math.imul(low ^ byte, 0x01000193);
      high = byte === 10 ? 0x1b873593 | 0 : Math.imul(high ^ byte, 0x01000193);
    }
  }
  if (sum === 0.5) throw new Error('never: keeps the loop alive');
}

function copyDump(name: string, rowBytes: number): Sample {
  const line = (i: number) =>
    `${i}\t${'2026-11-21 00:00:00\tsome text\t12.50\t\\N\t'.repeat(rowBytes)}`.slice(0, rowBytes);
  return {
    name,
    dump: dumpOf(
      'COPY public.t (a, b) FROM stdin;\n',
      line,
      '\n',
      '\\.\n\n--\n-- PostgreSQL database dump complete\n--\n\n',
    ),
  };
}

function insertDump(name: string, rowBytes: number, content: string): Sample {
  const text = content.repeat(Math.floor(rowBytes / 2 / content.length) || 1);
  const line = (i: number) => `(${i},'${text}',NULL,'${text}')`;
  return {
    name,
    dump: dumpOf('INSERT INTO `t` (`a`, `b`) VALUES ', line, ',\n', '(0,NULL,NULL,NULL);\n\n-- Dump completed\n'),
  };
}

function largeObjects(bytes: number): Buffer {
  const write = (size: number) => `SELECT pg_catalog.lowrite(0, '\\x${'c0ffee42'.repeat(size / 4)}');\n`;
  const content = write(16_384).repeat(Math.floor(bytes / 16_384)) + write(bytes % 16_384);
  const object = (i: number) =>
    `SELECT pg_catalog.lo_open('${i}', 131072);\n${content}SELECT pg_catalog.lo_close(0);\n`;
  return dumpOf('', object, '\n', '\n--\n-- PostgreSQL database dump complete\n--\n\n');
}

function dumpOf(head: string, row: (i: number) => string, between: string, end: string): Buffer {
  const block = Array.from({ length: Math.ceil(4e6 / (row(1).length + 1)) }, (_, i) => row(i) + between).join('');
  return Buffer.from(head + block.repeat(Math.ceil(sampleBytes / block.length)) + end);
}
