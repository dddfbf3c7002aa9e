import { randomBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { checked, summed } from '../../../core/pipeline/sum.ts';
import { compress, decompress } from '../../../core/pipeline/zstd.ts';
import type { ByteStream } from '../../../core/ports.ts';

async function* chunks(bytes: Uint8Array, size = 10_000): ByteStream {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function whole(stream: ByteStream): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(stream));
}

const text = Buffer.concat(
  Array.from({ length: 3000 }, (_, index) =>
    Buffer.from(`${index}\t${randomBytes(20).toString('hex')}\ta line of a dump\n`),
  ),
);

test('what is compressed comes back the same, however it is cut', async () => {
  for (const bytes of [Buffer.alloc(0), Buffer.from('x'), text]) {
    for (const size of [1000, 65_536, 1_000_000]) {
      const packed = await whole(compress(chunks(bytes, size), 1));
      expect((await whole(decompress(chunks(packed, size), 'part'))).equals(bytes)).toBe(true);
    }
  }
});

test('blocks that are used again never overtake the compressor', async () => {
  const bytes = randomBytes(6_000_003);

  const packed = await whole(compress(chunks(bytes, 65_536), 1));

  expect((await whole(decompress(chunks(packed, 65_536), 'part'))).equals(bytes)).toBe(true);
});

test('a frame that lost its last byte is refused', async () => {
  const packed = await whole(compress(chunks(text), 1));

  await expect(whole(decompress(chunks(packed.subarray(0, -1)), 'data/0001.sql.zst'))).rejects.toMatchObject({
    code: 'part-corrupt',
    message: expect.stringContaining('data/0001.sql.zst'),
  });
});

test('a flipped bit anywhere in a frame is refused by the frame itself', async () => {
  const packed = await whole(compress(chunks(text), 1));
  for (let at = 0; at < packed.length; at += Math.floor(packed.length / 97)) {
    const flipped = Buffer.from(packed);
    flipped[at]! ^= 1 << (at % 8);

    const result = await whole(decompress(chunks(flipped), 'part')).catch((error: unknown) => error);

    // a bit of the header may say nothing about the content; then the content must be right
    if (Buffer.isBuffer(result)) expect(result.equals(text)).toBe(true);
    else expect(result).toMatchObject({ code: 'part-corrupt' });
  }
});

test('an error of the source comes out of the compressor as it is', async () => {
  async function* broken(): ByteStream {
    yield text;
    throw new Error('the source broke');
  }

  await expect(whole(compress(broken(), 1))).rejects.toThrow('the source broke');
});

test('a reader that goes away closes the source', async () => {
  let closed = false;
  async function* source(): ByteStream {
    try {
      for (;;) yield randomBytes(100_000);
    } finally {
      closed = true;
    }
  }

  for await (const _ of compress(source(), 1)) break;
  for (let tries = 0; tries < 200 && !closed; tries += 1) await new Promise((wake) => setTimeout(wake, 50));

  expect(closed).toBe(true);
});

test('a wrong size and a wrong hash are refused at the end, by name', async () => {
  const { stream, sum } = summed(chunks(text));
  await whole(stream);
  const right = { bytes: sum.bytes, sha256: sum.sha256() };

  await expect(whole(checked(chunks(text), right, 'part'))).resolves.toHaveLength(text.length);
  await expect(whole(checked(chunks(text.subarray(1)), right, 'part'))).rejects.toThrow(
    `part is damaged: ${text.length - 1} bytes where the manifest says ${text.length}`,
  );
  const flipped = Buffer.from(text);
  flipped[5]! ^= 1;
  await expect(whole(checked(chunks(flipped), right, 'part'))).rejects.toThrow(
    'part is damaged: its SHA-256 is not the one in the manifest',
  );
});
