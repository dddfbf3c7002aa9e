import { expect, test } from '@jest/globals';
import { hearArchive } from '../../../core/engines/postgres/restore/errors/restore-errors.ts';

const statement = "executing SELECT pg_catalog.set_config('search_path', '', false);";

test('what workers of pg_restore write into each other’s lines is no warning; what a server says is', () => {
  const heard = hearArchive();
  for (const line of [
    `pg_restore: ${statement}`,
    `pg_restore:pg_restore: ${statement}${statement}`,
    ` ${statement}`,
    'pg_restore: pg_restore: finished item 4213 INDEX late_at',
    'launching item 4214 INDEX late_by',
    'WARNING:  text search dictionaries are old',
  ]) {
    heard.hear(line);
  }
  expect(heard.warnings).toEqual(['WARNING:  text search dictionaries are old']);
  expect(heard.refusals).toEqual([]);
});
