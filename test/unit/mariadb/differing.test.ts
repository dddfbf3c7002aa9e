import { expect, test } from '@jest/globals';
import { differingLines } from '../../../core/engines/mariadb/proof/differing.ts';
import { dumpedDefinitions } from '../../../core/engines/mariadb/proof/dumped.ts';

const dump = [
  '/*!50001 CREATE VIEW `v` AS SELECT\n 1 AS `a`*/;\n',
  'CREATE TABLE `t` (\n',
  "  `a` int DEFAULT NULL COMMENT ';',\n",
  '  KEY `k` (`a`)\n',
  ') ENGINE=InnoDB AUTO_INCREMENT=7;\n',
  'DELIMITER ;;\n',
  'CREATE DEFINER=`root`@`%` FUNCTION `f`() RETURNS int(11)\n',
  'BEGIN SET @a = 1;\n',
  'RETURN 1; END ;;\n',
  'DELIMITER ;\n',
  '/*!50001 CREATE ALGORITHM=UNDEFINED */\n',
  '/*!50013 DEFINER=`root`@`%` SQL SECURITY DEFINER */\n',
  '/*!50001 VIEW `v` AS select 1 AS `a` from `t` */;\n',
  'DELIMITER ;;\n',
  '/*!50003 CREATE*/ /*!50017 DEFINER=`root`@`%`*/ /*!50003 TRIGGER tr BEFORE INSERT ON t FOR EACH ROW\n',
  'SET NEW.a = 1 */;;\n',
  'DELIMITER ;\n',
].join('');

async function* pieces(text: string) {
  for (let at = 0; at < text.length; at += 7) yield Buffer.from(text.slice(at, at + 7));
}

test('definitions are found in a dump, each from its beginning to its end, and no other than those wanted', async () => {
  const found = await dumpedDefinitions(pieces(dump), new Set(['table t', 'function f', 'view v', 'trigger tr']));

  expect([...found.keys()]).toEqual(['table t', 'function f', 'view v', 'trigger tr']);
  expect(found.get('table t')).toMatch(/^CREATE TABLE `t` \(\n[^]*AUTO_INCREMENT=7;\n$/);
  expect(found.get('function f')).toMatch(/^CREATE DEFINER[^]*RETURN 1; END ;;\n$/);
  expect(found.get('view v')).toContain('select 1 AS `a` from `t`');
  expect((await dumpedDefinitions(pieces(dump), new Set(['table v', 'view t']))).size).toBe(0);
});

test.each([
  ['table t', "CREATE TABLE `t` (\n  `a` int DEFAULT NULL COMMENT ';',\n  KEY `k` (`a`)\n) ENGINE=InnoDB", undefined],
  [
    'table t',
    "CREATE TABLE `t` (\n  KEY `k` (`a`),\n  `a` int COMMENT ';'\n) ENGINE=InnoDB AUTO_INCREMENT=9",
    "in the backup: “`a` int DEFAULT NULL COMMENT ';'”; here: “`a` int COMMENT ';'”",
  ],
  [
    'table t',
    "CREATE TABLE `t` (\n  `a` int DEFAULT NULL COMMENT ';'\n) ENGINE=InnoDB",
    'in the backup: “KEY `k` (`a`)”; here: nothing of it',
  ],
  [
    'function f',
    'CREATE DEFINER=`me`@`%` FUNCTION `f`() RETURNS int(11)\nBEGIN SET @a = 1;\nRETURN 2; END',
    'in the backup: “RETURN 1; END”; here: “RETURN 2; END”',
  ],
  ['trigger tr', 'CREATE DEFINER=`me`@`%` TRIGGER tr BEFORE INSERT ON t FOR EACH ROW\nSET NEW.a = 1', undefined],
])('of %s the lines are told that differ', async (object, now, said) => {
  const before = (await dumpedDefinitions(pieces(dump), new Set([object]))).get(object)!;

  expect(differingLines(before, now)).toBe(said);
});

test('long lines are shown around what differs, and many are counted', () => {
  const line = (x: string) => `${'a'.repeat(100)}${x}${'b'.repeat(200)}`;

  expect(differingLines(line('1'), line('2'))).toBe(
    `in the backup: “…${'a'.repeat(30)}1${'b'.repeat(59)}…”; here: “…${'a'.repeat(30)}2${'b'.repeat(59)}…”`,
  );
  expect(differingLines('a\nb\nc\nd', 'e')).toBe('in the backup: “a”, “b”, and 2 more; here: “e”');
});
