import { expect, test } from '@jest/globals';
import { convert } from '../../../core/domain/django/convert.ts';
import type { ConvertedRows } from '../../../core/domain/django/convert.ts';
import type { Kind, RowDialect, TableLayout } from '../../../core/domain/django/dialect.ts';
import { fixtureRows } from '../../../core/domain/django/fixture.ts';
import { namesFrom, namesOf } from '../../../core/domain/django/names.ts';
import { naturalByDjango } from '../../../core/domain/django/natural.ts';

// What is written for a fixture, by a dialect that writes plainly: engines and servers judge their own elsewhere.
const dialect: RowDialect = {
  begin: 'BEGIN;',
  end: 'COMMIT;',
  name: (text) => `[${text}]`,
  value: (value, kind) => {
    if (kind === 'other') throw new Error('no value fits here');
    return `${kind}:${JSON.stringify(value)}`;
  },
  refuse: (from, condition) => `REFUSE ${from} IF ${condition};`,
  timeZone: undefined,
  follow: (table, key) => `FOLLOW ${table}.${key};`,
  checksReferences: false,
};
const column = (name: string, kind: Kind = 'text') => ({ name, kind });
const table = (
  name: string,
  columns: TableLayout['columns'],
  references: TableLayout['references'] = [],
): TableLayout => ({ name, key: 'id', columns, references });
const id = column('id', 'number');
const layout: TableLayout[] = [
  table('shop_item', [id, column('name'), column('tags', 'array'), column('more', 'json'), column('odd', 'other')]),
  table(
    'shop_order',
    [id, column('author_id', 'number'), column('when', 'moment')],
    [{ column: 'author_id', table: 'auth_user', to: 'id' }],
  ),
  table(
    'shop_order_items',
    [id, column('order_id', 'number'), column('item_id', 'number')],
    [
      { column: 'order_id', table: 'shop_order', to: 'id' },
      { column: 'item_id', table: 'shop_item', to: 'id' },
    ],
  ),
  table('shop_item_like', [id, column('from_item_id', 'number'), column('to_item_id', 'number')]),
  table('shop_item_log', [id, column('item_id', 'number'), column('a'), column('b')]),
  table('auth_user', [id, column('username')]),
  table('django_content_type', [id, column('app_label'), column('model')]),
  table(
    'auth_permission',
    [id, column('codename'), column('content_type_id', 'number')],
    [{ column: 'content_type_id', table: 'django_content_type', to: 'id' }],
  ),
  { ...table('shop_keyless', [column('a')]), key: undefined },
];

type Options = {
  empty?: boolean;
  timeZone?: string;
  checks?: boolean;
  own?: Partial<RowDialect>;
  natural?: [string, string[]][];
  tables?: TableLayout[];
};
async function converted(
  rows: readonly object[],
  { empty = false, own = {}, natural = [], tables = layout, timeZone }: Options = {},
) {
  async function* bytes() {
    yield Buffer.from(JSON.stringify(rows));
  }
  const conversion = {
    names: namesOf(tables, 'here'),
    dialect: { ...dialect, checksReferences: true, ...own },
    natural: new Map([...naturalByDjango, ...natural]),
    empty,
    timeZone,
  };
  const out: string[] = [];
  const converting = convert(fixtureRows(bytes()), conversion);
  let counts: ConvertedRows | undefined;
  for (let next = await converting.next(); ; next = await converting.next()) {
    if (next.done === true) counts = next.value;
    else out.push(next.value);
    if (next.done === true) break;
  }
  return { out, counts: Object.fromEntries(counts!) };
}
const written = async (rows: readonly object[], options?: Options) => (await converted(rows, options)).out;
const row = (model: string, pk: unknown, fields: object = {}) => ({ model, ...(pk !== undefined && { pk }), fields });

