/** What breaks a line, or is obeyed by a terminal and not shown: control characters, line and paragraph separators, marks that turn the direction of text. */
const unshown = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
const short: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Text of any origin on one line: a name may hold whatever its database lets it, and must not look like another message, or another line of this one. */
export function oneLine(text: string): string {
  return text.replace(unshown, (character) => short[character] ?? escaped(character.codePointAt(0)!.toString(16)));
}

function escaped(code: string): string {
  return code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`;
}
