/** Latin1 text that grows at its end, and is cut by setting `length`. */
export type Text = {
  length: number;
  /** Takes bytes[from, to) and returns how many there are. */
  append(bytes: Buffer, from: number, to: number): number;
  last(): number | undefined;
  /** Whether it ends with `word`, apart from white space. */
  endsWithWord(word: string): boolean;
  toString(): string;
};

const initialBytes = 256;
const longestSpace = 8;

/** An empty text. Alternately appending to a string and looking at it would copy the whole string each time. */
export function newText(): Text {
  let bytes = Buffer.alloc(initialBytes);
  return {
    length: 0,
    append(source, from, to) {
      const count = Math.max(0, to - from);
      if (this.length + count > bytes.length)
        bytes = Buffer.concat([bytes], Math.max(bytes.length * 2, this.length + count));
      source.copy(bytes, this.length, from, from + count);
      this.length += count;
      return count;
    },
    last() {
      return this.length === 0 ? undefined : bytes[this.length - 1];
    },
    endsWithWord(word) {
      return bytes
        .toString('latin1', Math.max(0, this.length - word.length - longestSpace), this.length)
        .trimEnd()
        .endsWith(word);
    },
    toString() {
      return bytes.toString('latin1', 0, this.length);
    },
  };
}