test('rows of a table are one statement, in one transaction, counted, and its keys go on behind them', async () => {
  const { out, counts } = await converted([
    row('shop.item', 1, { name: 'hat' }),
    row('Shop.Item', 2, { name: null }),
    row('auth.user', 7, { username: 'ann' }),
  ]);

  expect(out).toEqual([
    'BEGIN;',
    'INSERT INTO [shop_item] ([id], [name]) VALUES\n(number:1, text:"hat"),\n(number:2, NULL);',
    'INSERT INTO [auth_user] ([id], [username]) VALUES\n(number:7, text:"ann");',
    'FOLLOW shop_item.id;',
    'FOLLOW auth_user.id;',
    'COMMIT;',
  ]);
  expect(counts).toEqual({ shop_item: 2, auth_user: 1 });
  expect(await written([])).toEqual(['BEGIN;', 'COMMIT;']);
  expect(await written([row('shop.item', 1)], { own: { follow: () => undefined } })).toEqual([
    'BEGIN;',
    'INSERT INTO [shop_item] ([id]) VALUES\n(number:1);',
    'COMMIT;',
  ]);
});

test('a key that is no number has no next one', async () => {
  const tables = [{ ...table('shop_item', [column('id', 'uuid')]) }];
  expect(await written([row('shop.item', 'a')], { tables })).toEqual([
    'BEGIN;',
    'INSERT INTO [shop_item] ([id]) VALUES\n(uuid:"a");',
    'COMMIT;',
  ]);
});

test('what is converted comes while the fixture is still read', async () => {
  let read = 0;
  async function* rows() {
    for (; read < 2000; read += 1) yield { model: 'shop.item', key: read, fields: {}, at: read } as never;
  }
  const conversion = { names: namesOf(layout, 'here'), dialect, natural: naturalByDjango, empty: false };
  const converting = convert(rows(), conversion);

  await converting.next();
  expect((await converting.next()).value).toContain('INSERT');
  expect(read).toBeLessThan(1000);
});

test('five hundred rows, or a quarter of a megabyte, are a statement', async () => {
  const many = Array.from({ length: 501 }, (_, n) => row('shop.item', n));
  expect(
    (await written(many)).filter((text) => text.startsWith('INSERT')).map((text) => text.split('\n').length - 1),
  ).toEqual([500, 1]);
  const long = Array.from({ length: 3 }, (_, n) => row('shop.item', n, { name: 'x'.repeat(140_000) }));
  expect(
    (await written(long)).filter((text) => text.startsWith('INSERT')).map((text) => text.split('\n').length - 1),
  ).toEqual([2, 1]);
});

test('a foreign key is written into its column; lists are values of lists and documents, and natural keys elsewhere', async () => {
  expect(
    await written([row('shop.item', 1, { tags: ['a'], more: [1.5] }), row('shop.order', 3, { author: 7 })]),
  ).toEqual(
    expect.arrayContaining([
      'INSERT INTO [shop_item] ([id], [tags], [more]) VALUES\n(number:1, array:["a"], json:[1.5]);',
      'INSERT INTO [shop_order] ([id], [author_id]) VALUES\n(number:3, number:7);',
    ]),
  );
  const user = 'SELECT [id] FROM [auth_user] WHERE [username] = text:"ann"';
  expect(
    (await written([row('shop.order', 3, { author: ['ann'] }), row('shop.order', 4, { author: ['ann'] })])).slice(0, 3),
  ).toEqual([
    'BEGIN;',
    `REFUSE  IF NOT EXISTS (${user});`,
    `INSERT INTO [shop_order] ([id], [author_id]) VALUES\n(number:3, (SELECT * FROM (${user}) AS found)),\n(number:4, (SELECT * FROM (${user}) AS found));`,
  ]);
});

test('what is found must be in before: what waits is written first', async () => {
  const out = await written([row('auth.user', 7, { username: 'ann' }), row('shop.order', 3, { author: ['ann'] })]);
  expect(out.map((text) => text.split(' ').slice(0, 3).join(' '))).toEqual([
    'BEGIN;',
    'INSERT INTO [auth_user]',
    'REFUSE  IF',
    'INSERT INTO [shop_order]',
    'FOLLOW auth_user.id;',
    'FOLLOW shop_order.id;',
    'COMMIT;',
  ]);
});

