import { expect, test } from '@jest/globals';
import { tablesAskedFor } from '../../../core/domain/table-names.ts';
import type { NameStyle } from '../../../core/domain/table-names.ts';

const postgres: NameStyle = { quote: '"', divides: true, fold: (text) => text.toLowerCase() };
const mariadb: NameStyle = { quote: '`', divides: false, fold: (text) => text };
const tables = [
  { name: 'public.orders', parts: ['public', 'orders'] },
  { name: 'public.order_lines', parts: ['public', 'order_lines'] },
  { name: 'public."Orders"', parts: ['public', 'Orders'] },
  { name: 'sales.orders', parts: ['sales', 'orders'] },
  { name: 'public."a.b*"', parts: ['public', 'a.b*'] },
  { name: 'public."say ""x"""', parts: ['public', 'say "x"'] },
];
const held = 'it holds public.orders; public.order_lines; public."Orders"; sales.orders; public."a.b*", and 1 more';
const inPostgres = (...asked: string[]) => tablesAskedFor(asked, tables, postgres).map(({ name }) => name);

test.each([
  ['public.orders', ['public.orders']],
  ['PUBLIC.Orders', ['public.orders']],
  ['"Orders"', ['public."Orders"']],
  ['order_lines', ['public.order_lines']],
  ['ord*', ['public.orders', 'public.order_lines', 'sales.orders']],
  ['sales.*', ['sales.orders']],
  ['public.order?', ['public.orders']],
  ['"a.b*"', ['public."a.b*"']],
  ['"say ""x"""', ['public."say ""x"""']],
  ['public."say ""x"""', ['public."say ""x"""']],
])('PostgreSQL: %s means what pg_dump would take it for', (asked, found) => {
  expect(inPostgres(asked)).toEqual(found);
});

test('each table counts once, in the order of the backup', () => {
  expect(inPostgres('sales.orders', 'ord*')).toEqual(['public.orders', 'public.order_lines', 'sales.orders']);
});

test.each([
  ['orders', 'orders may mean public.orders; sales.orders', 'write the schema before the name, as one of these'],
  ['ordres', 'the backup holds no table ordres, did you mean "orders"?', held],
  ['sale.orders', 'the backup holds no table sale.orders, did you mean "sales.orders"?', held],
  ['public.sales.orders', 'the backup holds no table public.sales.orders', held],
  ['order[s]', 'the backup holds no table order[s], did you mean "orders"?', held],
  ['"ord*"', 'the backup holds no table "ord*"', held],
])('%s is refused', (asked, message, hint) => {
  expect(() => inPostgres(asked)).toThrow(
    expect.objectContaining({ code: 'input-invalid', message: expect.stringContaining(message), hint }),
  );
});

test('what was asked of a backup without tables is told so', () => {
  expect(() => tablesAskedFor(['orders'], [], postgres)).toThrow(
    expect.objectContaining({ message: 'the backup holds no table orders', hint: 'it holds none at all' }),
  );
});

test('a wildcard stands for any letter: line breaks, and those of two halves', () => {
  const named = ['a\nb', 'a\u{1f600}b', 'ab'].map((name) => ({ name, parts: [name] }));
  expect(tablesAskedFor(['a?b'], named, mariadb).map(({ name }) => name)).toEqual(['a\nb', 'a\u{1f600}b']);
});

test('a name of more parts than a table has is not that table', () => {
  const named = [{ name: 'orders', parts: ['orders'] }];
  expect(() => tablesAskedFor(['orders.orders'], named, postgres)).toThrow('holds no table');
  expect(() => tablesAskedFor(['orders.*'], named, postgres)).toThrow('holds no table');
});

test('MariaDB: a name is taken as it is, dots and quotes too, before it is read as a pattern', () => {
  const named = ['a', 'a.b', 'A', 'odd `x', 'a*', 'ab'].map((name) => ({ name, parts: [name] }));
  const inMariadb = (asked: string) => tablesAskedFor([asked], named, mariadb).map(({ name }) => name);

  expect(inMariadb('a.b')).toEqual(['a.b']);
  expect(inMariadb('A')).toEqual(['A']);
  expect(inMariadb('odd `x')).toEqual(['odd `x']);
  expect(inMariadb('a*')).toEqual(['a*']);
  expect(inMariadb('`a`*')).toEqual(['a', 'a.b', 'a*', 'ab']);
});
