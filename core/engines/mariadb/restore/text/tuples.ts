import { bytesIn } from '../../../../pipeline/guard.ts';
import type { Rows } from '../../../../pipeline/guard.ts';

/** Functions that may make a value, as JSON_OBJECT makes one with decimals in it. */
const functions = /(?<![\w$.`])(?:JSON_OBJECT|JSON_ARRAY|CAST)$/;
const longestFunction = 16;
/** A JSON document has up to 100 levels, and its tuple and a CAST are added. */
const deepest = 102;

/** Between tuples, in one, after a dash in one, in a string, after a backslash in one; the rest needs a closer look. */
const states = { between: 0, inside: 1, dash: 2, string: 3, escaped: 4, open: 5, close: 6, end: 7, wrong: 8 } as const;
const { between, inside, dash, string, escaped, open, close, end, wrong } = states;

const usual = bytesIn('0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_+., ');
const special = bytesIn("'\\");

/** The next state, by state and byte. */
const next = new Uint8Array(8 * 256).fill(wrong);
set(between, ' \n,', between);
set(between, '(', open);
set(between, ';', end);
for (const from of [inside, dash]) {
  usual.forEach((is, byte) => is === 1 && (next[(from << 8) | byte] = inside));
  set(from, "'", string);
  set(from, '(', open);
  set(from, ')', close);
}
// two of them would begin a comment
set(inside, '-', dash);
next.fill(string, string << 8, (string << 8) + 256);
set(string, '\\', escaped);
set(string, "'", inside);
next.fill(string, escaped << 8, (escaped << 8) + 256);

function set(from: number, characters: string, to: number): void {
  bytesIn(characters).forEach((is, byte) => {
    if (is === 1) next[(from << 8) | byte] = to;
  });
}

/**
 * The tuples of an INSERT up to its `;`: numbers, words and strings, in no other parentheses than those of a few
 * functions.
 */
export function tuples(): Rows {
  let reached: number = between;
  let depth = 0;
  let before = '';
  return {
    take(text, from) {
      const { length } = text;
      let state = reached;
      for (let at = from; ; at += 1) {
        // most bytes change nothing, and need no look-up in the table of states
        if (state === string) while (at < length && special[text[at]!] === 0) at += 1;
        else if (state === inside) while (at < length && usual[text[at]!] === 1) at += 1;
        if (at >= length) break;
        state = next[(state << 8) | text[at]!]!;
        if (state <= escaped) continue;
        if (state === end) return { state: 'end', to: at + 1 };
        if (state === close) depth -= 1;
        else if (state === open && (depth === 0 || (depth < deepest && isFunction(text, from, at)))) depth += 1;
        else return { state: 'wrong', to: at, what: 'among rows what is no value' };
        state = depth === 0 ? between : inside;
      }
      reached = state;
      before = (before + text.toString('latin1', Math.max(from, length - longestFunction))).slice(-longestFunction);
      return { state: 'more', to: text.length };
    },
  };

  function isFunction(text: Buffer, from: number, at: number): boolean {
    const here = text.toString('latin1', Math.max(from, at - longestFunction), at);
    return functions.test(here.length < longestFunction ? before + here : here);
  }
}
