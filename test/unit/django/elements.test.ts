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
  '',
  ' \n',
  '{}',
  '[1]',
  '[{}',
  '[{},',
  '[{"a": "]',
  '[{}] []',
  '[{}]x',
  '[{}{}]',
  '[,{}]',
  '"[{}]"',
  '[[]]',
])('%j is no fixture', async (text) => {
  for (const size of [1, 100])
    await expect(inChunks(text, size)).rejects.toMatchObject({
      code: 'input-invalid',
      message: expect.stringContaining('this is not what dumpdata writes'),
    });
});

test('numbers keep every digit', async () => {
  const fields = '{"n": 12345678901234567890, "f": 1.10, "deep": [{"e": 1e400}]}';
  const [row] = await Array.fromAsync(fixtureRows(chunked(`[{"model": "A.B", "pk": null, "fields": ${fields}}]`, 7)));

  expect(row).toMatchObject({ model: 'a.b', key: undefined, at: 1 });
  expect(JSON.stringify(row!.fields)).toBe(fields.replaceAll(' ', ''));
});

test.each(['{"model": "shop", "fields": {}}', '{"model": "shop.a"}', '{"model": "shop.a", "fields": 1}'])(
  '%s is no record',
  async (record) => {
    const rows = Array.fromAsync(fixtureRows(chunked(`[${record}]`, 100)));
    await expect(rows).rejects.toMatchObject({ code: 'input-invalid', message: expect.stringContaining('record 1') });
  },
);
