import { expect, test } from '@jest/globals';
import { ofKind, partOfCatalog } from '../../../../core/contract/manifest/catalog.ts';
import type { Catalog } from '../../../../core/contract/manifest/catalog.ts';
import { isPartName, isSharable, partPatterns, partRoles } from '../../../../core/contract/manifest/part-name.ts';

const digest = '0f'.repeat(32);

test.each([
  ['schema.sql.zst', 'schema'],
  ['after.tar.zst', 'after'],
  ['catalog.json.zst.age', 'catalog'],
  ['data/0001.sql.zst', 'data'],
  ['data/12345.tar.zst.age', 'data'],
])('%s is the name of a part, of the role %s alone', (path, role) => {
  expect(isPartName(path)).toBe(true);
  expect(partRoles.filter((one) => isPartName(path, one))).toEqual([role]);
});

test.each([
  'schema',
  'schema.',
  'my-schema.sql',
  'schema.sql/x',
  'schema.SQL',
  'after',
  'old/after.sql',
  'after.sql.',
  'catalog',
  'xcatalog.json',
  'catalog.json ',
  'data/1.sql',
  'data/0001',
  'data/x0001.sql',
  'olddata/0001.sql',
  'data/0001.sql/x',
  'data/0001.sql~',
  'manifest.json',
])('%s is the name of no part', (path) => {
  expect(isPartName(path)).toBe(false);
});

test('a policy names parts by four patterns', () => {
  expect(partPatterns).toEqual(['schema.*', 'after.*', 'catalog.*', 'data/*']);
});

test.each([
  ['data/0001.tar.zst', true],
  [`data/0001.${digest}.layer`, true],
  ['data/0001.tar.zst.age', true],
  [`data/0001.${digest}.layer.age`, true],
  ['data/0001.tar.zst.age.xz', false],
  ['data/0001.tar.zst.xz', false],
  [`data/0001.${digest}`, false],
  [`data/0001.${digest}0.layer`, false],
  ['data/0001.sql.zst', false],
  ['data/1.tar.zst', false],
  ['schema.tar.zst', false],
])('that %s may be shared with later backups is %p', (path, is) => {
  expect(isSharable(path)).toBe(is);
});

test('a part of a catalog is what was asked for, by kind and name, and no kind without an object', () => {
  const catalog: Catalog = {};
  ofKind(catalog, 'table')['shop.orders'] = 'a';
  ofKind(catalog, 'table')['shop.customers'] = 'b';
  ofKind(catalog, 'table')['__proto__'] = 'c';
  ofKind(catalog, 'view')['shop.orders'] = 'd';

  const part = partOfCatalog(catalog, (kind, name) => kind === 'table' && name !== 'shop.customers');

  expect(JSON.stringify(part)).toBe('{"table":{"shop.orders":"a","__proto__":"c"}}');
});
