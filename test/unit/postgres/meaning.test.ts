import { expect, test } from '@jest/globals';
import { meaningOf, meansTheSame } from '../../../core/engines/postgres/proof/meaning.ts';

const facts = '0123456789abcdef';
const definition = (...statements: string[]) => `${facts} ${JSON.stringify(statements)}`;
const check = (expression: string) => definition(`alter table t add CHECK (${expression})`);

/** What PostgreSQL 13 to 18 print of the same expression before and after a restore: copied from psql. */
test.each([
  [
    `((status)::text = ANY ((ARRAY['new'::character varying, 'paid'::character varying])::text[]))`,
    `((status)::text = ANY (ARRAY[('new'::character varying)::text, ('paid'::character varying)::text]))`,
  ],
  [
    `((other)::text <> ALL ((ARRAY['a'::character varying, 'b'::character varying])::text[]))`,
    `((other)::text <> ALL (ARRAY[('a'::character varying)::text, ('b'::character varying)::text]))`,
  ],
  [
    `(x = (ARRAY[ARRAY['a'::varchar], ARRAY['b'::varchar]])::text[])`,
    `(x = ARRAY[ARRAY[('a'::varchar)::text], ARRAY[('b'::varchar)::text]])`,
  ],
  [`(x = (ARRAY['a', 'b'])::varchar(10)[])`, `(x = ARRAY['a'::varchar(10), 'b'::varchar(10)])`],
  [`(((a >= 1) AND (a <= 2)) AND (b > 3))`, `((a >= 1) AND (a <= 2) AND (b > 3))`],
  [`((a >= 1) AND ((a <= 2) AND ((b > 3) AND c)))`, `((a >= 1) AND (a <= 2) AND (b > 3) AND c)`],
  [`((a OR b) OR (c OR d))`, `(a OR b OR c OR d)`],
  [`(a AND (b OR (c OR d)) AND e)`, `(a AND (b OR c OR d) AND e)`],
  [`EXISTS (SELECT FROM (a LEFT JOIN b ON TRUE))`, `EXISTS (SELECT FROM (a LEFT JOIN b ON (true)))`],
  [`a   >\n 1`, `(a > 1)`],
])('%s means %s', async (typed, restored) => {
  await expect(meansTheSame(check(typed), check(restored))).resolves.toBe(true);
});

test.each([
  ['AND and OR', `(a AND b)`, `(a OR b)`],
  ['what is within an OR', `(a OR (b AND c))`, `((a OR b) AND c)`],
  ['the reach of NOT', `NOT (a AND b)`, `((NOT a) AND b)`],
  ['two NOTs', `NOT (NOT a)`, `a`],
  ['an operand fewer', `(a AND b AND c)`, `(a AND b)`],
  ['an operand twice', `(a AND b)`, `(a AND b AND b)`],
  ['the order of operands', `(a <> 0 AND 1 / a > 1)`, `(1 / a > 1 AND a <> 0)`],
  ['precedence', `(a + (b * c))`, `((a + b) * c)`],
  ['the side of a minus', `((a - b) - c)`, `(a - (b - c))`],
  ['a constant', `(a > 1)`, `(a > 2)`],
  ['a sign', `(a > 1)`, `(a > -1)`],
  ['a text', `(a = 'new'::text)`, `(a = 'New'::text)`],
  ['a number and a text', `(a = 1)`, `(a = '1')`],
  ['an operator', `(a > 1)`, `(a >= 1)`],
  ['an operator’s schema', `(a OPERATOR(public.=) 1)`, `(a = 1)`],
  ['a cast', `((a)::text = 'x'::text)`, `((a)::character varying = 'x'::text)`],
  ['a cast that is gone', `((a)::integer > 1)`, `(a > 1)`],
  ['the length of a cast', `((a)::varchar(10) = b)`, `((a)::varchar(20) = b)`],
  ['a length that is gone', `((a)::varchar(10) = b)`, `((a)::varchar = b)`],
  ['the precision of a numeric', `((a)::numeric(10,2) = b)`, `((a)::numeric(10,3) = b)`],
  [
    'an array’s element',
    `(a = ANY ((ARRAY['x'::varchar, 'y'::varchar])::text[]))`,
    `(a = ANY (ARRAY[('x'::varchar)::text, ('z'::varchar)::text]))`,
  ],
  ['an array’s order', `(a = ARRAY[1, 2])`, `(a = ARRAY[2, 1])`],
  [
    'an element that is not cast',
    `(a = ANY ((ARRAY['x'::varchar, 'y'::varchar])::text[]))`,
    `(a = ANY (ARRAY[('x'::varchar)::text, 'y'::varchar]))`,
  ],
  ['the type of an array', `(a = ANY ((ARRAY['1'::varchar])::text[]))`, `(a = ANY ((ARRAY['1'::varchar])::integer[]))`],
  ['the length in an array', `(a = (ARRAY['x'])::varchar(10)[])`, `(a = (ARRAY['x'])::varchar(20)[])`],
  ['an array and its element', `(a = (ARRAY['x'])::text[])`, `(a = (ARRAY['x'])::text)`],
  ['an array that is empty', `(a = (ARRAY[])::text[])`, `(a = (ARRAY[])::integer[])`],
  ['ANY and ALL', `(a = ANY (ARRAY[1, 2]))`, `(a = ALL (ARRAY[1, 2]))`],
  ['a collation', `(a < 'z'::text COLLATE "C")`, `(a < 'z'::text)`],
  ['another column', `(a > 1)`, `(b > 1)`],
  ['a column’s case', `("A" > 1)`, `(a > 1)`],
  ['NULL and false', `(a IS NULL)`, `(a IS FALSE)`],
  ['LIKE and ILIKE', `(a ~~ 'x'::text)`, `(a ~~* 'x'::text)`],
  ['a branch of a CASE', `CASE WHEN a THEN 1 ELSE 2 END = 1`, `CASE WHEN a THEN 2 ELSE 1 END = 1`],
  ['a function', `(lower(a) = b)`, `(upper(a) = b)`],
  ['DISTINCT', `((SELECT count(*) FROM t) > 1)`, `((SELECT count(DISTINCT *) FROM t) > 1)`],
  ['NO INHERIT', `a > 1) NO INHERIT --`, `a > 1`],
])('another definition is another one: %s', async (_, one, other) => {
  await expect(meansTheSame(check(one), check(other))).resolves.toBe(false);
});

