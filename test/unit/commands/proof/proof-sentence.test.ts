import { expect, test } from '@jest/globals';
import { proofSentence } from '../../../../core/commands/proof/prove.ts';

const proof = { tables: 2, rows: 31, objects: 4, definitions: true, ways: {}, exceptions: [], differences: [] };

test('a proof of a backup that holds all as the source did excepts nothing', () => {
  expect(proofSentence(proof)).toBe('proven equal: 2 tables, 31 rows, 4 definitions');
});

test('what a backup never held as the source did is excepted in its proof', () => {
  const sentence = proofSentence({
    ...proof,
    exceptions: ['column `t`.`f`: 12 values lose digits', 'event `e`: its comment'],
  });

  expect(sentence).toBe(
    'proven equal, except column `t`.`f`: 12 values lose digits; event `e`: its comment: 2 tables, 31 rows, 4 ' +
      'definitions',
  );
});

test('how definitions were compared that are printed differently is said', () => {
  expect(
    proofSentence({ ...proof, objects: 1158, ways: { 'by meaning': 1006, 'by what the archive makes here': 2 } }),
  ).toBe('proven equal: 2 tables, 31 rows, 1,158 definitions (1,006 by meaning, 2 by what the archive makes here)');
});
