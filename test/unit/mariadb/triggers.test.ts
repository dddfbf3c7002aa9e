import { expect, test } from '@jest/globals';
import { rowColumns, withoutTriggers } from '../../../core/engines/mariadb/repairs/broken-triggers.ts';
import { triggersInOrder } from '../../../core/engines/mariadb/plan/arrangements.ts';

test.each([
  ['SET NEW.a = OLD . `b``c`, @new = 1', '', ['a', 'b`c']],
  ['SET `new`.x = :NEW.y', '', ['x', 'y']],
  [`SET @a = 'NEW.no', @b = "OLD.no", @c = 'it''s \\' NEW.no'; -- NEW.no\nSET @d = new.yes # OLD.no`, '', ['yes']],
  ['SET @a = /* NEW.no */ 1 /*! + NEW.yes */', '', ['yes']],
  ['SET @a = "x" + NEW."y""z"', 'ANSI_QUOTES', ['y"z']],
  [`SET @a = '\\', NEW.yes`, 'NO_BACKSLASH_ESCAPES', ['yes']],
  ['SET @new.a = 1, @a = renew.b, @b = shop.new.c, @c = `OLD.no`', '', []],
])('of %s the columns behind NEW and OLD are read', (body, mode, columns) => {
  expect(rowColumns({ body, mode })).toEqual(columns);
});

test('a trigger that is left out is in no catalog and no part, and its neighbours are', () => {
  const catalog = {
    trigger: { a: '1', b: '2' },
    definer: { 'trigger a': 'x', 'trigger b': 'y', 'function a': 'z' },
    table: { a: '3' },
  };
  const block = (name: string, typed = `\`${name}\``) => [
    '/*!50003 SET @saved_cs_client      = @@character_set_client */ ;\n',
    `/*!50003 CREATE*/ /*!50003 TRIGGER ${typed} BEFORE INSERT ON t FOR EACH ROW SET @a = 1 */;;\n`,
    '/*!50003 SET collation_connection  = @saved_col_connection */ ;\n',
  ];

  expect(withoutTriggers(catalog, [{ name: 'a', table: 't', column: 'c' }])).toEqual({
    trigger: { b: '2' },
    definer: { 'trigger b': 'y', 'function a': 'z' },
    table: { a: '3' },
  });
  expect(
    triggersInOrder(new Map(), new Set(['ä', 'plain', 'q"d'])).arrange([
      ...block(Buffer.from('ä').toString('latin1')),
      ...block('', '\n if not exists\n plain'),
      ...block('', '"q""d"'),
      ...block('b'),
      'end\n',
    ]),
  ).toEqual([...block('b'), 'end\n']);
});

test('triggers stand in the order in which they fire, whatever remarks are typed before their names', () => {
  const block = (typed: string) => [
    '/*!50003 SET @saved_cs_client      = @@character_set_client */ ;\n',
    `/*!50003 CREATE*/ /*!50003 trigger ${typed} before insert on t for each row set @a = 1 */;;\n`,
    '/*!50003 SET collation_connection  = @saved_col_connection */ ;\n',
  ];
  const [first, second, third, fourth] = [
    block('/* third */first/* of all */'),
    block('-- first\n if /**/ not exists # x\n `second`'),
    block('third'),
    block('/*1*/ "fourth"'),
  ];
  const order = new Map([
    ['first', 1],
    ['second', 2],
    ['third', 3],
    ['fourth', 4],
  ]);

  expect(triggersInOrder(order).arrange([...fourth, ...second, ...third, ...first])).toEqual([
    ...first,
    ...second,
    ...third,
    ...fourth,
  ]);
});
