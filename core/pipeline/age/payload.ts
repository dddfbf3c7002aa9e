import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { BackupError } from '../../domain/errors.ts';
import type { ByteStream } from '../../ports.ts';

/** OpenSSL's ChaCha20-Poly1305: about fifteen times as fast as the library's (docs/performance.md). */
const cipher = 'chacha20-poly1305';
const authTagLength = { authTagLength: 16 };
export const tagBytes = authTagLength.authTagLength;
export const nonceBytes = 16;
export const chunkBytes = 64 * 1024;
/** How many chunks are passed on together: passing one on costs about as much as encrypting it. */
export const chunksTogether = 4;

/** Made once: making a key of its bytes for each chunk costs a third of encrypting it. */
export function payloadKey(fileKey: Uint8Array, nonce: Uint8Array): KeyObject {
  return createSecretKey(new Uint8Array(hkdfSync('sha256', fileKey, nonce, 'payload', 32)));
}

/**
 * Encrypts the chunks of a block, one after the other, each with its tag. The result is valid until the next block: new
 * memory for each would cost the garbage collector more than encrypting does (docs/performance.md).
 */
export function sealer(key: KeyObject): (block: Buffer, last: boolean) => Buffer {
  const nonce = counter();
  const out = Buffer.allocUnsafeSlow((chunkBytes + tagBytes) * chunksTogether);
  return (block, last) => {
    const chunks = Math.max(1, Math.ceil(block.length / chunkBytes));
    let at = 0;
    for (let chunk = 0; chunk < chunks; chunk += 1) {
      const isLast = last && chunk === chunks - 1;
      const seal = createCipheriv(cipher, key, nonce(isLast), authTagLength);
      at += seal.update(block.subarray(chunk * chunkBytes, (chunk + 1) * chunkBytes)).copy(out, at);
      seal.final();
      at += seal.getAuthTag().copy(out, at);
    }
    return out.subarray(0, at);
  };
}

/** Decrypts the chunks of a block; throws unless each one is what was encrypted at its position. */
export function opener(key: KeyObject, name: string): (block: Buffer, last: boolean) => Buffer {
  const nonce = counter();
  const sealed = chunkBytes + tagBytes;
  let isFirst = true;
  return (block, last) => {
    const chunks = Math.ceil(block.length / sealed);
    const opened: Buffer[] = [];
    for (let chunk = 0; chunk < chunks; chunk += 1) {
      const one = block.subarray(chunk * sealed, (chunk + 1) * sealed);
      if (one.length < tagBytes) throw damaged(name, 'its end is missing');
      const open = createDecipheriv(cipher, key, nonce(last && chunk === chunks - 1), authTagLength);
      open.setAuthTag(one.subarray(one.length - tagBytes));
      const content = open.update(one.subarray(0, one.length - tagBytes));
      try {
        open.final();
      } catch (cause) {
        throw damaged(name, 'a part of it was changed, or its end is missing', cause);
      }
      // the format allows an empty chunk only as the only one
      if (content.length === 0 && !isFirst) throw damaged(name, 'it goes on behind its end');
      isFirst = false;
      opened.push(content);
    }
    return Buffer.concat(opened);
  };
}

/** A chunk's nonce: eleven bytes that count from 0, and one that is 1 for the last. */
function counter(): (last: boolean) => Buffer {
  const nonce = Buffer.alloc(12);
  let next = 0;
  return (last) => {
    nonce.writeUIntBE(next, 5, 6);
    nonce[11] = last ? 1 : 0;
    next += 1;
    return nonce;
  };
}

export function damaged(name: string, why: string, cause?: unknown): BackupError {
  return new BackupError('part-corrupt', `${name} is damaged: it can't be decrypted: ${why}`, { cause });
}

/**
 * Cuts a stream into blocks of one size; the last one may be shorter or empty, and is marked. A block is valid until
 * the next one is asked for.
 */
export async function* inBlocks(content: ByteStream, size: number): AsyncGenerator<{ bytes: Buffer; last: boolean }> {
  const block = Buffer.allocUnsafeSlow(size);
  let filled = 0;
  for await (const chunk of content) {
    for (let from = 0; from < chunk.length; ) {
      // a full block is known not to be the last once something follows it
      if (filled === size) {
        yield { bytes: block, last: false };
        filled = 0;
      }
      const taken = Math.min(chunk.length - from, size - filled);
      block.set(chunk.subarray(from, from + taken), filled);
      from += taken;
      filled += taken;
    }
  }
  yield { bytes: block.subarray(0, filled), last: true };
}
