import { randomBytes } from 'node:crypto';
import type { ByteStream } from '../../../../ports.ts';

/** A key that nobody who wrote the script could know. */
export function newRestrictKey(): string {
  return randomBytes(32).toString('hex');
}

/**
 * A psql script in which no client command has any effect: after `\restrict` they are errors, until an `\unrestrict`
 * with the same key. Every psql since August 2025 knows it (18, 17.6, 16.10, 15.14); an older one stops at this line.
 * How psql reads quotes depends on the server's setting, and a database may have its own.
 */
export async function* restricted(script: ByteStream, key = newRestrictKey()): ByteStream {
  yield Buffer.from(`\\restrict ${key}\nSET standard_conforming_strings = on;\n`);
  yield* script;
}

/** The lines that our own `pg_restore --restrict-key` prints, and that psql refuses under our key. */
export function restrictLines(key: string): string[] {
  return [`\\restrict ${key}`, `\\unrestrict ${key}`];
}
