import { expect, test } from '@jest/globals';
import type { Catalog } from '../../../core/contract/manifest/catalog.ts';
import { unequalDefinitions } from '../../../core/domain/compare.ts';
import { catalogParser, catalogText } from '../../../core/domain/packed/catalog-text.ts';
import { counted, packCatalog, packedCatalog, unequalEntries } from '../../../core/domain/packed/catalog.ts';
import { packedMap } from '../../../core/domain/packed/map.ts';

const odd = ['', '__proto__', '7', 'a"b\\c\n', 'ünï✓', '\u{1f600}', 'x'.repeat(5000), '\0 \x7f'];
const catalog: Catalog = {
  file: Object.fromEntries(odd.map((name) => [`${name}!`, `value of ${name}`])),
  'symbolic link': { there: '→' },
  owner: { '.': '0:0' },
};

test('a packed map holds what a map does', () => {
  const [packed, map] = [packedMap(), new Map<string, string>()];
  const keys = [...odd, ...Array.from({ length: 3000 }, (_, at) => `${at % 2500}`)];
  const [taken, isNew]: [boolean[], boolean[]] = [[], []];
  for (const [at, key] of keys.entries()) {
    taken.push(packed.add(key, `${at} of ${key}`));
    isNew.push(!map.has(key));
    if (!map.has(key)) map.set(key, `${at} of ${key}`);
  }
  expect(taken).toEqual(isNew);

  const all = Array.from({ length: packed.size }, (_, at) => [packed.keyAt(at), packed.valueAt(at)]);
  expect(all).toEqual([...map]);
  expect(keys.map((key) => packed.get(key))).toEqual(keys.map((key) => map.get(key)));
  expect([packed.get('2500'), packed.indexOf('none')]).toEqual([undefined, undefined]);
});

test('a key that begins another one is not that one', () => {
  const packed = packedMap();
  const keys = Array.from({ length: 600 }, (_, at) => 'a'.repeat(600 - at));

  expect(keys.map((key) => packed.add(key, ''))).not.toContain(false);
  expect(keys.map((key) => packed.indexOf(key))).toEqual(keys.map((_, at) => at));
});

test('a record that is longer than a block is one like the others', () => {
  const packed = packedMap();
  const long = 'ü'.repeat(2 ** 20);
  for (const key of ['a', long, 'b']) packed.add(key, key);
  // with the eight bytes of its lengths, as long as a block to the byte
  packed.add('c', 'x'.repeat(2 ** 20 - 9));
  packed.add('d', 'd');

  expect(['a', long, 'b', 'd'].map((key) => packed.get(key) === key)).toEqual([true, true, true, true]);
  expect([packed.get('c')!.length, packed.size]).toEqual([2 ** 20 - 9, 5]);
});

test('short records lie together', () => {
  const packed = packedMap();
  const before = process.memoryUsage().arrayBuffers;

  for (let at = 0; at < 200; at += 1) packed.add(`${at}`, '');

  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 2 ** 20);
});

test('a catalog is JSON, and read again wherever it is cut', () => {
  const text = [...catalogText(packCatalog(catalog).entries())].join('');
  expect(JSON.parse(text)).toEqual(catalog);

  for (const bytes of [Buffer.from(text), Buffer.from(JSON.stringify(catalog, undefined, 2))])
    for (const step of [1, 7, 4096, bytes.length]) {
      const read = packedCatalog();
      const parser = catalogParser(read.add);
      for (let at = 0; at < bytes.length; at += step) parser.write(bytes.subarray(at, at + step));
      parser.end();
      expect([...catalogText(read.entries())].join('')).toBe(text);
    }
  expect(JSON.parse([...catalogText([])].join(''))).toEqual({});
  const entries = counted([...packCatalog(catalog).entries()]);
  for (let time = 0; time < 2; time += 1) expect([...catalogText(entries)].join('')).toBe(text);
  expect(entries.counts()).toEqual({ file: odd.length, 'symbolic link': 1, owner: 1 });
});

