/**
 * A number without an exponent that has a fraction or is long, so that MySQL may have printed it from a DECIMAL. It may
 * also be in a string.
 */
const candidates = /(?<=[\s[':,]|^)-?(?:\d+\.\d+|\d{19,})(?![\w.])/g;
const token = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|true|false|null|[[\]{},:]/y;
const unescaped: Readonly<Record<string, string>> = { 0: '\0', n: '\n', r: '\r', Z: '\x1a' };
const escaped: Readonly<Record<string, string>> = { '\0': '\\0', '\n': '\\n', '\r': '\\r', '\x1a': '\\Z' };
const integers = { least: -(2n ** 63n), largest: 2n ** 64n - 1n };

/**
 * A MySQL JSON document (a string as SQL writes it, one character per byte) in a form that keeps its DECIMAL numbers:
 * MySQL prints `1.10` and reads it as a DOUBLE, 1.1, but JSON_ARRAY(1.10) as the DECIMAL. Documents without such
 * numbers are unchanged.
 */
export function keepDecimals(value: string): string {
  if (!value.startsWith("'") || !value.match(candidates)?.some(isDecimal)) return value;
  const text = value.slice(1, -1).replace(/\\([^])/g, (_, character: string) => unescaped[character] ?? character);
  const reader = { text, at: 0 };
  const document = node(reader);
  if (!document.decimals) return value;
  return isDecimal(text) ? `CAST(${text} AS JSON)` : document.sql();
}

type DecimalReader = { text: string; at: number };
/** A part of a document: whether it has DECIMALs, and how SQL makes it. */
type JsonNode = { decimals: boolean; sql(): string };

function node(reader: DecimalReader): JsonNode {
  const first = next(reader);
  const from = reader.at - first.length;
  if (first !== '{' && first !== '[')
    return { decimals: isDecimal(first), sql: () => (isDecimal(first) ? first : asJson(first)) };
  const parts = first === '{' ? members(reader) : elements(reader);
  const to = reader.at;
  const decimals = parts.some((part) => part.decimals);
  const name = first === '{' ? 'JSON_OBJECT' : 'JSON_ARRAY';
  return {
    decimals,
    sql: () =>
      decimals ? `${name}(${parts.map((part) => part.sql()).join(',')})` : asJson(reader.text.slice(from, to)),
  };
}

function elements(reader: DecimalReader): JsonNode[] {
  const found: JsonNode[] = [];
  if (peek(reader) === ']') return (next(reader), found);
  do found.push(node(reader));
  while (next(reader) === ',');
  return found;
}

function members(reader: DecimalReader): JsonNode[] {
  const found: JsonNode[] = [];
  if (peek(reader) === '}') return (next(reader), found);
  do {
    const key = JSON.parse(next(reader)) as string;
    next(reader);
    const value = node(reader);
    found.push({ decimals: value.decimals, sql: () => `${quoted(key)},${value.sql()}` });
  } while (next(reader) === ',');
  return found;
}

function peek(reader: DecimalReader): string {
  const { at } = reader;
  const found = next(reader);
  reader.at = at;
  return found;
}

function next(reader: DecimalReader): string {
  while (reader.text[reader.at] === ' ') reader.at += 1;
  token.lastIndex = reader.at;
  const [found = ''] = token.exec(reader.text) ?? [];
  reader.at += found.length;
  return found;
}

/**
 * Whether MySQL can have printed this number only from a DECIMAL: a DOUBLE has the fewest digits that identify it, and
 * an exponent from 1e15 and below 1e-15.
 */
function isDecimal(text: string): boolean {
  if (!/^-?\d+(\.\d+)?$/.test(text)) return false;
  if (!text.includes('.')) return BigInt(text) < integers.least || BigInt(text) > integers.largest;
  const plain = text.endsWith('.0') ? text.slice(0, -2) : text;
  const double = Number(text);
  const size = Math.abs(double);
  // JavaScript writes the same digits, and no exponent from 1e-6 to 1e21
  if (size >= 1e-6 && size < 1e15) return String(double) !== plain;
  if (size === 0) return plain !== '0' && plain !== '-0';
  return size < 1e-15 || plain !== text || digitsOf(plain) !== digitsOf(double.toExponential().replace(/e.*/, ''));
}

function digitsOf(number: string): string {
  return number.replace(/[-.]/g, '').replace(/^0+/, '');
}

function asJson(text: string): string {
  return `CAST(${quoted(text)} AS JSON)`;
}

function quoted(text: string): string {
  return `'${text.replace(/[\0\n\r\x1a\\'"]/g, (character) => escaped[character] ?? `\\${character}`)}'`;
}
