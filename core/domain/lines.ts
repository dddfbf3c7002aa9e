/**
 * What breaks a line or controls a terminal: control characters, line separators, marks that turn the direction of
 * text.
 */
const breaking = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
const short: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** A text with names from a database as one line: what would break it is escaped. A name may hold anything. */
export function oneLine(text: string): string {
  return text.replace(breaking, (character) => short[character] ?? escaped(character.codePointAt(0)!.toString(16)));
}

function escaped(code: string): string {
  return code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`;
}

/** The first of many lines, and one that says how many more there are. */
export function firstLines(lines: readonly string[], most: number): string[] {
  return lines.length > most ? [...lines.slice(0, most), `and ${lines.length - most} more`] : [...lines];
}

/** The same in one sentence. */
export function firstOf(lines: readonly string[], most: number): string {
  return `${lines.slice(0, most).join('; ')}${lines.length > most ? `, and ${lines.length - most} more` : ''}`;
}

/** The first of many names, in one sentence. */
export function fewNames(names: readonly string[], most = 5): string {
  return `${names.slice(0, most).join(', ')}${names.length > most ? `, and ${names.length - most} more` : ''}`;
}

/** A name as a list of YAML takes it. */
export function inYaml(name: string): string {
  const isPlain = /^[A-Za-z_][\w.-]*$/.test(name) && !/^(true|false|null)$/i.test(name);
  return isPlain ? name : JSON.stringify(name);
}
