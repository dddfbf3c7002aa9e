import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { elementsOf } from '../../../core/domain/django/elements.ts';
import { fixtureRows } from '../../../core/domain/django/fixture.ts';
import { anyText } from '../../support/random/draws.ts';

async function* chunked(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const inChunks = (text: string, size: number) => Array.fromAsync(elementsOf(chunked(text, size)));

test('elements are what a parser of the whole document finds, wherever the chunks end', async () => {
  const element = fc.dictionary(anyText(), fc.jsonValue());
  await fc.assert(
    fc.asyncProperty(
      fc.array(element, { maxLength: 5 }),
      fc.constantFrom(0, 2),
      fc.integer({ min: 1, max: 40 }),
      async (all, indent, size) => {
        const text = JSON.stringify(all, undefined, indent);
        expect((await inChunks(text, size)).map((one) => JSON.parse(one))).toEqual(JSON.parse(text));
      },
    ),
  );
});

test.each([
  ['', 'it is empty'],
  [' \n', 'it is empty'],
  ['{}', 'it is not an array'],
  ['"[{}]"', 'it is not an array'],
  ['[1]', 'something in its array is not a record'],
  ['[{}{}]', 'something in its array is not a record'],
  ['[,{}]', 'something in its array is not a record'],
  ['[[]]', 'something in its array is not a record'],
  ['[{}', 'it ends in the middle: was the dump cut?'],
  ['[{},', 'it ends in the middle: was the dump cut?'],
  ['[{"a": "]', 'it ends in the middle: was the dump cut?'],
  ['[{}] []', 'it goes on behind an array'],
  ['[{}]x', 'it goes on behind an array'],
])('%j is no fixture: %s', async (text, why) => {
  for (const size of [1, 100])
    await expect(inChunks(text, size)).rejects.toMatchObject({
      code: 'input-invalid',
      message: `this is not what dumpdata writes: ${why}`,
      hint: 'convert takes JSON, as "manage.py dumpdata --output fixture.json" writes it, or that in gzip',
    });
});

test('blanks may stand anywhere between records, and are none of theirs', async () => {
  for (let size = 1; size < 8; size += 1)
    expect(await inChunks('\ufeff [ {"a": 1} ,\n {} ] ', size)).toEqual(['{"a": 1}', '{}']);
});

test('of a record no more is held than a record may be long, each on its own', async () => {
  // the last byte of each is not waited for
  const two = (longest: number) => Array.fromAsync(elementsOf(chunked('[{"a": 1}, {"b": 2}]', 1), longest));

  expect(await two(7)).toEqual(['{"a": 1}', '{"b": 2}']);
  await expect(two(6)).rejects.toThrow('one of its records is longer than 256 MB');
});

test('numbers keep every digit', async () => {
  const fields = '{"n": 12345678901234567890, "f": 1.10, "deep": [{"e": 1e400}]}';
  const [row] = await Array.fromAsync(fixtureRows(chunked(`[{"model": "A.B", "pk": null, "fields": ${fields}}]`, 7)));

  expect(row).toMatchObject({ model: 'a.b', key: undefined, at: 1 });
  expect(JSON.stringify(row!.fields)).toBe(fields.replaceAll(' ', ''));
});

const odd = 'has no "model" and "fields" as dumpdata writes them';
test.each([
  ['{"model": "shop", "fields": {}}', odd],
  ['{"model": "a.b.c", "fields": {}}', odd],
  ['{"model": ".a.b", "fields": {}}', odd],
  ['{"model": ["a.b"], "fields": {}}', odd],
  ['{"fields": {}}', odd],
  ['{"model": "shop.a"}', odd],
  ['{"model": "shop.a", "fields": 1}', odd],
  ['{"model": "shop.a", "fields": []}', odd],
  ['{"model": "shop.a", "fields": null}', odd],
  ['{"model": "shop.a", "fields": {"a": NaN}}', 'is not JSON (NaN and Infinity, which Python writes, are none)'],
])('%s is no record', async (record, why) => {
  const rows = Array.fromAsync(fixtureRows(chunked(`[{"model": "a.b", "fields": {}}, ${record}]`, 100)));
  await expect(rows).rejects.toMatchObject({
    code: 'input-invalid',
    message: `record 2 of the fixture ${why}`,
    hint: 'write it again with "manage.py dumpdata --output fixture.json"',
  });
});

test('bytes that are no UTF-8 are refused: they would become other characters', async () => {
  async function* latin1() {
    yield Buffer.from('[{"name": "caf\xe9"}]', 'latin1');
  }
  await expect(Array.fromAsync(elementsOf(latin1()))).rejects.toMatchObject({
    code: 'input-invalid',
    message: 'this is not what dumpdata writes: it is not UTF-8',
    hint: expect.stringContaining('PYTHONUTF8=1'),
  });
});
