import { createHash } from 'node:crypto';
import { BackupError } from '../domain/errors.ts';
import type { Bytes } from '../domain/units.ts';
import type { ByteStream } from '../ports.ts';

/** Size and SHA-256 (hex) of everything that has passed. */
export type Sum = { bytes: Bytes; sha256(): string };

/** Passes a stream on and sums it up; `sum.sha256()` may be called once, at the end. */
export function summed(
  content: ByteStream,
  onChunk: (bytes: Bytes) => void = () => {},
): { stream: ByteStream; sum: Sum } {
  const hash = createHash('sha256');
  const sum: Sum = { bytes: 0, sha256: () => hash.digest('hex') };
  async function* pass(): ByteStream {
    for await (const chunk of content) {
      hash.update(chunk);
      sum.bytes += chunk.length;
      onChunk(chunk.length);
      yield chunk;
    }
  }
  return { stream: pass(), sum };
}

/** Passes a stream on and throws `part-corrupt` at its end unless it had this size and SHA-256. */
export async function* checked(
  content: ByteStream,
  expected: { bytes: Bytes; sha256: string },
  name: string,
): ByteStream {
  const { stream, sum } = summed(content);
  yield* stream;
  if (sum.bytes !== expected.bytes) {
    throw new BackupError(
      'part-corrupt',
      `${name} is damaged: ${sum.bytes} bytes where the manifest says ${expected.bytes}`,
    );
  }
  if (sum.sha256() !== expected.sha256) {
    throw new BackupError('part-corrupt', `${name} is damaged: its SHA-256 is not the one in the manifest`);
  }
}
