import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { pathText } from '../../../core/engines/files/names.ts';
import { readHeader } from '../../../core/engines/files/tar/header.ts';
import type { StoredEntry } from '../../../core/engines/files/tar/header.ts';
import { packedFacts } from '../../../core/engines/files/tar/packed-facts.ts';
import { tarReader } from '../../../core/engines/files/tar/reader.ts';
import { draws } from '../../support/random/draws.ts';

let folder = '';
let tar: Buffer;
let sums: Record<string, string>;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'nightjar-tar-'));
  const make = `mkdir a; printf one > a/one; ln a/one a/two; ln -s one a/three; : > a/nothing; truncate -s 3M a/sparse
    printf end | dd of=a/sparse bs=1 seek=2000000 conv=notrunc status=none; head -c 2000 /dev/zero > a/zeros
    long=$(printf 'n%.0s' $(seq 200)); printf deep > "a/$long"; touch -d '2001-02-03 04:05:06.7' a/one`;
  execFileSync('bash', ['--norc', '-c', make], { cwd: folder });
  const options = [
    '--create',
    '--format=posix',
    '--sparse',
    '--pax-option=delete=atime,delete=ctime',
    '-f',
    '-',
    './a',
  ];
  tar = execFileSync('tar', options, { cwd: folder });
  const lines = execFileSync('bash', ['--norc', '-c', 'find a -type f | xargs sha256sum'], { cwd: folder });
  sums = Object.fromEntries(
    lines
      .toString()
      .trim()
      .split('\n')
      .map((line) => [line.slice(66), line.slice(0, 64)]),
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

function read(bytes: Buffer, step = bytes.length) {
  const reader = tarReader();
  for (let at = 0; at < bytes.length; at += step) reader.write(bytes.subarray(at, at + step));
  return { facts: [...reader.facts().all()], ...reader.end() };
}

test('each file is read as sha256sum reads it, with its holes', () => {
  const { facts, ended } = read(tar);

  const files = facts.filter(({ kind }) => kind === 'file').map(({ name, value }) => [name, value.split(' ')[0]]);
  const links = facts.filter(({ kind }) => kind === 'link').map(({ name, value }) => [name, sums[value]]);
  expect(ended).toBe(true);
  expect(Object.fromEntries([...files, ...links])).toEqual(sums);
  expect(facts.find(({ name }) => name === 'a/one' || name === 'a/two')?.value).toContain(' 0644 ');
});

test('others get their turn while a large hole is hashed, and it stops when told', async () => {
  const bash = (line: string) => execFileSync('bash', ['--norc', '-c', line], { cwd: folder });
  const pack = 'tar --create --format=posix --sparse --pax-option=delete=atime,delete=ctime -f - ./hole';
  const hole = bash(`truncate -s 150M hole; ${pack}`);
  const [sum] = bash('sha256sum hole').toString().split(' ');
  const reader = tarReader();
  let turns = 0;
  let ticking = setImmediate(function tick() {
    turns += 1;
    ticking = setImmediate(tick);
  });

  await reader.write(hole);

  clearImmediate(ticking);
  expect(turns).toBeGreaterThan(1);
  expect(reader.end().ended).toBe(true);
  expect(reader.facts().get('hole')?.value).toContain(sum!);
  const stopped = tarReader(AbortSignal.abort());
  await expect(async () => stopped.write(hole)).rejects.toMatchObject({ code: 'aborted' });
});

test('a tar reads the same wherever it is cut into chunks', () => {
  for (const step of [1, 7, 511, 512, 513, 4096]) expect([step, read(tar, step)]).toEqual([step, read(tar)]);
});

test('a tar that is cut is not whole, wherever', () => {
  const ends = tar.length - [...tar].findLastIndex((byte) => byte !== 0) - 1;
  const content = Math.ceil((tar.length - ends) / 512) * 512;
  for (const length of [0, 1, 511, 512, 1024, content - 512, content, content + 512, content + 1023])
    expect([length, read(tar.subarray(0, length)).ended]).toEqual([length, false]);
  expect(read(tar.subarray(0, content + 1024)).ended).toBe(true);
});

test('no byte of it is changed without being seen', () => {
  const seen = JSON.stringify(read(tar));
  // what fills a block means nothing to tar either, and a checksum may be written in several ways
  const isFree = (at: number) => tar[at] === 0 || (at % 512 >= 148 && at % 512 < 156);
  fc.assert(
    fc.property(fc.nat(tar.length - 1), fc.integer({ min: 1, max: 255 }), (at, bits) => {
      const other = Buffer.from(tar);
      other[at] = other[at]! ^ bits;
      return isFree(at) || JSON.stringify(read(other)) !== seen;
    }),
    draws(300),
  );
});

test('whatever the bytes, the reader does not throw, and takes none of them for a tar', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), (bytes) => !read(Buffer.from(bytes)).ended),
    draws(100),
  );
});

test('no two paths are called alike', () => {
  const letters = fc.constantFrom('a', '\\', 'x', 'e', '9', '\xe9', '\xc3', '\xa9', '/', ' ');
  const path = fc.string({ unit: letters, maxLength: 8 });
  fc.assert(
    fc.property(path, path, (one, other) => one === other || pathText(one) !== pathText(other)),
    draws(2000),
  );
});

test('of a file that stands in a tar twice the last one counts, where the first one came', () => {
  const facts = packedFacts();
  const entry = (path: string, size: number): StoredEntry => ({
    ...{ kind: 'file', path, target: '', size, mode: 0o644, owner: '1000:5', mtime: '7', extras: [], sparse: false },
  });
  for (const one of [entry('caf\xe9', 1), entry('b', 2), entry('caf\xe9', 3)]) facts.add(one, `sum${one.size}`);

  expect([...facts.all()].map(({ name, value }) => `${name}: ${value}`)).toEqual([
    'caf\\xe9: sum3 3 0644 7',
    'b: sum2 2 0644 7',
  ]);
  expect([facts.size, facts.get('b')?.owner, facts.get('none')]).toEqual([2, '1000:5', undefined]);
});

test('a number in a header may have blanks around it, and nothing else', () => {
  const block = (mode: string) => {
    const header = Buffer.alloc(512);
    header.write('./a', 0);
    header.write(mode, 100, 8, 'latin1');
    header.write('        ', 148);
    header.write('0', 156);
    header.write('ustar\x0000', 257, 'latin1');
    const sum = header.reduce((total, byte) => total + byte, 0);
    return Buffer.concat([
      header.subarray(0, 148),
      Buffer.from(`${sum.toString(8)}\0 `.padStart(8, '0')),
      header.subarray(156),
    ]);
  };

  const modes = ['0000644\0', '   644 \0', '', '644\0junk', '77777777'].map(
    (mode) => readHeader(block(mode)).fields.mode,
  );
  expect(modes).toEqual([0o644, 0o644, 0, 0o644, 0o77777777]);
  for (const mode of ['0000648\0', '64 4', '-644', '0x1\0']) expect(() => readHeader(block(mode))).toThrow('not octal');
});
