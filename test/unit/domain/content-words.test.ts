import { expect, test } from '@jest/globals';
import { databaseWords, folderWords, globalsWords, imageWords, wholeOf } from '../../../core/domain/content-words.ts';
import { sweptDocument } from '../../../core/domain/retention/swept.ts';

test('a source is called by what it is, and a database where nothing says so', () => {
  expect([{}, { words: databaseWords }, { words: folderWords }, { words: imageWords }].map(wholeOf)).toEqual([
    'database',
    'database',
    'folder',
    'OCI image',
  ]);
  expect(globalsWords('role')).toEqual({ whole: 'set of roles', table: 'server', row: 'role' });
  expect([databaseWords, folderWords, imageWords].map(({ table, row }) => `${row}s of a ${table}`)).toEqual([
    'rows of a table',
    'files of a folder',
    'layers of a platform',
  ]);
});

test('what was swept is told by number, and packs where there are some', () => {
  const swept = { state: 'swept' as never, objects: 3, uploads: 1, bytes: 70 };

  expect(sweptDocument(swept)).toStrictEqual(swept);
  expect(sweptDocument({ ...swept, packs: { keys: ['a', 'b'], bytes: 5 } })).toStrictEqual({
    ...swept,
    packs: { count: 2, bytes: 5 },
  });
});