test('what has to be found is asked for once', async () => {
  const by = (pk: number, name: string) => row('shop.order', pk, { author: [name] });
  const out = await written([by(1, 'ann'), by(2, 'bob'), by(3, 'ann'), by(4, 'bob')]);
  expect(out.filter((text) => text.startsWith('REFUSE'))).toHaveLength(2);
});

test('rows between models come after both, by their keys or natural ones', async () => {
  const { out, counts } = await converted([
    row('shop.order', 3, { items: [1, 2] }),
    row('shop.item', 1, { like: [2] }),
    row('shop.item', 2, { like: [] }),
  ]);

  expect(out.slice(1, 5)).toEqual([
    'INSERT INTO [shop_order] ([id]) VALUES\n(number:3);',
    'INSERT INTO [shop_item] ([id]) VALUES\n(number:1),\n(number:2);',
    'INSERT INTO [shop_order_items] ([order_id], [item_id]) VALUES\n(number:3, number:1),\n(number:3, number:2);',
    'INSERT INTO [shop_item_like] ([from_item_id], [to_item_id]) VALUES\n(number:1, number:2);',
  ]);
  expect(counts).toEqual({ shop_order: 1, shop_order_items: 2, shop_item: 2, shop_item_like: 1 });
});

test('a row without a key is found by what else names it', async () => {
  const byName: Options = { natural: [['shop.order', ['author', 'when']]] };
  const [, , connected] = await written([row('shop.order', undefined, { author: 7, items: [1] })], byName);
  const own = 'SELECT [id] FROM [shop_order] WHERE [author_id] = number:7 AND [when] IS NULL';
  expect(connected).toBe(
    `INSERT INTO [shop_order_items] ([order_id], [item_id]) VALUES\n((SELECT * FROM (${own}) AS found), number:1);`,
  );
  await expect(written([row('shop.order', undefined, { items: [1] })])).rejects.toThrow(
    'shop.order: has no pk, and what else names it is not known: --natural shop.order=field',
  );
  expect((await written([row('shop.order', undefined, { author: 7, items: [] })])).slice(1, 2)).toEqual([
    'INSERT INTO [shop_order] ([author_id]) VALUES\n(number:7);',
  ]);
});

test('a natural key leads through what it refers to; each of its values has to be there', async () => {
  const permitted = await written([row('shop.order', 1, { author: ['edit', 'shop', 'item'] })], {
    tables: layout.map((one) =>
      one.name === 'shop_order'
        ? { ...one, references: [{ column: 'author_id', table: 'auth_permission', to: 'id' }] }
        : one,
    ),
  });
  expect(permitted[1]).toBe(
    'REFUSE  IF NOT EXISTS (SELECT [id] FROM [auth_permission] WHERE [codename] = text:"edit" AND [content_type_id] = ' +
      '(SELECT [id] FROM [django_content_type] WHERE [app_label] = text:"shop" AND [model] = text:"item"));',
  );
  const failing = async (author: unknown, natural: [string, string[]][] = []) =>
    written([row('shop.order', 1, { author })], { natural }).then(String, (error: Error) =>
      error.message.replace(/^.*?converted: /, ''),
    );
  expect(await failing([null])).toContain('[username] IS NULL');
  expect(await failing(['a', 'b'])).toBe(
    'shop.order.author: a natural key of auth_user has 1 values (username), not 2',
  );
  expect(await failing(['a'], [['auth.user', ['email']]])).toBe(
    'shop.order.author: the natural key of auth_user has a field email, the table has none',
  );
  expect(await failing(['a'], [['auth.user', ['username.x']]])).toBe(
    'shop.order.author: auth_user.username refers to no table that is known',
  );
  expect(await failing(['a'], [['auth.user', ['username', 'email']]])).toBe(
    'shop.order.author: a natural key of auth_user has 2 values (username, email), not 1',
  );
  expect(await failing('7')).toContain('number:"7"');
});

