import { mysqlLiteral } from '../../servers/identity.ts';

/** SQL that gives a whole number from 0 up to, not including, `below`: always the same for the same `of` and seed. */
export function upTo(below: number | string, seed: number, of = 'n'): string {
  return `((crc32(${of}) * ${multiplier(seed)} >> 24) % ${below})`;
}

/** SQL that gives one of the words. */
export function oneOf(words: readonly string[], seed: number, of = 'n'): string {
  return `elt(1 + ${upTo(words.length, seed, of)}, ${words.map(mysqlLiteral).join(',')})`;
}

/** SQL that gives a number from 1 to `count`; low ones come often, as bestsellers and regular customers do. */
export function popular(count: number, seed: number, of = 'n'): string {
  return `(1 + floor(power(${upTo(1_000_003, seed, of)} / 1000003e0, 2.2e0) * ${count}))`;
}

/** SQL that gives `value` for so many of a hundred, else NULL. */
export function sometimes(percent: number, seed: number, value: string, of = 'n'): string {
  return `if(${upTo(100, seed, of)} < ${percent}, ${value}, null)`;
}

/** SQL that gives 32 hex digits. */
export function token(salt: string, of = 'n'): string {
  return `md5(concat('${salt}', ${of}))`;
}

/** Odd and of at most 31 bits: times a CRC-32, it stays below 2^63. */
function multiplier(seed: number): number {
  return (Math.imul(seed + 1, 0x9e3779b1) >>> 1) | 1;
}
