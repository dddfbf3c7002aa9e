import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { deedNames, lonelyNames } from './interleavings/deeds.ts';
import type { Deed } from './interleavings/deeds.ts';
import { ground } from './interleavings/ground.ts';
import type { Script } from './interleavings/ground.ts';

/** More of them, or others: NIGHTJAR_INTERLEAVINGS=1000 NIGHTJAR_SEED=7 NIGHTJAR_MAJOR=18. */
const [numRuns, seed, major] = ['INTERLEAVINGS', 'SEED', 'MAJOR'].map((name) =>
  Number(process.env[`NIGHTJAR_${name}`] ?? NaN),
);
let place: Awaited<ReturnType<typeof ground>>;

beforeAll(async () => {
  place = await ground((major || 17) as 13 | 15 | 17 | 18);
}, 1_200_000);

afterAll(() => place?.stop());

const deed = (names: Deed['what'][]): fc.Arbitrary<Deed> =>
  fc.record({ what: fc.constantFrom(...names), a: fc.nat(99), b: fc.nat(99) });
// most happens between the first question and the last lock
const at = fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0.1, max: 0.35, noNaN: true }));
const patienceMs = fc.constantFrom(20, 200, 2000);
const by = fc.constantFrom<0 | 1>(0, 1);
const transaction = fc.record({
  at,
  by,
  patienceMs,
  deeds: fc.array(deed(deedNames), { minLength: 1, maxLength: 4 }),
  openMs: fc.constantFrom(0, 0, 0, 100),
});
const alone = fc.record({
  at,
  by,
  patienceMs,
  deeds: fc.tuple(deed(lonelyNames)),
  openMs: fc.constant(0),
  alone: fc.constant(true),
});
const script: fc.Arbitrary<Script> = fc.array(
  fc.oneof({ weight: 9, arbitrary: transaction }, { weight: 1, arbitrary: alone }),
  { minLength: 1, maxLength: 5 },
);

test('undisturbed, a stock restore of a backup is what the server itself says of the source', async () => {
  await expect(place.measure()).resolves.toEqual({ kind: 'complete', moment: 0, differs: '' });
});

test('whatever two other sessions do, at each message of a backup: it equals one moment, or is refused', async () => {
  const endings: string[] = [];
  const faults: unknown[] = [];
  for (const each of fc.sample(script, { numRuns: numRuns || 15, seed: seed || 11 })) {
    const { ending, done, states } = await place.play(each);
    const isRight =
      ending.kind === 'complete' ? ending.differs === '' : ['source-changed', 'lock-timeout'].includes(ending.code);
    if (!isRight) faults.push({ ending, done, script: JSON.stringify(each) });
    endings.push(
      ending.kind === 'complete'
        ? `complete, of moment ${ending.moment === 0 ? 'first' : ending.moment === states - 1 ? 'last' : 'between'}`
        : ending.code,
    );
  }

  if (numRuns)
    console.log(
      Object.fromEntries(
        Object.entries(Object.groupBy(endings, (ending) => ending)).map(([ending, found]) => [ending, found!.length]),
      ),
    );
  expect(faults).toEqual([]);
  expect(new Set(endings).size).toBeGreaterThan(1);
}, 86_400_000);
