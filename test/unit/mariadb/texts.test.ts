import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { viewsInOrderOfUse, triggersInOrder } from '../../../core/engines/mariadb/plan/arrangements.ts';
import { dataText } from '../../../core/engines/mariadb/plan/text/data-text.ts';
import {
  unqualified,
  unqualifiedTrigger,
  unqualifiedView,
  withoutDefiner,
} from '../../../core/engines/mariadb/catalog/definition.ts';
import { readTableDefinition } from '../../../core/engines/mariadb/catalog/table-definition.ts';
import { expectation } from '../../../core/engines/mariadb/catalog/expected.ts';
import { parseGrants } from '../../../core/engines/mariadb/rights/grants.ts';
import { linesOf } from '../../../core/engines/mariadb/lines.ts';
import { withCommit } from '../../../core/engines/mariadb/restore/text/load-text.ts';
import { namesDatabase } from '../../../core/engines/mariadb/catalog/names-database.ts';
import { quoteName } from '../../../core/engines/mariadb/quoting.ts';
import { editedRows } from '../../../core/engines/mariadb/values/edited-rows.ts';
import type { ValueEdit } from '../../../core/engines/mariadb/values/edited-rows.ts';
import { keepDecimals } from '../../../core/engines/mariadb/values/json-decimals.ts';
import { watchTables } from '../../../core/engines/mariadb/plan/watch.ts';
import { pieces } from '../../support/mariadb/mariadb.ts';
import { anyText, draws } from '../../support/random/draws.ts';

async function textOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(stream)).toString();
}

test('grants on everything, on a pattern and by a role are read, and partial revokes are heeded', () => {
  const rights = parseGrants([
    "GRANT USAGE ON *.* TO `u`@`%` IDENTIFIED BY PASSWORD '*X'",
    'GRANT SELECT, SHOW VIEW ON `shop\\_%`.* TO `u`@`%`',
    'GRANT SELECT (`a`, `b`), INSERT ON `other`.`t` TO `u`@`%`',
    'GRANT ALL PRIVILEGES ON `mine`.* TO `u`@`%` WITH GRANT OPTION',
    'GRANT SELECT ON `mysql`.`proc` TO `u`@`%`',
    'GRANT EVENT ON *.* TO `u`@`%`',
    'REVOKE EVENT ON `secret`.* FROM `u`@`%`',
  ]);

  expect([rights.has('SELECT', 'shop_eu'), rights.has('SELECT', 'shopXeu'), rights.has('SELECT')]).toEqual([
    true,
    false,
    false,
  ]);
  expect([
    rights.has('SELECT', 'other', 't'),
    rights.has('INSERT', 'other', 't'),
    rights.has('INSERT', 'other'),
  ]).toEqual([false, true, false]);
  expect([rights.has('TRIGGER', 'mine'), rights.has('SELECT', 'mysql', 'proc'), rights.has('SELECT', 'mysql')]).toEqual(
    [true, true, false],
  );
  expect([rights.has('EVENT', 'any'), rights.has('EVENT', 'secret')]).toEqual([true, false]);
});

test('a definition is cut into its indexes and constraints, whatever is in names, defaults and comments', () => {
  const definition = [
    'CREATE TABLE `t` (',
    "  `a``,(` varchar(9) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT 'KEY `x` (`y`), \\') '' )',",
    '  `p` decimal(10,2) GENERATED ALWAYS AS (round(`q`,2)) STORED,',
    '  PRIMARY KEY (`a``,(`),',
    '  UNIQUE KEY `u,(` (`p`,`q`),',
    '  CONSTRAINT `c``k` CHECK (`p` in (1,2))',
    ") ENGINE=InnoDB AUTO_INCREMENT=77 COMMENT='AUTO_INCREMENT=5 )'",
  ].join('\n');

  const { items, text } = readTableDefinition(definition);

  expect(items).toEqual([
    { kind: 'index', name: 'PRIMARY', text: 'PRIMARY KEY (`a``,(`)' },
    { kind: 'index', name: 'u,(', text: 'UNIQUE KEY `u,(` (`p`,`q`)' },
    { kind: 'constraint', name: 'c`k', text: 'CONSTRAINT `c``k` CHECK (`p` in (1,2))' },
  ]);
  expect(text).toBe(definition.replace(' AUTO_INCREMENT=77', '').replace(' CHARACTER SET utf8mb4', ''));
});

