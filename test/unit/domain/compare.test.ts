import { expect, test } from '@jest/globals';
import {
  contentDifferences,
  decidedByText,
  describeUnequal,
  unequalDefinitions,
} from '../../../core/domain/compare.ts';
import type { Content } from '../../../core/domain/compare.ts';

const orders = { table: 'orders', columns: 'id', rows: 3, fingerprint: 'aaaaaaaaaaaaaaaa' };
const items = { table: 'items', columns: 'id', rows: 1, fingerprint: 'bbbbbbbbbbbbbbbb' };
const lines = { table: 'lines', columns: 'id', rows: 2000, fingerprint: 'cccccccccccccccc' };

/** As a proof puts them together, where the engine leaves it to the text. */
function differences(
  expected: Content,
  found: Content,
  { definitions, without }: { definitions: boolean; without: string[] },
): string[] {
  return [
    ...contentDifferences(expected, found),
    ...decidedByText(unequalDefinitions(expected.catalog, found.catalog, without), definitions).different.map(
      describeUnequal,
    ),
  ];
}

/** Several of each: what is asked of the first one only, or of the last, shows. */
const backup: Content = {
  tables: [orders, items, lines],
  largeObjects: { count: 2, fingerprint: 'dddddddddddddddd' },
  sequences: { ids: '5, true', numbers: '1, false', codes: '9, true' },
  catalog: {
    table: { orders: '1', items: '2', lines: '3' },
    view: { late: '4', early: '5' },
    owner: { 'table orders': 'app' },
    grant: { 'table orders': 'reader SELECT' },
  },
};

const comparing = (change: Partial<Content>, { definitions = true, without = [] as string[] } = {}) =>
  differences(backup, { ...backup, ...change }, { definitions, without });
const catalog = (change: Content['catalog']) => ({ catalog: { ...backup.catalog, ...change } });

test('what is alike has no difference, in whatever order it was read', () => {
  const turned = <T>(entries: Record<string, T>) => Object.fromEntries(Object.entries(entries).reverse());

  expect(differences(backup, structuredClone(backup), { definitions: true, without: [] })).toEqual([]);
  expect(
    comparing({ tables: [lines, items, orders], sequences: turned(backup.sequences), catalog: turned(backup.catalog) }),
  ).toEqual([]);
});

test.each<[string, Partial<Content>, string[]]>([
  ['a table fewer', { tables: [orders, lines] }, ['table items is missing (1 row)']],
  [
    'all tables but one fewer',
    { tables: [items] },
    ['table orders is missing (3 rows)', 'table lines is missing (2,000 rows)'],
  ],
  [
    'a table more',
    { tables: [orders, items, lines, { ...items, table: 'more' }] },
    ['table more is not in the backup'],
  ],
  [
    'a row more in the last table',
    { tables: [orders, items, { ...lines, rows: 2001 }] },
    ['table lines has 2,001 rows instead of 2,000'],
  ],
  ['a row fewer', { tables: [{ ...orders, rows: 2 }, items, lines] }, ['table orders has 2 rows instead of 3']],
  [
    'another row in two tables',
    { tables: [{ ...orders, fingerprint: items.fingerprint }, items, { ...lines, fingerprint: items.fingerprint }] },
    [
      'table orders has the right number of rows, and other content',
      'table lines has the right number of rows, and other content',
    ],
  ],
  [
    'a large object fewer',
    { largeObjects: { count: 1, fingerprint: 'dddddddddddddddd' } },
    ['1 large object instead of 2'],
  ],
  ['no large object at all', { largeObjects: undefined }, ['0 large objects instead of 2']],
  [
    'a byte in a large object',
    { largeObjects: { count: 2, fingerprint: 'eeeeeeeeeeeeeeee' } },
    ['large objects have other content'],
  ],
  ['a sequence fewer', { sequences: { ids: '5, true', codes: '9, true' } }, ['sequence numbers is missing']],
  [
    'sequences elsewhere',
    { sequences: { ids: '6, true', numbers: '1, true', codes: '9, true' } },
    [
      'sequence ids stands at (6, true) instead of (5, true)',
      'sequence numbers stands at (1, true) instead of (1, false)',
    ],
  ],
  ['a view fewer', catalog({ view: { late: '4' } }), ['view early is missing']],
  [
    'a kind fewer',
    { catalog: { table: backup.catalog['table']!, owner: backup.catalog['owner']!, grant: backup.catalog['grant']! } },
    ['view late is missing', 'view early is missing'],
  ],
  ['a view more', catalog({ view: { late: '4', early: '5', more: '6' } }), ['view more is not in the backup']],
  ['a kind more', catalog({ trigger: { t: '7' } }), ['trigger t is not in the backup']],
  [
    'views defined differently',
    catalog({ view: { late: '5', early: '4' } }),
    ['view late is defined differently', 'view early is defined differently'],
  ],
  [
    'an owner and a grant',
    catalog({ owner: { 'table orders': 'postgres' }, grant: {} }),
    ['owner table orders is defined differently', 'grant table orders is missing'],
  ],
])('%s is found, and named', (_, change, expected) => {
  expect(comparing(change).sort()).toEqual([...expected].sort());
});

