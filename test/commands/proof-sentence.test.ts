import { expect, test } from '@jest/globals';
import { proofSentence } from '../../core/commands/prove.ts';

const proof = { tables: 2, rows: 31, objects: 4, definitions: true, exceptions: [], differences: [] };

test('a proof of a backup that holds all as the source did excepts nothing', () => {
  expect(proofSentence(proof)).toBe('proven equal: 2 tables, 31 rows, 4 definitions');
});

test('what a backup never held as the source did is excepted in its proof', () => {
  const sentence = proofSentence({ ...proof, exceptions: ['column `t`.`f`: 12 values lose digits', 'event `e`: its comment'] });

  expect(sentence).toBe('proven equal, except column `t`.`f`: 12 values lose digits; event `e`: its comment: 2 tables, 31 rows, 4 definitions');
});