test('the name of the database leaves a definition only where the server put it', () => {
  expect(
    unqualified(
      "`id` int DEFAULT nextval(`app`.`s`), `t` text DEFAULT 'nextval(`app`.`s`)' COMMENT 'lastval(`app`.'",
      'app',
    ),
  ).toBe("`id` int DEFAULT nextval(`s`), `t` text DEFAULT 'nextval(`app`.`s`)' COMMENT 'lastval(`app`.'");
  expect(unqualified('DEFAULT nextval(`other`.`s`)', 'app')).toBe('DEFAULT nextval(`other`.`s`)');
  expect(
    unqualifiedView(
      "select `app`.`t`.`id`,`app`.`id`,`app`.`f`(1),`x``app`.`a`.`b`,'`app`.`t`.`id`' from `app` join `other`.`t`",
      'app',
    ),
  ).toBe("select `t`.`id`,`app`.`id`,`f`(1),`x``app`.`a`.`b`,'`app`.`t`.`id`' from `app` join `other`.`t`");
});

test('a body names its database before something in it, and nowhere in a text or a comment', () => {
  const naming = [
    'SELECT * FROM shop.t',
    'SELECT `shop` . `t`.a',
    'CALL Shop.p()',
    'RETURN /* c */ shop.f(1)',
    'SELECT /*!50000 shop.f() */',
    'SELECT "shop"."t"',
    "SELECT 'it''s', shop.t.a",
    "SELECT '\\\\', shop.x",
  ];
  const other = [
    "SELECT 'shop.t'",
    'SELECT 1 -- shop.t',
    'SELECT 1 # shop.t\n',
    'SELECT /* shop.t */ 1',
    'SELECT shop FROM t',
    'SELECT t.shop.x',
    'SELECT workshop.t, `my shop`.t, shop_.t',
    "SELECT 'a''shop.t'",
    'SELECT 1--shop',
  ];

  expect(naming.filter((text) => !namesDatabase(text, 'shop'))).toEqual([]);
  expect(other.filter((text) => namesDatabase(text, 'shop'))).toEqual([]);
});

test('a view and the head of a trigger lose the name of their database, wherever the server or a person wrote it', () => {
  const view =
    "select `shop`.`f`(`shop`.`t`.`a`),`shop`.`b`,extract(year from `shop`.`d`),trim(both 'x' from " +
    "`shop`.`s`),'from `shop`.`t`' from (`shop`.`t` join `shop`.`u` on(`shop`.`t`.`a` = `t`.`shop`))";

  expect(unqualifiedView(view, 'shop')).toBe(
    "select `f`(`t`.`a`),`shop`.`b`,extract(year from `shop`.`d`),trim(both 'x' from `shop`.`s`),'from " +
      "`shop`.`t`' from (`t` join `u` on(`t`.`a` = `t`.`shop`))",
  );
  expect(
    unqualifiedTrigger(
      'CREATE TRIGGER shop.tr BEFORE INSERT\n ON `shop` . `t` FOR EACH ROW SET NEW.a = shop.f(1)',
      'shop',
    ),
  ).toBe('CREATE TRIGGER tr BEFORE INSERT\n ON `t` FOR EACH ROW SET NEW.a = shop.f(1)');
  expect(unqualifiedTrigger('CREATE TRIGGER other.tr BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 1', 'shop')).toContain(
    'other.tr',
  );
});