test('everything that differs is said, and not only the first of it', () => {
  const found = comparing({
    tables: [orders, items, { ...lines, rows: 1 }],
    largeObjects: undefined,
    sequences: { ...backup.sequences, ids: '6, true' },
    ...catalog({ view: { late: '0', new: '1' } }),
  });

  expect(found.sort()).toEqual([
    '0 large objects instead of 2',
    'sequence ids stands at (6, true) instead of (5, true)',
    'table lines has 1 row instead of 2,000',
    'view early is missing',
    'view late is defined differently',
    'view new is not in the backup',
  ]);
});

test('large objects that came from nowhere are found', () => {
  const { largeObjects, ...none } = backup;

  expect(differences(none, { ...none, largeObjects }, { definitions: true, without: [] })).toEqual([
    '2 large objects instead of 0',
  ]);
});

test('objects with the names that every JavaScript object knows are compared like all others', () => {
  const odd = { catalog: { table: { constructor: '1', toString: '2' } } };

  expect(
    differences({ ...backup, ...odd }, { ...backup, catalog: { table: {} } }, { definitions: true, without: [] }),
  ).toEqual(['table constructor is missing', 'table toString is missing']);
  expect(
    differences({ ...backup, catalog: { table: {} } }, { ...backup, ...odd }, { definitions: true, without: [] }),
  ).toEqual(['table constructor is not in the backup', 'table toString is not in the backup']);
  expect(
    differences(
      { ...backup, sequences: { constructor: '1, true' } },
      { ...backup, sequences: {} },
      { definitions: true, without: [] },
    ),
  ).toEqual(['sequence constructor is missing']);
});

test('between versions definitions are compared by name, and rows as ever', () => {
  const found = comparing(
    { tables: [orders, items, { ...lines, rows: 1 }], ...catalog({ view: { late: '0', new: '1' } }) },
    { definitions: false },
  );

  expect(found.sort()).toEqual([
    'table lines has 1 row instead of 2,000',
    'view early is missing',
    'view new is not in the backup',
  ]);
});

test('only the kinds that are left out are left out', () => {
  const found = comparing(catalog({ owner: {}, grant: { 'table orders': 'nobody' }, view: { late: '4' } }), {
    without: ['owner'],
  });

  expect(found.sort()).toEqual(['grant table orders is defined differently', 'view early is missing']);
});

test('how many definitions were compared by name alone is counted', () => {
  const unequal = [
    { kind: 'view', name: 'a', how: 'changed' },
    { kind: 'view', name: 'b', how: 'changed' },
    { kind: 'view', name: 'c', how: 'missing' },
  ] as const;

  expect(decidedByText([...unequal], false)).toEqual({ different: [unequal[2]], byName: 2 });
  expect(decidedByText([...unequal], true)).toEqual({ different: unequal, byName: 0 });
});
