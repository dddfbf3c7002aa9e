import { randomBytes } from 'node:crypto';
import type { ByteStream } from '../../ports.ts';
import { newHeader, openHeader, readHeader } from './header.ts';
import {
  chunkBytes,
  chunksTogether,
  damaged,
  inBlocks,
  nonceBytes,
  opener,
  payloadKey,
  sealer,
  tagBytes,
} from './payload.ts';
import { readerOf } from './reader.ts';
import type { Reader } from './reader.ts';

// The age format, version 1 (age-encryption.org/v1), readable with the stock `age`: the library makes the header, we
// make the payload.

/**
 * Encrypts to every recipient (`age1…`). A chunk is valid until the next one is asked for. Throws `config-invalid`
 * before the first byte if a recipient is invalid.
 */
export async function* encrypted(content: ByteStream, recipients: readonly string[]): ByteStream {
  const { header, fileKey } = await newHeader(recipients);
  const nonce = randomBytes(nonceBytes);
  yield Buffer.concat([header, nonce]);
  const seal = sealer(payloadKey(fileKey, nonce));
  for await (const { bytes, last } of inBlocks(content, chunkBytes * chunksTogether)) yield seal(bytes, last);
}

/**
 * Decrypts with one of the identities (`AGE-SECRET-KEY-…`). Throws `key-missing` if none fits, and `part-corrupt` at
 * the first byte that differs from what was encrypted; `name` is for the message. Yields only authenticated bytes.
 */
export async function* decrypted(stored: ByteStream, identities: readonly string[], name: string): ByteStream {
  const reader = readerOf(stored);
  try {
    yield* opened(reader, identities, name);
  } finally {
    await reader.close();
  }
}

async function* opened(reader: Reader, identities: readonly string[], name: string): ByteStream {
  const header = await readHeader(reader, name);
  const fileKey = await openHeader(header, identities, name);
  const nonce = await reader.take(nonceBytes);
  const sealed = chunkBytes + tagBytes;
  const open = opener(payloadKey(fileKey, nonce), name);
  for await (const { bytes, last } of inBlocks(reader.rest(), sealed * chunksTogether)) {
    if (bytes.length === 0) throw damaged(name, 'its end is missing');
    yield open(bytes, last);
  }
}