test.each([
  ['cut before its begin', 'its end is missing', ''],
  ['cut', 'its end is missing', '{"file":{"a":"b"}'],
  ['followed by half a text', 'its end is missing', '{"file":{"a":"b"}} "'],
  ['followed by something', 'it is no JSON of a catalog', '{"file":{"a":"b"}}}'],
  ['with a comma too many', 'it is no JSON of a catalog', '{"file":{"a":"b",}}'],
  ['with a number', 'it is no JSON of a catalog', '{"file":{"a":1}}'],
  ['with a list', 'it is no JSON of a catalog', '{"file":["a"]}'],
  ['without a colon', 'a text stands where none may', '{"file":{"a" "b"}}'],
  ['a text', 'a text stands where none may', '"file"'],
  ['with a name that stands in it twice', 'a stands in it twice', '{"file":{"a":"b","a":"c"}}'],
  ['a list', 'it is no JSON of a catalog', '[]'],
  ['with an escape that JSON has not', 'JSON', '{"file":{"\\x":"b"}}'],
  ['with a text without an end', 'a text of it is longer than any', `{"file":{"${'a'.repeat(2 ** 21)}`],
])('what is %s is no catalog: %s', (_, message, text) => {
  const parser = catalogParser(packedCatalog().add);

  expect(() => {
    parser.write(Buffer.from(text));
    parser.end();
  }).toThrow(message);
});

test('a text may be as long as a name can get, and a chunk of many texts longer', () => {
  const long = 'a'.repeat(2 ** 20 - 20);
  const many = Object.fromEntries(Array.from({ length: 3 }, (_, at) => [`${at}!`, long]));
  const read = packedCatalog();
  const parser = catalogParser(read.add);

  const bytes = Buffer.from(JSON.stringify({ file: many }));
  parser.write(bytes.subarray(0, 2 ** 20));
  parser.write(bytes.subarray(2 ** 20));

  parser.end();
  expect([...read.entries()].map(({ text }) => text === long)).toEqual([true, true, true]);
});

test('a large catalog comes in pieces, of which none is much longer than the longest text', () => {
  const text = 'x'.repeat(100_000);
  const entries = Array.from({ length: 24 }, (_, at) => ({ kind: ['file', 'owner'][at % 2]!, name: `${at}!`, text }));

  const pieces = [...catalogText(entries)];

  const read = JSON.parse(pieces.join('')) as Catalog;
  expect([Object.keys(read), Object.keys(read['file']!).length, Object.keys(read['owner']!).length]).toEqual([
    ['file', 'owner'],
    12,
    12,
  ]);
  // 256 KB, and the text that goes beyond: of 300,000 letters each, three texts
  expect(pieces.filter((piece) => piece.length > 300_000 && piece.length < 310_000)).toHaveLength(8);
  expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(310_000);
});

test('an object is found by its kind and name alone', () => {
  const packed = packCatalog(catalog);
  expect(packed.text('owner', '.')).toBe('0:0');
  expect([packed.text('owner', '/'), packed.text('group', '.')]).toEqual([undefined, undefined]);
});

test('what is unequal is told as of catalogs that are not packed', () => {
  const found: Catalog = {
    ...catalog,
    file: { ...catalog['file'], 'ünï✓!': 'other', added: '' },
    owner: { '.': '1:1', '/': '0:0' },
    'hard link': { a: 'b' },
  };
  delete found['file']!['7!'];

  for (const without of [[], ['owner']]) {
    const told = unequalEntries(packCatalog(catalog), packCatalog(found).entries(), without);
    expect(told).toEqual(unequalDefinitions(catalog, found, without));
  }
  // by the order of the kinds in the backup, though what is missing is known last
  const { '7!': gone, ...file } = catalog['file']!;
  expect(unequalEntries(packCatalog(catalog), packCatalog({ file, owner: { '.': '1:1' } }).entries(), [])).toEqual([
    { kind: 'file', name: '7!', how: 'missing' },
    { kind: 'symbolic link', name: 'there', how: 'missing' },
    { kind: 'owner', name: '.', how: 'changed' },
  ]);
  expect(gone).toBe('value of 7');
});
