import { expect, test } from '@jest/globals';
import { withoutConversions } from '../../../core/engines/mariadb/catalog/conversions.ts';
import { outside, readTableDefinition, tableForms } from '../../../core/engines/mariadb/catalog/table-definition.ts';
import { takingEverything } from '../../../core/engines/mariadb/plan/text/definition-text.ts';
import { repairing, repairsOf } from '../../../core/engines/mariadb/repairs/repairs.ts';
import { lostWords } from '../../../core/engines/mariadb/values/lost-words.ts';
import type { Server } from '../../../core/engines/mariadb/session.ts';
import type { MariadbTable } from '../../../core/engines/mariadb/tables.ts';
import { clientClaim } from '../../../core/engines/mariadb/restore/unfinished.ts';

const maria: Server = { product: 'MariaDB', version: '11.8.6', number: 110_806 };
const mysql: Server = { product: 'MySQL', version: '9.7.0', number: 90_700 };
const create = (name: string, lines: string[], tail = ' ENGINE=InnoDB') =>
  `CREATE TABLE \`${name}\` (\n  ${lines.join(',\n  ')}\n)${tail}`;
const table = (text: string, shown: string[] = [], silent: string[] = []) => ({
  definition: readTableDefinition(text),
  missing: { shown, silent },
});
const form = (text: string, lossy = true) => tableForms(readTableDefinition(text), lossy)[0];
/** What a dump of these tables becomes. */
const repaired = (tables: Record<string, ReturnType<typeof table>>, text: string, server = maria) => {
  const repair = repairing(repairsOf(new Map(Object.entries(tables)), server));
  return text
    .split(/(?<=\n)/)
    .map(repair)
    .join('');
};

test('keys and constraints in another order are the same table; columns in another order are not', () => {
  const [a, b] = ['`a` int NOT NULL', '`b` int NOT NULL'];
  const [k, l, c] = ['UNIQUE KEY `k` (`a`)', 'KEY `l` (`b`,`a`)', 'CONSTRAINT `c` CHECK (`a` > 0)'];

  expect(form(create('t', [a, b, k, l, c]))).toBe(form(create('t', [a, b, c, l, k])));
  expect(form(create('t', [a, b, k]))).not.toBe(form(create('t', [b, a, k])));
  expect(form(create('t', [a, b, k]))).not.toBe(form(create('t', [a, b, l])));
  expect(form(create('t', [a, b, l]))).not.toBe(form(create('t', [a, b, 'KEY `l` (`a`,`b`)'])));
  expect(form(create('t', [a, k], ' ENGINE=InnoDB AUTO_INCREMENT=5 ROW_FORMAT=FIXED'))).toBe(
    form(create('t', [a, k], ' ENGINE=InnoDB ROW_FORMAT=FIXED')),
  );
  expect(form(create('t', [a, k]))).not.toBe(form(create('t', [a, k], ' ENGINE=InnoDB ROW_FORMAT=FIXED')));
});

test('the text of backups from before is known, to the letter', () => {
  const definition = create('t', ['`a` int DEFAULT NULL', 'KEY `l` (`a`)', 'KEY `a` (`a`)'], ' AUTO_INCREMENT=5 X');

  expect(tableForms(readTableDefinition(definition), true)).toContain(definition.replace(' AUTO_INCREMENT=5', ''));
});

test('on MariaDB no default and DEFAULT NULL are told apart by an exception, nowhere else, and no other default is lost', () => {
  const text = "`a``b` int DEFAULT NULL COMMENT ' DEFAULT NULL' CHECK (`a` <> ' DEFAULT NULL')";
  const bare = text.replace('int DEFAULT NULL', 'int');

  expect(form(create('t', [text]))).toBe(form(create('t', [bare])));
  expect(form(create('t', [text]), false)).not.toBe(form(create('t', [bare]), false));
  expect(form(create('t', [text]))).not.toBe(
    form(create('t', [text.replace("COMMENT ' DEFAULT NULL'", "COMMENT ''")])),
  );
  expect(form(create('t', ['`a` int DEFAULT 1']))).not.toBe(form(create('t', ['`a` int'])));
});

test('a mark of tables with history is lost where there is none, and nowhere else', () => {
  const [marked, plain] = ['`a` int DEFAULT NULL WITHOUT SYSTEM VERSIONING', '`a` int DEFAULT NULL'];
  const history = ' ENGINE=InnoDB WITH SYSTEM VERSIONING';

  expect(form(create('t', [marked]))).toBe(form(create('t', [plain])));
  expect(form(create('t', [marked], history))).not.toBe(form(create('t', [plain], history)));
  expect(lostWords(new Map([['t', table(create('t', [marked]), ['a'])]]), maria)).toEqual([
    'column `t`.`a`: it has no default, and comes back with DEFAULT NULL',
    'column `t`.`a`: WITHOUT SYSTEM VERSIONING, which the table does not use, is gone',
  ]);
  expect(lostWords(new Map([['t', table(create('t', [marked], history))]]), maria)).toEqual([]);
  expect(lostWords(new Map([['t', table(create('t', [plain]), ['a'])]]), mysql)).toEqual([]);
});

