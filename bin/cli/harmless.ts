/** What a terminal would obey and not show: control characters but the newline, and marks that turn the direction of text. */
const obeyed = /[^\P{Cc}\n]|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** Text of any origin (a name in a manifest, words of a server) as a terminal may get it: what it would obey is written out, `\x1b`. */
export function harmless(text: string): string {
  return text.replace(obeyed, (character) => {
    const code = character.codePointAt(0)!.toString(16);
    return code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`;
  });
}

/** A document as JSON that a terminal may get, too: JSON itself leaves DEL, C1 controls and marks of direction as they are. */
export function harmlessJson(document: object): string {
  return JSON.stringify(document, undefined, 2).replace(obeyed, (character) => `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`);
}
