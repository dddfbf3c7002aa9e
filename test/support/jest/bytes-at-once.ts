import { expect } from '@jest/globals';

// Before the tests of a file (jest.config.mjs): equal bytes are found equal by the platform. Jest compares them one by
// one, and a part of a backup has millions; where they differ, it still does, and shows where.
expect.addEqualityTesters([
  (one: unknown, other: unknown) =>
    one instanceof Uint8Array &&
    other instanceof Uint8Array &&
    Object.getPrototypeOf(one) === Object.getPrototypeOf(other) &&
    Buffer.compare(one, other) === 0
      ? true
      : undefined,
]);
