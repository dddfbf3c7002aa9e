import { randomBytes } from 'node:crypto';
import type { ByteStream } from '../../../../ports.ts';

/** A key that nobody who wrote the script could know. */
export function newRestrictKey(): string {
  return randomBytes(32).toString('hex');
}

/**
 * A script for psql, in which no command to the client has any effect: they are an error from `\restrict` on, up to an
 * `\unrestrict` with the same key. Every psql since August 2025 knows it (18, 17.6, 16.10, 15.14); another one stops at
 * this very line. How psql reads quotes follows the server's setting, which a database may have of its own.
 */
export async function* restricted(script: ByteStream, key = newRestrictKey()): ByteStream {
  yield Buffer.from(`\\restrict ${key}\nSET standard_conforming_strings = on;\n`);
  yield* script;
}

/** The lines that a `pg_restore --restrict-key` of ours prints itself, and psql refuses under our own. */
export function restrictLines(key: string): string[] {
  return [`\\restrict ${key}`, `\\unrestrict ${key}`];
}
