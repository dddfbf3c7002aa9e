import fc from 'fast-check';

/**
 * How many cases a property is tried with: all of them in a whole run, a fifth in the fast lane (jest.fast.config.mjs).
 * Each run draws others.
 */
export function draws(wholeRun: number): { numRuns: number } {
  return { numRuns: process.env['NIGHTJAR_TESTS'] === 'fast' ? Math.ceil(wholeRun / 5) : wholeRun };
}

/** What a whole run tries all of, and the fast lane a fifth. */
export function ofAll<T>(all: readonly T[]): readonly T[] {
  return process.env['NIGHTJAR_TESTS'] === 'fast' ? all.filter((_, index) => index % 5 === 0) : all;
}

const character = fc
  .oneof(
    fc.integer({ min: 0, max: 0x7f }),
    fc.integer({ min: 0, max: 0xd7ff }),
    fc.integer({ min: 0xe000, max: 0x10ffff }),
  )
  .map((code) => String.fromCodePoint(code));

/** A text of any characters. fast-check's own unit for that lists all of them first, which takes a second. */
export function anyText(shape: { minLength?: number } = {}): fc.Arbitrary<string> {
  return fc.string({ ...shape, unit: character });
}
