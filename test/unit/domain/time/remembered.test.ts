import { expect, test } from '@jest/globals';
import { remembered } from '../../../../core/domain/time/remembered.ts';

test('an answer is worked out once for what is given, nothing is an answer too, and a failure is none', () => {
  const asked: unknown[] = [];
  const answer = remembered((text: string, number: number) => {
    asked.push([text, number]);
    if (asked.length === 1) throw new Error('not yet');
    return text === '' ? undefined : text.repeat(number);
  });

  expect(() => answer('a', 1)).toThrow('not yet');
  expect([answer('a', 1), answer('a', 11), answer('a1', 1), answer('', 0), answer('', 0), answer('a', 1)]).toEqual([
    'a',
    'a'.repeat(11),
    'a1',
    undefined,
    undefined,
    'a',
  ]);
  expect(asked).toEqual([
    ['a', 1],
    ['a', 1],
    ['a', 11],
    ['a1', 1],
    ['', 0],
  ]);
});

test('no more than so many answers are remembered: then all are forgotten, and each is worked out anew', () => {
  const asked: number[] = [];
  const answer = remembered((number: number) => asked.push(number), 2);

  for (const number of [1, 2, 1, 2, 3, 3, 1, 2]) answer(number);

  expect(asked).toEqual([1, 2, 3, 1, 2]);
});