test('what a row is named by has to be known on both sides', async () => {
  const refused = (rows: readonly object[], options: Options = {}) =>
    written(rows, options).then(String, (error: Error) => error.message.replace(/^.*?converted: /, ''));
  expect(await refused([row('shop.order', 1, { items: [['hat']] })])).toBe(
    'shop.order, shop_order_items: what names a row of shop_item is not known: --natural app.model=field',
  );
  const reference = { column: 'content_type_id', table: 'shop_keyless', to: 'a' };
  const author = { column: 'author_id', table: 'auth_permission', to: 'id' };
  const tables = layout.map((one) => {
    if (one.name === 'auth_permission') return { ...one, references: [reference] };
    return one.name === 'shop_order' ? { ...one, references: [author] } : one;
  });
  const natural: [string, string[]][] = [['auth.permission', ['content_type.a']]];
  expect(await refused([row('shop.order', 1, { author: ['x'] })], { tables, natural })).toContain(
    'WHERE [content_type_id] = (SELECT [a] FROM [shop_keyless] WHERE [a] = text:"x")',
  );
  const odd = [table('shop_odd', [column('id', 'other')])];
  expect(await refused([row('shop.odd', 1)], { tables: odd })).toBe('shop.odd pk: no value fits here');
});

test('a table lies between two models where one of its two columns is called after the first, whichever', () => {
  const found = namesOf(
    [
      table('shop_item', [id]),
      table('shop_item_seen', [id, column('user_id', 'number'), column('item_id', 'number')]),
      table('shop_item_pair', [id, column('a_id', 'number'), column('b_id', 'number')]),
      table('blog_item_seen', [id, column('user_id', 'number'), column('item_id', 'number')]),
    ],
    'here',
  );

  expect(found.model('shop.item')!.between).toMatchObject([
    { table: 'shop_item_seen', from: { name: 'item_id' }, to: { name: 'user_id' } },
  ]);
});

test('a reference to another column than the key is written, followed and looked at by that column', async () => {
  const country = table('geo_country', [id, column('code')]);
  const reference = { column: 'country_id', table: 'geo_country', to: 'code' };
  const city = table('geo_city', [id, column('country_id')], [reference]);
  const natural: [string, string[]][] = [
    ['geo.country', ['code']],
    ['geo.city', ['country.code']],
  ];
  const options = { tables: [country, city], natural, own: { checksReferences: false } };
  const seat = table(
    'geo_seat',
    [id, column('city_id', 'number')],
    [{ column: 'city_id', table: 'geo_city', to: 'id' }],
  );
  const out = await written([row('geo.city', 1, { country: ['nl'] })], options);
  expect(out[2]).toContain('(SELECT * FROM (SELECT [code] FROM [geo_country] WHERE [code] = text:"nl") AS found)');
  expect(out.at(-2)).toContain('c.[country_id] = p.[code] IF');
  const through = { ...options, tables: [country, city, seat] };
  expect((await written([row('geo.seat', 1, { city: ['nl'] })], through))[1]).toContain(
    'WHERE [country_id] = (SELECT [code] FROM [geo_country] WHERE [code] = text:"nl")',
  );
});

test('what the server computes is not written', async () => {
  const tables = [table('shop_item', [id, { ...column('sum', 'number'), computed: true }])];
  expect((await written([row('shop.item', 1, { sum: 8 })], { tables }))[1]).toBe(
    'INSERT INTO [shop_item] ([id]) VALUES\n(number:1);',
  );
});

