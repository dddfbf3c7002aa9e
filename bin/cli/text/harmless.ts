/**
 * What a terminal would obey instead of showing, except the newline: control characters, and marks that turn the
 * direction of text.
 */
const obeyed = /[^\P{Cc}\n]|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** A document as JSON that is safe for a terminal: JSON itself does not escape DEL, C1 controls and direction marks. */
export function harmlessJson(document: object): string {
  return JSON.stringify(document, undefined, 2).replace(
    obeyed,
    (character) => `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`,
  );
}
