import { isBackupError } from '../domain/errors.ts';
import type { ObjectKey } from '../domain/keys.ts';
import type { Tags, Vault } from '../vault.ts';

/** A small JSON object as it was read. `document` undefined: the object is not JSON. */
export type JsonRead = { document: unknown; version: string };

/** How it is written. `version`: the one to replace; without it, there must be no object. */
export type JsonWrite = { version?: string | undefined; compact?: true; tags?: Tags };

/** Reads a small JSON object; undefined if there is none. Throws if the vault can't be read. */
export async function readJson(vault: Vault, key: ObjectKey, signal: AbortSignal): Promise<JsonRead | undefined> {
  try {
    const { body, version } = await vault.read(key, signal);
    return { document: parseJson(body), version };
  } catch (error) {
    if (isBackupError(error, 'object-missing')) return undefined;
    throw error;
  }
}

/**
 * Writes a small JSON object unless somebody else has written since it was read; returns its version. Throws
 * `object-exists` if somebody has.
 */
export async function writeJson(
  vault: Vault,
  key: ObjectKey,
  document: object,
  { version, compact, tags = {} }: JsonWrite,
  signal: AbortSignal,
): Promise<string> {
  const body = Buffer.from(JSON.stringify(document, undefined, compact ? 0 : 1));
  const written =
    version === undefined
      ? await vault.putIfAbsent(key, body, tags, signal)
      : await vault.putIfUnchanged(key, body, version, signal);
  return written.version;
}

/** The value of a JSON text; undefined if it is not JSON. */
export function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString());
  } catch {
    return undefined;
  }
}
