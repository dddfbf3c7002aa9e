import type { ByteStream } from '../../../ports.ts';

/** A piece of a data part: the rows of one COPY, or statements. What is not read of it is skipped. */
export type DumpBlock = { copy: string | undefined; content: ByteStream };

const rowsEnd = Buffer.from('\n\\.\n');
const newline = 10;
const textBytes = 256 * 1024;

/** Splits a data part, holding no more than a chunk and a line of it in memory. */
export async function* blocksOf(part: ByteStream): AsyncGenerator<DumpBlock> {
  const text = linesOf(part);
  for (;;) {
    const line = await text.peek();
    if (line === undefined) return;
    const copy = line.toString('latin1').startsWith('COPY ') ? await copyLine(text) : undefined;
    const content = skippable(copy === undefined ? statements(text) : rows(copy, text));
    yield { copy: copy?.toString().trimEnd(), content };
    for await (const _ of content) void _; // skip the unread rest
  }
}

/** If the reader stops early, the rest is skipped and never taken for what follows. */
function skippable(content: AsyncGenerator<Uint8Array>): ByteStream {
  return { [Symbol.asyncIterator]: () => ({ next: () => content.next() }) };
}

/** The line that begins a COPY; it may span several lines if a name contains some. */
async function copyLine(text: Lines): Promise<Buffer> {
  const lines: Buffer[] = [];
  for (let line = await text.take(); line !== undefined; line = await text.take()) {
    lines.push(line);
    if (line.toString('latin1').endsWith('FROM stdin;\n')) break;
  }
  return Buffer.concat(lines);
}

async function* statements(text: Lines): AsyncGenerator<Uint8Array> {
  let held: Buffer[] = [];
  let size = 0;
  for (
    let line = await text.peek();
    line !== undefined && !line.toString('latin1', 0, 5).startsWith('COPY ');
    line = await text.peek()
  ) {
    held.push((await text.take())!);
    size += line.length;
    if (size < textBytes) continue;
    yield Buffer.concat(held);
    [held, size] = [[], 0];
  }
  if (size > 0) yield Buffer.concat(held);
}

async function* rows(copy: Buffer, text: Lines): AsyncGenerator<Uint8Array> {
  yield copy;
  // the end mark includes the newline before it, which may be that of the first line
  yield* text.upTo(rowsEnd);
}

type Lines = {
  /** The next line with its newline, or the rest at the end; undefined after that. */
  peek(): Promise<Buffer | undefined>;
  take(): Promise<Buffer | undefined>;
  /** Everything up to and including a mark that begins with a newline, which may already have been read. */
  upTo(mark: Buffer): ByteStream;
};

function linesOf(part: ByteStream): Lines {
  const chunks = part[Symbol.asyncIterator]();
  let held: Buffer = Buffer.alloc(0);
  let over = false;
  async function more(): Promise<boolean> {
    const next = over ? { done: true as const, value: undefined } : await chunks.next();
    over = next.done === true;
    if (next.value !== undefined)
      held = held.length === 0 ? Buffer.from(next.value) : Buffer.concat([held, next.value]);
    return !over;
  }
  async function lineEnd(): Promise<number> {
    for (let from = 0; ; ) {
      const at = held.indexOf(newline, from);
      if (at >= 0) return at + 1;
      from = held.length;
      if (!(await more())) return held.length;
    }
  }
  function drop(bytes: number): Buffer {
    const taken = held.subarray(0, bytes);
    held = held.subarray(bytes);
    return taken;
  }
  async function line(): Promise<Buffer | undefined> {
    const end = await lineEnd();
    return end === 0 ? undefined : held.subarray(0, end);
  }
  return {
    peek: line,
    async take() {
      const found = await line();
      return found && drop(found.length);
    },
    async *upTo(mark) {
      const inner = mark.subarray(1);
      while (held.length < inner.length && (await more()));
      if (held.subarray(0, inner.length).equals(inner)) {
        yield drop(inner.length);
        return;
      }
      for (;;) {
        const at = held.indexOf(mark);
        if (at >= 0) {
          yield drop(at + mark.length);
          return;
        }
        // the end of a chunk may cut a mark
        const whole = held.length - mark.length + 1;
        if (whole > 0) yield drop(whole);
        if (!(await more())) break;
      }
      if (held.length > 0) yield drop(held.length);
    },
  };
}