test.each([
  ['the kind of a join', `SELECT 1 FROM (a LEFT JOIN b ON (true))`, `SELECT 1 FROM (a JOIN b ON (true))`],
  ['a join that joins nothing', `SELECT 1 FROM (a LEFT JOIN b ON (true))`, `SELECT 1 FROM (a LEFT JOIN b ON (false))`],
  ['UNION and UNION ALL', `SELECT 1 UNION SELECT 2`, `SELECT 1 UNION ALL SELECT 2`],
  ['the order of rows', `SELECT a FROM t ORDER BY a`, `SELECT a FROM t ORDER BY a DESC`],
  ['a limit', `SELECT a FROM t LIMIT 1`, `SELECT a FROM t LIMIT 2`],
  [
    'a window',
    `SELECT sum(a) OVER (ORDER BY b) FROM t`,
    `SELECT sum(a) OVER (ORDER BY b ROWS UNBOUNDED PRECEDING) FROM t`,
  ],
  ['a name', `SELECT a AS b FROM t`, `SELECT a AS c FROM t`],
  ['a lock', `SELECT a FROM t`, `SELECT a FROM t FOR UPDATE`],
])('another view is another one: %s', async (_, one, other) => {
  await expect(
    meansTheSame(definition(`create view v as ${one}`), definition(`create view v as ${other}`)),
  ).resolves.toBe(false);
});

test('facts count to the letter, whatever the statements mean', async () => {
  const other = `fedcba9876543210 ${JSON.stringify(['select 1'])}`;

  await expect(meansTheSame(definition('select 1'), other)).resolves.toBe(false);
  await expect(meansTheSame(facts, facts.replace('0', '1'))).resolves.toBe(false);
});

test('each statement counts, and how many there are', async () => {
  await expect(meansTheSame(definition('select 1', 'select 2'), definition('select  1', 'select (2)'))).resolves.toBe(
    true,
  );
  await expect(meansTheSame(definition('select 1', 'select 2'), definition('select 2', 'select 1'))).resolves.toBe(
    false,
  );
  await expect(meansTheSame(definition('select 1', 'select 2'), definition('select 1'))).resolves.toBe(false);
});

test('what the parser does not understand is left undecided, even if it is alike', async () => {
  expect(await meaningOf('select (')).toBeUndefined();
  await expect(meansTheSame(definition('select ('), definition('select ('))).resolves.toBe(false);
});
