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
  ['orders', 'orders may mean public.orders; sales.orders'],
  ['ordres', 'the backup holds no table ordres, did you mean "orders"?'],
  ['sale.orders', 'the backup holds no table sale.orders, did you mean "sales.orders"?'],
  ['public.sales.orders', 'the backup holds no table public.sales.orders'],
  ['order[s]', 'the backup holds no table order[s], did you mean "orders"?'],
  ['"ord*"', 'the backup holds no table "ord*"'],
])('%s is refused', (asked, message) => {
  expect(() => inPostgres(asked)).toThrow(
    expect.objectContaining({ code: 'input-invalid', message: expect.stringContaining(message) }),
  );
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
