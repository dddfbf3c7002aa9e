import { expect, test } from '@jest/globals';
import type { Engine, Json, PlannedPart } from '../../../core/ports.ts';
import { asJson } from '../../support/elsewhere/as-json.ts';
import { elsewhere } from '../../support/elsewhere/elsewhere.ts';
import { makePart } from '../../support/parts.ts';

const part: PlannedPart = {
  role: 'data',
  file: 'data/0001.sql',
  compress: true,
  estimatedBytes: 1,
  hasRows: true,
  recipe: { tables: [{ name: 'ü\u0000\ud800', isLarge: true, from: 0.1, comment: null }] },
};
const engine = { name: 'postgres', open: () => ({ content: [], notes: async () => ({ heard: [] }) }) } as object;

// what a part may not hold; the compiler refuses each of them
const lost: [string, Json][] = [
  // @ts-expect-error
  ['a moment', new Date(0)],
  // @ts-expect-error
  ['a large number', 1n],
  // @ts-expect-error
  ['nothing', undefined],
  // @ts-expect-error
  ['bytes', Buffer.from('rows')],
  // @ts-expect-error
  ['a function', () => 'rows'],
  // @ts-expect-error
  ['a map', new Map([['goods', 1]])],
  // @ts-expect-error
  ['a set', new Set(['goods'])],
];

test.each([...lost, ['a number that JSON has no word for', Infinity]])(
  'a part that holds %s is no value that another process can be handed',
  async (_, value) => {
    for (const recipe of [value, [value], { print: 'rows', tables: [{ name: 'goods', value }] }]) {
      const spoilt = { ...part, recipe: recipe as Json };

      expect(() => asJson(spoilt)).toThrow();
      expect(() => elsewhere(engine as Engine, {} as never, []).open(spoilt, AbortSignal.timeout(1000))).toThrow();
      await expect(makePart(engine as Engine, spoilt)).rejects.toThrow();
    }
  },
);

test('a part of plain values is the same behind JSON, whatever its names are', async () => {
  expect(JSON.parse(asJson(part))).toEqual(part);
  await expect(makePart(engine as Engine, part)).resolves.toMatchObject({ notes: { heard: [] } });
});
