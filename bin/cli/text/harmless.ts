/**
 * What a terminal would obey and not show, but the newline: control characters, and marks that turn the direction of
 * text.
 */
const obeyed = /[^\P{Cc}\n]|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/**
 * A document as JSON that a terminal may get: JSON itself leaves DEL, C1 controls and marks of direction as they are.
 */
export function harmlessJson(document: object): string {
  return JSON.stringify(document, undefined, 2).replace(
    obeyed,
    (character) => `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`,
  );
}
