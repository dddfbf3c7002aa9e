/**
 * SQL that gives a whole number from 0 up to, not including, `below`: always the same for the same `of` (a bigint) and
 * seed.
 */
export function upTo(below: number | string, seed: number, of = 'n'): string {
  return `((hashint8extended(${of}, ${seed}) & 2147483647) % ${below})`;
}

/** SQL that gives one of the words. */
export function oneOf(words: readonly string[], seed: number, of = 'n'): string {
  return `(array[${words.map(literal).join(',')}])[1 + ${upTo(words.length, seed, of)}]`;
}

/** SQL that gives a number from 1 to `count`; low ones come often, as bestsellers and regular customers do. */
export function popular(count: number, seed: number, of = 'n'): string {
  return `(1 + floor(power(${upTo(1_000_003, seed, of)} / 1000003.0::float8, 2.2) * ${count})::bigint)`;
}

/** SQL that gives `value` for so many of a hundred, else NULL. */
export function sometimes(percent: number, seed: number, value: string, of = 'n'): string {
  return `case when ${upTo(100, seed, of)} < ${percent} then ${value} end`;
}

/** SQL that gives 32 hex digits. */
export function token(salt: string, of = 'n'): string {
  return `md5('${salt}' || ${of})`;
}

/** Text as an SQL literal. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
