import { createHash, randomUUID } from 'node:crypto';
import { isBackupError } from '../../../core/domain/errors.ts';
import type { ObjectKey } from '../../../core/domain/keys.ts';
import type { ByteStream } from '../../../core/ports.ts';
import type { Vault } from '../../../core/vault.ts';

const period = 1_000_003;
const patterns = new Map<number, Buffer>();

/** One period and what a chunk may take behind it; made once, for that takes longer than most tests. */
function patternFor(chunkBytes: number): Buffer {
  const known = patterns.get(chunkBytes);
  if (known !== undefined) return known;
  const pattern = Buffer.alloc(period + chunkBytes);
  for (let at = 0; at < pattern.length; at += 1) pattern[at] = ((at % period) * 7) >> 3;
  patterns.set(chunkBytes, pattern);
  return pattern;
}

/** A stream of `size` bytes that repeat after no power of two, in chunks of this size. */
export async function* patterned(size: number, chunkBytes: number, { emptyChunks = false } = {}): ByteStream {
  const pattern = patternFor(chunkBytes);
  for (let at = 0; at < size; at += chunkBytes) {
    if (emptyChunks) yield new Uint8Array(0);
    yield pattern.subarray(at % period, (at % period) + Math.min(chunkBytes, size - at));
  }
}

/** A stream of these chunks. */
export async function* chunks(...given: Uint8Array[]): ByteStream {
  yield* given;
}

/** A stream that gives nothing and never ends. */
export async function* never(): ByteStream {
  await new Promise(() => undefined);
}

/** Size and digest of a stream: two equal ones have the same bytes. */
export async function contentOf(
  stream: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<{ bytes: number; digest: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of stream) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, digest: hash.digest('hex') };
}

const patternContents = new Map<number, ReturnType<typeof contentOf>>();

/** What `patterned` gives, in whatever chunks: digested once for each size. */
export function contentOfPattern(size: number): ReturnType<typeof contentOf> {
  const content = patternContents.get(size) ?? contentOf(patterned(size, 65_536));
  patternContents.set(size, content);
  return content;
}

/** The keys below a prefix, sorted. */
export async function keysOf(vault: Vault, prefix: string, signal = new AbortController().signal): Promise<string[]> {
  return (await Array.fromAsync(vault.list(prefix, signal))).map(({ key }) => String(key)).toSorted();
}

/** An object's size, as it is listed. */
export async function bytesOf(vault: Vault, key: ObjectKey): Promise<number | undefined> {
  const listed = await Array.fromAsync(vault.list(key, new AbortController().signal));
  return listed.find((found) => found.key === key)?.bytes;
}

/** The number in a counter. */
export function counted(body: Uint8Array): number {
  return Number(Buffer.from(body).toString().split(' ')[0]);
}

/**
 * Adds one to a counter in a small object, so many times, by compare-and-swap; `onAdded` is told of each success. Every
 * body is the writer's own, as a lease's is: only so can a writer whose answer was lost know what it wrote.
 */
export async function count(
  vault: Vault,
  key: ObjectKey,
  times: number,
  signal: AbortSignal,
  onAdded: () => void = () => undefined,
): Promise<void> {
  for (let added = 0; added < times; ) {
    const { body, version } = await vault.read(key, signal);
    try {
      await vault.putIfUnchanged(key, Buffer.from(`${counted(body) + 1} by ${randomUUID()}`), version, signal);
      added += 1;
      onAdded();
    } catch (error) {
      if (!isBackupError(error, 'object-exists')) throw error;
    }
  }
}
