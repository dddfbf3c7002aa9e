import type { CatalogEntry } from './catalog.ts';

const pieceLength = 256 * 1024;

/**
 * A catalog as JSON, `{"file":{"a":"…"}}`, in pieces. Objects of the first kind are written at once; those of other
 * kinds are held until then.
 */
export function* catalogText(entries: Iterable<CatalogEntry>): Iterable<string> {
  const others = new Map<string, string[]>();
  let first: string | undefined;
  let piece = '{';
  for (const { kind, name, text } of entries) {
    const said = `${JSON.stringify(name)}:${JSON.stringify(text)}`;
    if (kind === first) piece += `,${said}`;
    else if (first === undefined) piece += `${JSON.stringify(kind)}:{${said}`;
    else others.set(kind, withOne(others.get(kind), said));
    first ??= kind;
    if (piece.length < pieceLength) continue;
    yield piece;
    piece = '';
  }
  yield first === undefined ? piece : `${piece}}`;
  for (const [kind, held] of others) {
    yield `,${JSON.stringify(kind)}:{`;
    yield* held.map((one, at) => (at === 0 ? one : `,${one}`));
    yield '}';
  }
  yield '}';
}

/** A few long texts take less memory than many short ones. */
function withOne(held: string[] = [], said: string): string[] {
  const last = held.at(-1);
  if (last === undefined || last.length > pieceLength) held.push(said);
  else held[held.length - 1] = `${last},${said}`;
  return held;
}

/** Parses that JSON, in chunks cut anywhere. */
export type CatalogParser = {
  /** Throws if it is no catalog. */
  write(chunk: Uint8Array): void;
  /** Throws if the end is missing. */
  end(): void;
};

/** Receives each object of a catalog, in order; throws at one that may not be in it. */
export type CatalogTaker = (entry: CatalogEntry) => void;

/** What may follow: the next state for each mark, and `text`: the state after a text. */
type State = { marks: Readonly<Record<string, keyof typeof states>>; text?: keyof typeof states };
const states = {
  start: { marks: { '{': 'firstKind' } },
  firstKind: { marks: { '}': 'end' }, text: 'kind' },
  nextKind: { marks: {}, text: 'kind' },
  kind: { marks: { ':': 'ofKind' } },
  ofKind: { marks: { '{': 'firstName' } },
  firstName: { marks: { '}': 'kindEnd' }, text: 'name' },
  nextName: { marks: {}, text: 'name' },
  name: { marks: { ':': 'ofName' } },
  ofName: { marks: {}, text: 'nameEnd' },
  nameEnd: { marks: { ',': 'nextName', '}': 'kindEnd' } },
  kindEnd: { marks: { ',': 'nextKind', '}': 'end' } },
  end: { marks: {} },
} as const satisfies Record<string, { marks: Readonly<Record<string, string>>; text?: string }>;

const quote = 0x22;
const backslash = 0x5c;
/** The longest name that a system accepts has 4096 bytes, which may be written as four each. */
const longestText = 1024 ** 2;
const spaces: ReadonlySet<number> = new Set([0x20, 0x0a, 0x0d, 0x09]);

/** A parser of one catalog. */
export function catalogParser(tell: CatalogTaker): CatalogParser {
  let state: keyof typeof states = 'start';
  let [kind, name] = ['', ''];
  let rest = Buffer.alloc(0);

  function take(text: string): void {
    const next = (states[state] as State).text;
    if (next === undefined) throw new Error('a text stands where none may');
    if (next === 'kind') kind = text;
    else if (next === 'name') name = text;
    else tell({ kind, name, text });
    state = next;
  }

  function mark(letter: number): void {
    const next = (states[state] as State).marks[String.fromCharCode(letter)];
    if (next === undefined) throw new Error('it is no JSON of a catalog');
    state = next;
  }

  return {
    write(chunk) {
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
      const all = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
      let at = 0;
      for (; at < all.length; at += 1) {
        if (all[at] !== quote) {
          if (!spaces.has(all[at]!)) mark(all[at]!);
          continue;
        }
        const end = endOfText(all, at);
        if (end < 0) break;
        take(textIn(all, at, end));
        at = end;
      }
      if (all.length - at > longestText) throw new Error('a text of it is longer than any');
      rest = Buffer.from(all.subarray(at));
    },
    end() {
      if (state !== 'end' || rest.length > 0) throw new Error('its end is missing');
    },
  };
}

/** The position of the quote that ends a text; -1 if it is still to come. */
function endOfText(bytes: Buffer, begin: number): number {
  let end = bytes.indexOf(quote, begin + 1);
  while (end > 0 && isEscaped(bytes, end)) end = bytes.indexOf(quote, end + 1);
  return end;
}

function isEscaped(bytes: Buffer, at: number): boolean {
  let before = at;
  while (bytes[before - 1] === backslash) before -= 1;
  return (at - before) % 2 === 1;
}

function textIn(bytes: Buffer, begin: number, end: number): string {
  const text = bytes.toString('utf8', begin, end + 1);
  return text.includes('\\') ? (JSON.parse(text) as string) : text.slice(1, -1);
}
