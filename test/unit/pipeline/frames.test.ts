import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { newFrames } from '../../../core/pipeline/rows/frames.ts';
import { afterRows, message, notification, row, rowsFollow, said, setting } from '../../support/postgres-messages.ts';
import { draws } from '../../support/random/draws.ts';
import { chunksOf } from './rows-oracle.ts';

/** What is taken of `messages` cut into chunks of these lengths. */
function taken(messages: Uint8Array, lengths: readonly number[]): { rows: string; rest: Buffer | undefined } {
  const frames = newFrames();
  const rows: Buffer[] = [];
  for (const chunk of chunksOf(messages, lengths))
    for (const piece of frames.take(chunk)) rows.push(Buffer.from(piece));
  return { rows: Buffer.concat(rows).toString('latin1'), rest: frames.rest() };
}

const notice = said('N', 'NOTICE', '00000', 'd\0\0\0\x05x is no row');
const shown = 'd\0\0\0\x06\\N\t\\\\.\n';
const answer = Buffer.concat([
  rowsFollow,
  row('1\ta\n'),
  notice,
  row(shown),
  row(''),
  setting('TimeZone', 'UTC'),
  notification,
  row('c\n'),
]);

test('rows are the same wherever the answer is cut, and what follows them is left as it came', () => {
  for (let first = 0; first <= answer.length; first += 1) {
    const cut = taken(Buffer.concat([answer, afterRows]), [first, 7, answer.length]);
    expect(cut).toEqual({ rows: `1\ta\n${shown}c\n`, rest: afterRows });
  }
  expect(taken(Buffer.concat([answer, afterRows]), [1]).rest).toEqual(afterRows);
});

test('an error ends the rows, and so does any other message', () => {
  const error = said('E', 'ERROR', 'XX001', 'invalid page in block 3');

  const failed = taken(Buffer.concat([rowsFollow, row('1\n'), error, message('Z', 'I')]), [3]);
  const other = taken(Buffer.concat([row('1\n'), message('T', 'a')]), [100]);

  expect(failed).toEqual({ rows: '1\n', rest: Buffer.concat([error, message('Z', 'I')]) });
  expect(other).toEqual({ rows: '1\n', rest: message('T', 'a') });
});

test('while rows may still come, nothing is left over', () => {
  expect(taken(answer, [1000])).toEqual({ rows: `1\ta\n${shown}c\n`, rest: undefined });
  expect(taken(answer.subarray(0, -1), [1000]).rest).toBeUndefined();
});

test('a length that can’t be is no row', () => {
  const broken = Buffer.from('d\0\0\0\x03abc', 'latin1');

  expect(taken(Buffer.concat([row('1\n'), broken]), [50])).toEqual({ rows: '1\n', rest: broken });
});

test('rows and notices of any length, cut into any chunks, are put together again', () => {
  const text = fc.string({ maxLength: 40 });
  const long = fc.integer({ min: 60_000, max: 200_000 }).map((length) => 'n'.repeat(length));
  const one = fc.record({ isRow: fc.boolean(), content: fc.oneof({ weight: 9, arbitrary: text }, long) });
  const lengths = fc.array(fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 60_000, max: 140_000 })), {
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(
    fc.property(fc.array(one, { maxLength: 12 }), lengths, (all, cuts) => {
      const messages = all.map(({ isRow, content }) => (isRow ? row(content) : said('N', 'NOTICE', '0', content)));
      const { rows, rest } = taken(Buffer.concat([...messages, afterRows]), cuts);
      const expected = all.filter(({ isRow }) => isRow).map(({ content }) => content);
      return rows === Buffer.from(expected.join('')).toString('latin1') && rest?.equals(afterRows) === true;
    }),
    draws(100),
  );
});
