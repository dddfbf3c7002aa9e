import { expect, test } from '@jest/globals';
import type { ManifestPart } from '../../../core/contract/manifest/manifest.ts';
import { lanesOf } from '../../../core/engines/postgres/restore/rows/lanes.ts';

const partOf = (file: string, bytes: number, tables?: string[]): ManifestPart => ({
  role: 'data',
  file,
  bytes,
  storedBytes: bytes,
  sha256: '',
  ...(tables && { tables }),
});
const big = ['big 1', 'big 2'].map((file) => partOf(file, 60, ['big']));
const small = ['small 1', 'small 2'].map((file) => partOf(file, 60, [file]));
const lanesBy = (parts: ManifestPart[], parallel: number) => {
  const lanes = lanesOf(parts, parallel);
  return parts.map(({ file }) => [...new Set(lanes.values())].indexOf(lanes.get(file)!));
};

test('the parts of a table go one behind the other, and others beside them', () => {
  const lanes = lanesOf([...big, ...small], 2);

  expect(lanesBy([...big, ...small], 2)).toEqual([0, 0, 1, 2]);
  expect([...lanes.values()].map(({ line, left }) => [line, left])).toEqual([
    ['rows of big', 2],
    ['rows of big', 2],
    ['small 1', 1],
    ['small 2', 1],
  ]);
});

test('a table that would leave the other streams with too little is loaded by all of them, and begun by none', () => {
  const parts = [...big, ...small];

  expect(new Set(lanesBy(parts, 4)).size).toBe(4);
  expect(parts.map(({ file, tables }) => lanesOf(parts, 4).get(file)!.begins(tables![0]!))).toEqual([
    false,
    false,
    true,
    true,
  ]);
});

test('two tables that share a part, and stand in others too, are begun by none; nor is what nobody noted', () => {
  const chained = [partOf('1', 50, ['a']), partOf('2', 50, ['a', 'b']), partOf('3', 50, ['b']), partOf('4', 200)];
  const lanes = lanesOf(chained, 2);

  expect(new Set(lanesBy(chained, 2)).size).toBe(4);
  expect(['1', '2', '3', '4'].map((file) => lanes.get(file)!.begins('a') || lanes.get(file)!.begins('b'))).toEqual([
    false,
    false,
    false,
    false,
  ]);
});

test('a table is begun once in its lane, with what lies beside its rows', () => {
  const parts = [partOf('1', 60, ['big']), partOf('2', 60, ['big', 'beside']), partOf('3', 60, ['other'])];
  const lane = lanesOf(parts, 2).get('2')!;

  expect(lanesOf(parts, 2).get('1')).not.toBe(lane);
  expect([lane.begins('big'), lane.begins('big'), lane.begins('beside'), lane.begins('other')]).toEqual([
    true,
    false,
    true,
    false,
  ]);
});