test('words are read outside of names, texts and parentheses', () => {
  expect(outside("`NOT NULL` decimal(5,2) DEFAULT (concat('a', \"NOT NULL\")) COMMENT 'NOT NULL (' NOT NULL")).toBe(
    ' decimal DEFAULT  COMMENT  NOT NULL',
  );
});

test('a counter that may be NULL, and options that no engine knows, are written as a server takes them', () => {
  const lines = [
    "`b` int(11) AUTO_INCREMENT COMMENT ' AUTO_INCREMENT '",
    "`c` int /* `foo`='b*\\/ar''x' */ COMMENT '/* `a`=''b'' */'",
    'UNIQUE KEY `b` (`b`)',
  ];
  const text = create('t', lines, " ENGINE=InnoDB AUTO_INCREMENT=7 /* `x`='3' `y`='4' */");

  expect(repaired({ t: table(text) }, `${text};\n`)).toBe(
    `${text};\n`
      .replace('(11) AUTO_INCREMENT', '(11) AUTO_INCREMENT NULL')
      .replace("/* `foo`='b*\\/ar''x' */", "`foo`='b*/ar''x'")
      .replace("/* `x`='3' `y`='4' */", "`x`='3' `y`='4'"),
  );
  expect(repairsOf(new Map([['t', table(text)]]), maria).hasUnknownOptions).toBe(true);
  expect(repairsOf(new Map([['t', table(create('t', ["`a` int COMMENT '/* `a`=''b'' */'"]))]]), maria)).toMatchObject({
    hasUnknownOptions: false,
  });
  expect(repaired({ t: table(create('t', ['`b` int NOT NULL AUTO_INCREMENT'])) }, '  `b` int AUTO_INCREMENT,\n')).toBe(
    '  `b` int AUTO_INCREMENT,\n',
  );
});

