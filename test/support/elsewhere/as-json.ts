import { deepStrictEqual } from 'node:assert';

/** A value as JSON, of which nothing is lost on the way: throws unless JSON gives back the very same. */
export function asJson(value: unknown): string {
  const text = JSON.stringify(value);
  deepStrictEqual(JSON.parse(text), value);
  return text;
}
