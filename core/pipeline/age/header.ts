import { Decrypter, Encrypter } from 'age-encryption';
import { BackupError, messageOf } from '../../domain/errors.ts';
import { damaged, nonceBytes, tagBytes } from './payload.ts';
import type { Reader } from './reader.ts';

/** Room for ten thousand recipients. */
const largestHeader = 1024 ** 2;

/**
 * A header for a new file key. The library passes that key to a recipient of ours, which writes nothing and keeps it.
 */
export async function newHeader(recipients: readonly string[]): Promise<{ header: Uint8Array; fileKey: Uint8Array }> {
  const encrypter = new Encrypter();
  let fileKey: Uint8Array | undefined;
  if (recipients.length === 0) throw new BackupError('config-invalid', 'encryption names no recipient');
  for (const recipient of recipients) {
    try {
      encrypter.addRecipient(recipient);
    } catch (cause) {
      throw new BackupError('config-invalid', `${recipient} is no recipient of age: ${messageOf(cause)}`, { cause });
    }
  }
  encrypter.addRecipient({
    wrapFileKey(key) {
      fileKey = Uint8Array.from(key);
      return [];
    },
  });
  // header, nonce and the tag of an empty chunk; as a stream, because for bytes the library makes a Response, which
  // loads undici
  const nothing = new ReadableStream<Uint8Array>({ start: (controller) => controller.close() });
  const empty = Buffer.concat(await Array.fromAsync(await encrypter.encrypt(nothing)));
  return { header: empty.subarray(0, empty.length - nonceBytes - tagBytes), fileKey: fileKey! };
}

/** The header's lines up to and including the one that begins with `---`, with its newline. */
export async function readHeader(reader: Reader, name: string): Promise<Buffer> {
  const lines: Buffer[] = [];
  let bytes = 0;
  for (;;) {
    const line = await reader.line(largestHeader - bytes);
    bytes += line.length;
    lines.push(line);
    if (line.at(-1) !== 0x0a || bytes >= largestHeader) throw damaged(name, 'its header is not that of a file of age');
    if (line.subarray(0, 4).toString('latin1') === '--- ') return Buffer.concat(lines);
  }
}

export async function openHeader(header: Buffer, identities: readonly string[], name: string): Promise<Uint8Array> {
  const decrypter = new Decrypter();
  for (const identity of identities) decrypter.addIdentity(identity);
  try {
    return await decrypter.decryptHeader(header);
  } catch (cause) {
    if (/no identity matched/.test(messageOf(cause)))
      throw new BackupError('key-missing', `${name} is encrypted, and no identity that is configured opens it`, {
        hint: 'the manifest names its recipients (encryption.recipients): configure the identity of one of them',
        cause,
      });
    throw damaged(name, 'its header is not that of a file of age', cause);
  }
}