test('a moment without an offset is one of a time zone that is said, where the server keeps points in time', async () => {
  const own = { timeZone: (zone: string) => `ZONE ${zone};` };
  const rows = [row('shop.order', 1, { when: '2024-07-01T12:00:00' })];
  await expect(written(rows, { own })).rejects.toThrow(
    'shop.order.when: has no offset, as USE_TZ = False leaves it: --time-zone says TIME_ZONE of the settings',
  );
  expect((await written(rows, { own, timeZone: 'Asia/Tokyo' })).slice(0, 2)).toEqual(['BEGIN;', 'ZONE Asia/Tokyo;']);
  expect((await written(rows, { timeZone: 'Asia/Tokyo' }))[1]).toContain('moment:"2024-07-01T12:00:00"');
  expect((await written([row('shop.order', 1, { when: '2024-07-01T12:00:00Z' })], { own }))[1]).toContain('moment:');
});

test('with --empty the rows that lie there go first, with those between models', async () => {
  expect((await written([row('shop.item', 1), row('shop.item', 2)], { empty: true })).slice(0, 4)).toEqual([
    'BEGIN;',
    'DELETE FROM [shop_item_like];',
    'DELETE FROM [shop_item];',
    'INSERT INTO [shop_item] ([id]) VALUES\n(number:1),\n(number:2);',
  ]);
});

test('where the server looks at no references, each that touches what was loaded is looked at in the end', async () => {
  const refused = (await written([row('auth.user', 7)], { own: { checksReferences: false } })).filter((text) =>
    text.startsWith('REFUSE'),
  );
  expect(refused).toEqual([
    'REFUSE [shop_order] c LEFT JOIN [auth_user] p ON c.[author_id] = p.[id] IF c.[author_id] IS NOT NULL AND p.[id] IS NULL;',
  ]);
  expect(
    (await written([row('shop.order', 7)], { own: { checksReferences: false } })).filter((text) =>
      text.startsWith('REFUSE'),
    ),
  ).toHaveLength(2);
  expect((await written([row('shop.item', 7)])).filter((text) => text.startsWith('REFUSE'))).toEqual([]);
});

test('every problem is told at once, how often it came, and nothing is committed', async () => {
  const problems = [
    row('shop.none', 1),
    row('shop.none', 2),
    row('shop.keyless', 1),
    row('shop.item', 1, { colour: 1, odd: 1, name: ['a'], like: 'x' }),
  ];
  await expect(written(problems)).rejects.toMatchObject({
    code: 'input-invalid',
    message:
      "the fixture can't be converted: shop.none: no table is known for it (2 records); shop.keyless: no table is known for it; " +
      'shop.item.colour: shop_item has no column for it; shop.item.odd: no value fits here; ' +
      'shop.item.name: is a list, and the column refers to no table that is known; ' +
      'shop.item.like: is no list, as a many-to-many field has it',
    hint:
      'names were looked up in here: were its tables made by "manage.py migrate" of the same project? ' +
      'Where tables or columns have other names than Django gives: --names, docs/django.md',
  });
  const many = (count: number) => written(Array.from({ length: count }, (_, n) => row(`shop.m${n}`, 1)));
  await expect(many(29)).rejects.toThrow(/m28: no table is known for it$/);
  await expect(many(40)).rejects.toThrow(/m29: no table is known for it, and there may be more$/);
});

const names = JSON.stringify({
  'Shop.Order': {
    table: 'orders',
    key: { column: 'nr', type: 'BigAutoField' },
    fields: {
      author: { column: 'who', type: 'ForeignKey', refers: 'users' },
      total: { column: 'sum', type: 'DecimalField' },
    },
    manyToMany: {
      items: {
        table: 'order_items',
        from: { column: 'o', type: 'IntegerField' },
        to: { column: 'i', type: 'UUIDField', refers: 'items' },
      },
    },
  },
  'auth.user': {
    table: 'users',
    key: { column: 'uid', type: 'UUIDField' },
    fields: { name: { column: 'nick', type: 'CharField' } },
  },
  'shop.item': {
    table: 'items',
    key: { column: 'id', type: 'UUIDField' },
    fields: {
      maker: { column: 'maker_id', type: 'ForeignKey', refers: 'elsewhere' },
      seller: { column: 'seller', type: 'CharField', refers: 'users', to: 'nick' },
      sum: { column: 'sum', type: 'IntegerField', computed: true },
    },
  },
});