test('a definer is taken out of a definition and told', () => {
  expect(
    withoutDefiner('CREATE ALGORITHM=UNDEFINED DEFINER=`a``b`@`%` SQL SECURITY DEFINER VIEW `v` AS select 1'),
  ).toEqual({ text: 'CREATE ALGORITHM=UNDEFINED SQL SECURITY DEFINER VIEW `v` AS select 1', definer: '`a``b`@`%`' });
  expect(withoutDefiner('CREATE DEFINER="r"@"h" PACKAGE "p" AS END')).toEqual({
    text: 'CREATE PACKAGE "p" AS END',
    definer: '"r"@"h"',
  });
});

test('views come behind those they read, and keep their order where they read each other in a circle', () => {
  const view = (name: string, select: string) => [
    `-- Final view structure for view ${quoteName(name)}\n`,
    '--\n',
    '\n',
    `/*!50001 VIEW ${quoteName(name)} AS ${select} */;\n`,
    '\n',
    '--\n',
  ];
  const lines = [
    ...view('a', 'select 1 from `b` join `c`'),
    ...view('b', 'select `a` from (`t` join `c` `d`)'),
    ...view('c', 'select 1 from `t`'),
    ...view('x', 'select 1 from `y`'),
    ...view('y', 'select 1 from `x`'),
  ];
  const trailer = ['/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;\n', '-- Dump completed\n'];

  const arranged = viewsInOrderOfUse.arrange([...lines.slice(0, -1), ...trailer]);

  expect(arranged.flatMap((line) => /^-- Final.*`(.)`/.exec(line)?.[1] ?? [])).toEqual(['c', 'b', 'a', 'y', 'x']);
  expect(arranged.toSorted()).toEqual([...lines.slice(0, -1), ...trailer].toSorted());
  expect(arranged.slice(-2)).toEqual(trailer);
});

test('triggers come in the order in which they fire, each with its settings around it', () => {
  const trigger = (name: string) => [
    'ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_bin ;\n',
    '/*!50003 SET @saved_cs_client      = @@character_set_client */ ;\n',
    'DELIMITER ;;\n',
    `/*!50003 CREATE*/ /*!50017 DEFINER=\`a\`@\`b\`*/ /*!50003 TRIGGER ${quoteName(name)} BEFORE INSERT ON ` +
      `\`t\` FOR EACH ROW SET @a = 1 */;;\n`,
    'DELIMITER ;\n',
    '/*!50003 SET collation_connection  = @saved_col_connection */ ;\n',
    'ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci ;\n',
  ];
  const rest = ['\n', '--\n', '-- Dumping events\n'];

  const { arrange } = triggersInOrder(
    new Map([
      ['third', 3],
      ['first', 1],
      ['second', 2],
    ]),
  );

  expect(arrange([...trigger('third'), ...trigger('first'), ...trigger('second'), ...rest])).toEqual([
    ...trigger('first'),
    ...trigger('second'),
    ...trigger('third'),
    ...rest,
  ]);
});

test('what a dump leaves out is named', () => {
  const expected = expectation(
    [
      { kind: 'table', names: ['a', 'b`c', 'two\nlines'] },
      { kind: 'view', names: ['v'] },
    ],
    2,
  );
  for (const line of ['-- Table structure for table `a`\n', '-- Table structure for table `two\n', 'DELIMITER ;;\n'])
    expected.see(line);

  expect(() => expected.requireAll()).toThrow('left out table `b``c`, view `v`, 1 of 2 routines, triggers and events');
});

test('what was not expected in a dump is named, and lines of a body are no comments of the dump', () => {
  const expected = expectation(
    [
      { kind: 'table', names: ['a'] },
      { kind: 'view', names: [] },
    ],
    1,
  );
  const body = [
    'DELIMITER ;;\n',
    'CREATE FUNCTION f() RETURNS INT\n',
    '-- Table structure for table `in a body`\n',
    'DELIMITER ;\n',
  ];
  for (const line of ['-- Table structure for table `a`\n', ...body]) expected.see(line);

  expect(() => expected.requireAll()).not.toThrow();
  for (const line of ['-- Final view structure for view `v`\n', ...body]) expected.see(line);

  expect(() => expected.requireAll()).toThrow(
    'not there before it started: Final view structure for view `v`, 1 more routines',
  );
});

