import { createHash } from 'node:crypto';
import { manifestSchema } from '../../contract/manifest/manifest.ts';
import type { Manifest } from '../../contract/manifest/manifest.ts';
import { parseJson } from '../json.ts';

/** The last two lines of a manifest: its own checksum, and the closing brace. */
const seal = /^ "sha256": "([0-9a-f]{64})"\n\}\n$/;
const sealBytes = ' "sha256": ""\n}\n'.length + 64;

/**
 * A manifest as stored in the vault: JSON, one key a line; the last key is the SHA-256 of every byte before that line.
 * The checksum covers bytes, not values, so that anybody can check it: `sed '$d' manifest.json | sed '$d' | sha256sum`.
 */
export function manifestDocument(manifest: Manifest): Buffer {
  const { format, ...rest } = manifest;
  const before = JSON.stringify({ format, checksum: 'sha256', ...rest }, undefined, 1).replace(/\n\}$/, ',\n');
  return Buffer.from(`${before} "sha256": "${digestOf(Buffer.from(before))}"\n}\n`);
}

/**
 * The manifest in a document of the vault, or why it is none. Versions before the checksum wrote none, and their
 * documents are accepted unless they claim to have one, are encrypted, or name the form of their rows.
 */
export function parseManifest(document: Uint8Array): { manifest: Manifest } | { why: string } {
  const body = Buffer.from(document.buffer, document.byteOffset, document.byteLength);
  const json = parseJson(body);
  const isObject = typeof json === 'object' && json !== null;
  const isSealed = isObject && 'sha256' in json;
  if (isSealed) {
    const found = seal.exec(body.toString('latin1', body.length - sealBytes))?.[1];
    if (found !== digestOf(body.subarray(0, body.length - sealBytes)))
      return { why: 'its checksum is not that of its content: a byte of it has changed' };
    delete json.sha256;
    if ('checksum' in json && json.checksum === 'sha256') delete json.checksum;
  } else if (isObject && 'checksum' in json) return { why: takenOut };
  const parsed = manifestSchema.safeParse(json);
  if (parsed.success && !isSealed && isOfLater(parsed.data)) return { why: takenOut };
  if (parsed.success) return { manifest: parsed.data };
  const [{ path, message } = { path: [], message: 'not a manifest' }] = parsed.error.issues;
  return { why: [path.map(String).join('.'), message].filter((part) => part !== '').join(': ') };
}

/** Every version that writes one of these also writes the checksum. */
function isOfLater({ encryption, rowForm }: Manifest): boolean {
  return encryption !== null || rowForm !== undefined;
}

const takenOut = 'its own checksum was taken out of it';

/** SHA-256, in hex. */
export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
