import { createHash } from 'node:crypto';

/** Longest name of a function (AWS Lambda API reference, CreateFunction) and of a schedule. */
const longest = 64;

/**
 * A source's name as part of the name of a thing on AWS, of letters, digits, `_` and `-`; with a digest where something
 * of it had to be changed.
 */
export function slugOf(source: string, room: number): string {
  const plain = source.replace(/[^A-Za-z0-9_-]+/g, '-');
  if (plain === source && plain.length <= room) return plain;
  return `${plain.slice(0, room - 9)}-${createHash('sha256').update(source).digest('hex').slice(0, 8)}`;
}

/** The name of a function: `Nightjar-backup-shop`, `Nightjar-check`. */
export function functionName(stack: string, job: string, source?: string): string {
  const name = `${stack}-${job}`;
  return source === undefined ? name : `${name}-${slugOf(source, longest - name.length - 1)}`;
}