test('a table that is another one behind its rows is told; what becomes of one that was read and looked at is not', async () => {
  const before = new Map([
    ['a', '1'],
    ['b', '2'],
    ['c', '3'],
  ]);
  let now = before;
  const watch = watchTables(before, 'here', () => Promise.resolve(now));
  const signal = AbortSignal.timeout(1000);

  for (const table of ['a', 'b']) watch.reached(table);
  now = new Map([
    ['a', '1'],
    ['b', '9'],
    ['c', '3'],
  ]);
  await watch.look(false, signal);
  now = new Map([
    ['a', '8'],
    ['b', '9'],
  ]);
  watch.reached('c');
  await watch.look(true, signal);

  expect(() => watch.requireSame()).toThrow(
    'here: emptied, rebuilt or exchanged for another while the backup ran: table `b`, `c`',
  );
});

test('the comment above a table’s rows is seen however the text is cut, and nothing of the text is lost', async () => {
  const below: Record<string, string> = { '-- Dumping data for table `b`': 'SET NAMES binary;\n' };
  const text =
    '-- MariaDB dump\n\n--\n-- Dumping data for table `a`\n--\n\nINSERT INTO `a` VALUES (1);\n\n--\n-- Dumping ' +
    'data for table `b`\n--\n\nINSERT INTO `b` VALUES (1);\n';
  for (let size = 1; size <= text.length; size += 1) {
    const expected = expectation([{ kind: 'rows', names: ['a', 'b'] }]);
    expect(
      await textOf(
        dataText(pieces(Buffer.from(text), size), {
          start: () => Promise.resolve('head;\n'),
          expected,
          below: (comment) => below[comment] ?? '',
        }),
      ),
    ).toBe(`head;\n${text.replace('`b`\n', '`b`\nSET NAMES binary;\n')}`);
  }
  const lacking = dataText(pieces(Buffer.from(text), 7), {
    start: () => Promise.resolve(''),
    expected: expectation([{ kind: 'rows', names: ['a', 'c'] }]),
    below: () => '',
  });
  await expect(textOf(lacking)).rejects.toMatchObject({
    code: 'dump-cut',
    message: expect.stringContaining('rows of `c`'),
  });
});

test('generated columns leave the rows of their table, and nothing else changes, however the text is cut', async () => {
  const value = fc.oneof(
    fc.constantFrom('NULL', '0x00FF', '-1.5e-30', '7'),
    anyText().map((text) => `'${text.replace(/[\\']/g, '\\$&').replaceAll('\n', '\\n')}'`),
    fc.constantFrom("'),\\n('", "');\\nINSERT INTO `t` ('", "'\\\\'"),
  );
  const row = fc.tuple(value, value, value, value);
  const dump = fc.record({
    rows: fc.array(row, { minLength: 1, maxLength: 8 }),
    size: fc.integer({ min: 1, max: 400 }),
    keep: fc.subarray([0, 1, 2, 3], { minLength: 1 }),
  });
  const names = ['a', 'b`),(', 'c', 'd'];
  const write = (rows: string[][], table: string, keep: number[]) =>
    `\nINSERT INTO ${table} (${keep.map((index) => quoteName(names[index]!)).join(', ')}) VALUES ` +
    `${rows.map((values) => `(${keep.map((index) => values[index]).join(',')})`).join(',\n')};\n`;

  await fc.assert(
    fc.asyncProperty(dump, async ({ rows, size, keep }) => {
      const whole = (kept: number[]) =>
        [
          '-- head\n',
          write(rows, '`t`', kept),
          '--\n',
          write(rows, '`u`', [0, 1, 2, 3]),
          write(rows, '`t`', kept),
          '\n-- Dump completed\n',
        ].join('');
      const columns = names.filter((_, index) => !keep.includes(index));

      const text = await textOf(
        editedRows(pieces(Buffer.from(whole([0, 1, 2, 3])), size), [
          { table: 't', columns: new Map(columns.map((column): [string, ValueEdit] => [column, 'leave out'])) },
        ]),
      );

      expect(text).toBe(whole(keep));
    }),
    draws(100),
  );
});