test('MySQL drops the defaults behind a table, whose name may have any letters', () => {
  const text = create('té`t', ['`a` int', '`ü` text']);
  const bytes = (of: string) => Buffer.from(of).toString('latin1');

  expect(
    repaired(
      { 'té`t': table(text.replace('té`t', 'té``t'), ['a'], ['ü']) },
      bytes(`${text.replace('té`t', 'té``t')};\n-- end\n`),
      mysql,
    ),
  ).toBe(
    bytes(
      `${text.replace('té`t', 'té``t')};\nALTER TABLE \`té\`\`t\` ALTER COLUMN \`a\` DROP DEFAULT, ALTER COLUMN ` +
        `\`ü\` DROP DEFAULT;\n-- end\n`,
    ),
  );
});

test.each([
  ['its first columns', 'KEY `k` (`id`,`x`,`z`)', true],
  ['them in another case', 'UNIQUE KEY `k` (`ID`,`X`)', true],
  ['them downwards', 'PRIMARY KEY (`id` DESC,`x`)', true],
  ['them in another order', 'KEY `k` (`x`,`id`)', false],
  ['a part of one', 'KEY `k` (`id`,`x`(5))', false],
  ['fewer', 'KEY `k` (`id`)', false],
  ['words', 'FULLTEXT KEY `k` (`id`,`x`)', false],
])('a foreign key is served by an index of %s, or a helper is made: %s', (_, key, served) => {
  const parent = create('p', ['`id` int', '`x` int', key]);
  const child = create('c', [
    '`a` int',
    '`b` int',
    'KEY `k` (`a`,`b`)',
    'CONSTRAINT `f` FOREIGN KEY (`a`, `b`) REFERENCES `p` (`id`, `x`) ON DELETE CASCADE',
  ]);

  const text = repaired({ c: table(child), p: table(parent) }, `${child};\n${parent};\n-- end\n`);

  const helped =
    `${child};\n${parent.replace('(\n', '(\n  KEY `nightjar_key_1` (`id`,`x`),\n')};\nALTER TABLE \`p\` DROP KEY ` +
    `IF EXISTS \`nightjar_key_1\`;\n-- end\n`;
  expect(text).toBe(served ? `${child};\n${parent};\n-- end\n` : helped);
});

test('a helper goes when both tables are there, whichever comes first, and a key that the server adds goes at once', () => {
  const parent = create('a', ['`id` int']);
  const child = create('b', ['`x` int', 'CONSTRAINT `f` FOREIGN KEY (`x`) REFERENCES `a` (`id`)']);

  expect(repaired({ a: table(parent), b: table(child) }, `${parent};\n${child};\n`)).toBe(
    `${parent.replace('(\n', '(\n  KEY `nightjar_key_1` (`id`),\n')};\n${child};\nALTER TABLE \`b\` DROP KEY IF ` +
      `EXISTS \`f\`;\nALTER TABLE \`a\` DROP KEY IF EXISTS \`nightjar_key_1\`;\n`,
  );
});

test('a foreign key to a table that is not there, or of another database, asks for nothing', () => {
  const text = create('b', [
    '`x` int',
    'KEY (`x`)',
    'KEY `x` (`x`)',
    'CONSTRAINT `f` FOREIGN KEY (`x`) REFERENCES `gone` (`id`)',
    'CONSTRAINT `g` FOREIGN KEY (`x`) REFERENCES `other`.`t` (`id`)',
  ]);

  expect(repaired({ b: table(text) }, `${text};\n`)).toBe(`${text};\n`);
});

test.each([
  [
    "(concat(`d`,if(`d` > 1,convert(date_format(`d`,'%y') using utf8mb4),'' collate x)))",
    "(concat(`d`,if(`d` > 1,date_format(`d`,'%y'),'' collate x)))",
  ],
  ["(convert(concat(convert(hex(`a`) using latin1),')') using utf8mb4))", "(concat(hex(`a`),')'))"],
  ['(convert(`a` using latin1))', '(convert(`a` using latin1))'],
  [
    "COMMENT 'convert(hex(1) using latin1)' DEFAULT (`convert(`(1))",
    "COMMENT 'convert(hex(1) using latin1)' DEFAULT (`convert(`(1))",
  ],
  ['(convert(`a`,signed) + reconvert(1 using x)', '(convert(`a`,signed) + reconvert(1 using x)'],
])('of %s a conversion that the server has put in leaves, and nothing else', (text, without) => {
  expect(withoutConversions(text)).toBe(without);
});

test('a column is made as the foreign keys want it, and changed when all their tables are there', () => {
  const column = (name: string, whole: string, charset: string) => ({
    name,
    type: 'varchar',
    charset,
    collation: `${charset}_bin`,
    generated: false,
    whole,
    initial: '',
  });
  const of = (name: string, columns: ReturnType<typeof column>[]): MariadbTable => ({
    name,
    engine: 'InnoDB',
    bytes: 0,
    versioned: false,
    columns,
  });
  const parent = create('p', ["`id` varchar(9) NOT NULL COMMENT 'varchar(9)'", 'PRIMARY KEY (`id`)']);
  const child = (name: string) =>
    create(name, [
      '`x` varchar(20) CHARACTER SET latin1',
      'KEY `x` (`x`)',
      'CONSTRAINT `f` FOREIGN KEY (`x`) REFERENCES `p` (`id`)',
    ]);
  const all = { a: table(child('a')), p: table(parent), z: table(child('z')) };
  const columns = (charset: string) => [
    of('p', [column('id', 'varchar(9)', charset)]),
    ...['a', 'z'].map((name) => of(name, [column('x', 'varchar(20)', 'latin1')])),
  ];
  const dump = `${child('a')};\n${parent};\n${child('z')};\n`;
  const written = (charset: string) => {
    const repair = repairing(repairsOf(new Map(Object.entries(all)), mysql, columns(charset)));
    return dump
      .split(/(?<=\n)/)
      .map(repair)
      .join('');
  };

  expect(written('latin1')).toBe(dump);
  expect(written('utf8mb4')).toBe(
    `${dump.replace('varchar(9) NOT', 'varchar(9) CHARACTER SET latin1 COLLATE latin1_bin NOT')}ALTER TABLE ` +
      `\`p\` MODIFY \`id\` varchar(9) NOT NULL COMMENT 'varchar(9)';\n`,
  );
});

test('no mode that MySQL does not know stands in a dump that does not need it', () => {
  const line = "/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;\n";

  expect(takingEverything(line, false)).toContain("'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'");
  expect(takingEverything(line, true)).toContain('ALLOW_INVALID_DATES,IGNORE_BAD_TABLE_OPTIONS');
  expect(takingEverything(`-- ${line}`, true)).toBe(`-- ${line}`);
});

test('names that differ by letter case alone have one claim: a server that ignores case has one database for both', () => {
  expect(clientClaim('Shop', 1)).toBe(clientClaim('shop', 1));
  expect(clientClaim('shops', 1)).not.toBe(clientClaim('shop', 1));
});
