import { expect, test } from '@jest/globals';
import type { Catalog } from '../../../core/contract/manifest/catalog.ts';
import { unequalDefinitions } from '../../../core/domain/compare.ts';
import { catalogParser, catalogText } from '../../../core/domain/packed/catalog-text.ts';
import { countsOf, packCatalog, unequalEntries } from '../../../core/domain/packed/catalog.ts';
import { packedMap } from '../../../core/domain/packed/map.ts';

const odd = ['', '__proto__', '7', 'a"b\\c\n', 'ünï✓', '\u{1f600}', 'x'.repeat(5000), '\0 \x7f'];
const catalog: Catalog = {
  file: Object.fromEntries(odd.map((name) => [`${name}!`, `value of ${name}`])),
  'symbolic link': { there: '→' },
  owner: { '.': '0:0' },
};

test('a packed map holds what a map does', () => {
  const [packed, map] = [packedMap(), new Map<string, string>()];
  const keys = [...odd, ...Array.from({ length: 3000 }, (_, at) => `${at % 2500}/${at % 2500}`)];
  for (const [at, key] of keys.entries()) {
    expect(packed.add(key, `${at} of ${key}`)).toBe(!map.has(key));
    if (!map.has(key)) map.set(key, `${at} of ${key}`);
  }

  const all = Array.from({ length: packed.size }, (_, at) => [packed.keyAt(at), packed.valueAt(at)]);
  expect(all).toEqual([...map]);
  expect(keys.map((key) => packed.get(key))).toEqual(keys.map((key) => map.get(key)));
  expect([packed.get('2500/2500'), packed.indexOf('none')]).toEqual([undefined, undefined]);
});

test('a record that is longer than a block is one like the others', () => {
  const packed = packedMap();
  const long = 'ü'.repeat(2 ** 20);
  for (const key of ['a', long, 'b']) packed.add(key, key);

  expect(['a', long, 'b'].map((key) => packed.get(key) === key)).toEqual([true, true, true]);
});

test('a catalog is JSON, and read again wherever it is cut', () => {
  const text = [...catalogText(packCatalog(catalog).entries())].join('');
  expect(JSON.parse(text)).toEqual(catalog);

  for (const bytes of [Buffer.from(text), Buffer.from(JSON.stringify(catalog, undefined, 2))])
    for (const step of [1, 7, 4096, bytes.length]) {
      const parser = catalogParser();
      for (let at = 0; at < bytes.length; at += step) parser.write(bytes.subarray(at, at + step));
      expect([...catalogText(parser.end().entries())].join('')).toBe(text);
    }
  expect(JSON.parse([...catalogText([])].join(''))).toEqual({});
  expect(countsOf(packCatalog(catalog).entries())).toEqual({ file: odd.length, 'symbolic link': 1, owner: 1 });
});

test.each([
  ['', 'cut before its begin'],
  ['{"file":{"a":"b"}', 'cut'],
  ['{"file":{"a":"b"}}}', 'followed by something'],
  ['{"file":{"a":"b",}}', 'with a comma too many'],
  ['{"file":{"a":1}}', 'with a number'],
  ['{"file":["a"]}', 'with a list'],
  ['{"file":{"a":"b","a":"c"}}', 'with a name that stands in it twice'],
  ['[]', 'a list'],
  ['{"file":{"\\x":"b"}}', 'with an escape that JSON has not'],
  [`{"file":{"${'a'.repeat(2 ** 21)}`, 'with a text without an end'],
])('what is no catalog is refused: %.40s (%s)', (text) => {
  const parser = catalogParser();

  expect(() => {
    parser.write(Buffer.from(text));
    parser.end();
  }).toThrow();
});

test('what is unequal is told as of catalogs that are not packed', () => {
  const found: Catalog = {
    ...catalog,
    file: { ...catalog['file'], 'ünï✓!': 'other', added: '' },
    owner: {},
    'hard link': { a: 'b' },
  };
  delete found['file']!['7!'];

  for (const without of [[], ['owner']]) {
    const told = unequalEntries(packCatalog(catalog), packCatalog(found).entries(), without);
    expect(told).toEqual(unequalDefinitions(catalog, found, without));
  }
});
