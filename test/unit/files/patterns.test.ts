import { expect, test } from '@jest/globals';
import { files } from '../../../core/engines/files/descriptor.ts';
import { matching } from '../../../core/engines/files/patterns.ts';

test.each(['[!a].txt', '[^a].txt', '[[:digit:]]z', 'q[]]', '[\\]]k', '[!]]m'])(
  'the pattern %s, which would leave out other files than git does, is refused',
  (pattern) => {
    const read = files.schema.safeParse({ path: './media', exclude: [pattern] });

    expect(read.success).toBe(false);
    expect(read.error?.issues).toMatchObject([{ path: ['exclude', 0], message: expect.stringContaining('git') }]);
  },
);

test.each([
  ['*.py[co]', ['a.pyc', 'b.pyo'], ['a.py']],
  ['[a-c]x', ['bx'], ['dx', 'x']],
  ['\\[!a]', ['[!a]'], ['b']],
])('the pattern %s is taken, and means what it means to git', (pattern, ignored, kept) => {
  expect(files.schema.safeParse({ path: './media', exclude: [pattern] }).success).toBe(true);
  const isIgnored = matching([pattern]);
  expect([ignored.filter(isIgnored), kept.filter(isIgnored)]).toEqual([ignored, []]);
});
