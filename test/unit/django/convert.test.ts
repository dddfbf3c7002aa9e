import { expect, test } from '@jest/globals';
import { convert } from '../../../core/domain/django/convert.ts';
import type { RowReference } from '../../../core/domain/django/dialect.ts';
import { fixtureRows } from '../../../core/domain/django/fixture.ts';
import { namesOf } from '../../../core/domain/django/names.ts';
import { naturalByDjango } from '../../../core/domain/django/natural.ts';
import { dialect } from '../../../core/engines/postgres/fixture/dialect.ts';

const line = { model: 'shop.line', pk: 1, fields: { item: 2 } };
const item = { model: 'shop.item', pk: 2, fields: {} };

async function* bytes(rows: readonly object[]): AsyncGenerator<Uint8Array> {
  yield Buffer.from(JSON.stringify(rows));
}

/** What is written for lines and items, where the key of a line does something on the server, or not. */
function converted(rows: readonly object[], { acts = false, empty = false } = {}): Promise<string[]> {
  const reference: RowReference = { column: 'item_id', table: 'shop_item', to: 'id', acts };
  const id = { name: 'id', kind: 'number' } as const;
  const layout = [
    { name: 'shop_item', key: 'id', columns: [id], references: [] },
    {
      name: 'shop_line',
      key: 'id',
      columns: [id, { name: 'item_id', kind: 'number' } as const],
      references: [reference],
    },
  ];
  const conversion = { names: namesOf(layout, 'here'), dialect, natural: naturalByDjango, empty };
  return Array.fromAsync(convert(fixtureRows(bytes(rows)), conversion));
}

test('what a table holds is deleted before its first row', async () => {
  const text = (await converted([line, item], { empty: true })).join('\n');

  expect(text.match(/(DELETE FROM|INSERT INTO) "shop_\w+"/g)).toEqual([
    'DELETE FROM "shop_line"',
    'INSERT INTO "shop_line"',
    'DELETE FROM "shop_item"',
    'INSERT INTO "shop_item"',
  ]);
});

test('where rows go with those they refer to, nothing is deleted on the way', async () => {
  await expect(converted([line, item], { acts: true, empty: true })).rejects.toMatchObject({
    code: 'input-invalid',
    message: expect.stringContaining('shop_item: rows of shop_line go with its rows (ON DELETE)'),
  });
  expect((await converted([line, item], { acts: true })).at(-1)).toBe('COMMIT;');
  expect((await converted([line], { acts: true, empty: true })).at(-1)).toBe('COMMIT;');
});
