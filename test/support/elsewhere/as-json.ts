import { deepStrictEqual } from 'node:assert';

/** A value as JSON; throws unless JSON gives back exactly the same value. */
export function asJson(value: unknown): string {
  const text = JSON.stringify(value);
  deepStrictEqual(JSON.parse(text), value);
  return text;
}
