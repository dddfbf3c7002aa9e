import { expect, test } from '@jest/globals';
import { serverWords } from '../../../core/engines/postgres/restore/errors/server-words.ts';

const said = (code: string, message: string, statement: string, routine?: string) =>
  serverWords({ code, message, routine }, statement);

test.each([
  ['42P01', 'relation "ordres" does not exist', 'select count(*) > 0 from Ordres'],
  ['42703', 'column "totl" of relation "orders" does not exist', 'select totl > 0 from orders'],
  ['25006', 'cannot execute DELETE in a read-only transaction', 'select purge()'],
])('%s: what stands in the statement is shown', (code, message, statement) => {
  expect(said(code, message, statement)).toBe(message);
});

test.each([
  ['42P01', 'relation "hunter2" does not exist', undefined],
  ['42P01', 'relation "note"hunter2" does not exist', undefined],
  ['42883', 'operator does not exist: hunter2', undefined],
  ['42P01', 'Relation »hunter2« existiert nicht', undefined],
  ['42501', 'hunter2', 'exec_stmt_raise'],
  ['22P02', 'invalid input syntax for type integer: "note"', undefined],
])('%s: a value of a row is not (%s)', (code, message, routine) => {
  const words = said(code, message, 'select note::regclass is null from orders', routine);

  expect(words).toMatch(new RegExp(`^the server's error ${code}`));
  expect(words).not.toContain('hunter2');
});