test('names that a project tells itself are taken as they stand', () => {
  const given = namesFrom(names, 'names.json');
  const order = given.model('shop.order')!;

  expect([given.where, given.tables()]).toEqual(['names.json', ['orders', 'users', 'items', 'order_items']]);
  expect([given.model('shop.none'), given.keyOf('none'), given.column('none', 'x'), given.references('none')]).toEqual([
    undefined,
    undefined,
    undefined,
    [],
  ]);
  expect(order).toMatchObject({ table: 'orders', key: { name: 'nr', kind: 'number' } });
  const between = {
    table: 'order_items',
    from: { name: 'o', kind: 'number' },
    to: { name: 'i', kind: 'uuid', refers: 'items' },
  };
  expect(order.between).toMatchObject([between]);
  expect(order.field('author')).toMatchObject({ column: { name: 'who', kind: 'text', refers: 'users' } });
  expect(order.field('total')).toMatchObject({ column: { name: 'sum', kind: 'number' } });
  expect(order.field('items')).toMatchObject({ between });
  expect(order.field('who')).toBeUndefined();
  expect(given.keyOf('users')).toMatchObject({ name: 'uid', kind: 'uuid' });
  expect([given.column('users', 'name'), given.column('users', 'nick')]).toMatchObject([
    { name: 'nick' },
    { name: 'nick' },
  ]);
  expect(given.column('users', 'x')).toBeUndefined();
  expect(given.references('orders')).toEqual([{ column: 'who', table: 'users', to: 'uid' }]);
  expect(given.references('items')).toEqual([{ column: 'seller', table: 'users', to: 'nick' }]);
  expect(given.model('shop.item')!.field('sum')).toMatchObject({ column: { computed: true } });
  expect(given.references('order_items')).toEqual([
    { column: 'o', table: 'orders', to: 'nr' },
    { column: 'i', table: 'items', to: 'id' },
  ]);
});

test('a file of names that is none says what is wrong, and where to read on', () => {
  const hint = 'docs/django.md says how to write it';
  expect(() => namesFrom('{', 'names.json')).toThrow(
    expect.objectContaining({ code: 'input-invalid', message: 'names.json is not JSON', hint }),
  );
  expect(() => namesFrom('{"a.b":{"table":1}}', 'names.json')).toThrow(
    expect.objectContaining({
      code: 'input-invalid',
      message: expect.stringMatching(/^names\.json is not a file of names: a\.b\.table: .*; a\.b\.key: /),
      hint,
    }),
  );
  const wrong = Object.fromEntries(Array.from({ length: 12 }, (_, at) => [`a.m${at}`, 1]));
  expect(() => namesFrom(JSON.stringify(wrong), 'names.json')).toThrow(/a\.m9: [^;]*$/);
});

test('tables are found by what Django calls them, its own by their own names', () => {
  const found = namesOf(layout, 'here');

  expect(found.model('contenttypes.contenttype')!.table).toBe('django_content_type');
  expect(found.model('shop.keyless')).toBeUndefined();
  expect(found.model('shop.item')!.between.map((one) => [one.table, one.from.name, one.to.name])).toEqual([
    ['shop_item_like', 'from_item_id', 'to_item_id'],
  ]);
  expect(found.model('shop.order')!.between.map((one) => [one.table, one.from.name, one.to.name])).toEqual([
    ['shop_order_items', 'order_id', 'item_id'],
  ]);
  expect([
    found.column('auth_permission', 'content_type')!.refers,
    found.column('auth_permission', 'codename')!.refers,
  ]).toEqual(['django_content_type', undefined]);
  expect([
    found.keyOf('shop_keyless'),
    found.keyOf('none'),
    found.references('none'),
    found.column('none', 'a'),
  ]).toEqual([undefined, undefined, [], undefined]);
});