test('values are rewritten and strings get a prefix, and nothing else changes, however the text is cut', async () => {
  const value = fc.oneof(
    fc.constantFrom('NULL', '0x00FF', '-0', '7', "''"),
    anyText().map((text) => `'${text.replace(/[\\']/g, '\\$&').replaceAll('\n', '\\n')}'`),
    fc.constantFrom("'),\\n('", "'\\\\'"),
  );
  const dump = fc.record({
    rows: fc.array(fc.tuple(value, value, value), { minLength: 1, maxLength: 8 }),
    size: fc.integer({ min: 1, max: 300 }),
  });
  const rewrite = (text: string) => (text.length % 2 === 0 ? `F(${text}${'x'.repeat(text.length)})` : text);
  const whole = (rows: string[][]) =>
    `\nINSERT INTO \`t\` (\`a\`, \`b\`, \`c\`) VALUES ` +
    `${rows.map((values) => `(${values.join(',')})`).join(',\n')};\nINSERT INTO \`u\` (\`a\`) VALUES ('a');\n`;
  const columns = new Map<string, ValueEdit>([
    ['a', { rewrite }],
    ['c', { before: '_binary' }],
  ]);

  await fc.assert(
    fc.asyncProperty(dump, async ({ rows, size }) => {
      const edited = rows.map(([a = '', b = '', c = '']) => [
        Buffer.from(rewrite(Buffer.from(a).toString('latin1')), 'latin1').toString(),
        b,
        c.startsWith("'") ? `_binary${c}` : c,
      ]);

      const text = await textOf(editedRows(pieces(Buffer.from(whole(rows)), size), [{ table: 't', columns }]));

      expect(text).toBe(whole(edited));
    }),
    draws(100),
  );
});

test('JSON keeps its decimals as SQL numbers, and a document without them is not touched', () => {
  const documents = {
    [String.raw`'{\"a\": 1.5, \"b\": [1e15, 0.0, -0.0, 18446744073709551615, null, \"x 1.10\"]}'`]: undefined,
    "'0.30000000000000004'": undefined,
    "'1.10'": 'CAST(1.10 AS JSON)',
    "'[-0.50, [], {}]'": "JSON_ARRAY(-0.50,CAST('[]' AS JSON),CAST('{}' AS JSON))",
    "'18446744073709551616'": 'CAST(18446744073709551616 AS JSON)',
    "'[1000000000000000.0]'": 'JSON_ARRAY(1000000000000000.0)',
    [String.raw`'{\"it\'s \\\"\": {\"n\\n\": 0.00}, \"z\": [true, \"[1.10]\"]}'`]: String.raw`JSON_OBJECT('it\'s \"',JSON_OBJECT('n\n',0.00),'z',CAST('[true, \"[1.10]\"]' AS JSON))`,
    NULL: undefined,
  };
  for (const [text, edited] of Object.entries(documents)) expect(keepDecimals(text)).toBe(edited ?? text);
});

test('lines are the same however the text is cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: fc.constantFrom('a', '\n', 'é', '\r') }),
      fc.integer({ min: 1, max: 9 }),
      async (text, size) => {
        const lines = (await Array.fromAsync(linesOf(pieces(Buffer.from(text), size)))).flat();

        expect(Buffer.from(lines.join(''), 'latin1').toString()).toBe(text);
        expect(lines.every((line, index) => /^[^\n]*\n$/.test(line) || index === lines.length - 1)).toBe(true);
      },
    ),
  );
});

test('a part is committed only behind its end marker', async () => {
  expect(await textOf(withCommit(pieces(Buffer.from('SELECT 1;\n\n-- Dump completed\n'), 3), 'data'))).toBe(
    'SELECT 1;\n\n-- Dump completed\nCOMMIT;\n',
  );
  await expect(
    textOf(withCommit(pieces(Buffer.from("INSERT INTO `t` VALUES ('-- Dump completed');\n"), 3), 'data')),
  ).rejects.toMatchObject({ code: 'part-corrupt' });
});
