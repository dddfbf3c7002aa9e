/** A number of bytes. */
export type Bytes = number;

const byteUnits = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** `1536000` as `1.5 MB`: decimal units, three significant digits, at most seven characters. */
export function formatBytes(bytes: Bytes): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < byteUnits.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : significant(value)} ${byteUnits[unit]}`;
}

/** Milliseconds as a person says them: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function formatDuration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return pair(whole, 60, 'min', 's');
  if (whole < 86_400) return pair(Math.round(whole / 60), 60, 'h', 'min');
  return pair(Math.round(whole / 3600), 24, 'd', 'h');
}

/** `1234567` as `1,234,567`, without `toLocaleString`, whose first call takes 10 ms (docs/performance.md). */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `3 tables`, `1 index`, `2 indexes`. */
export function plural(count: number, noun: string): string {
  const ending = count === 1 ? '' : /(s|x|ch)$/.test(noun) ? 'es' : /[^aeiou]y$/.test(noun) ? 'ies' : 's';
  return `${formatCount(count)} ${ending === 'ies' ? noun.slice(0, -1) : noun}${ending}`;
}

/** The median; of an even count the lower middle one; undefined if there are no numbers. */
export function medianOf(numbers: readonly number[]): number | undefined {
  return numbers.toSorted((a, b) => a - b)[Math.ceil(numbers.length / 2) - 1];
}

function pair(value: number, base: number, big: string, small: string): string {
  const rest = value % base;
  return `${Math.floor(value / base)} ${big}${rest === 0 ? '' : ` ${rest} ${small}`}`;
}

function significant(value: number): string {
  return value >= 99.95 ? value.toFixed(0) : value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
}
