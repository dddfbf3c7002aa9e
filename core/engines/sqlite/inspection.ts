import { BackupError } from '../../domain/errors.ts';
import type { ByteStream, Inspection } from '../../ports.ts';

const magic = 'SQLite format 3\0';

/** A data part is a whole SQLite file: its rows are counted where it is restored. */
export const inspection: Inspection = {
  inspect: (part, content) => (part.role === 'data' ? wholeFile(content, part.file) : content),
};

/** Passes a file on that begins like an SQLite file and has whole pages. Throws `part-corrupt`. */
export async function* wholeFile(content: ByteStream, name: string): ByteStream {
  let head: Buffer = Buffer.alloc(0);
  let bytes = 0;
  for await (const chunk of content) {
    if (head.length < 100) head = Buffer.concat([head, chunk.subarray(0, 100)]);
    if (head.length >= 100 && bytes < 100 && !isHead(head)) throw wrong(name, 'does not begin as a file of SQLite');
    bytes += chunk.length;
    yield chunk;
  }
  const pageSize = head.length < 100 ? 0 : head.readUInt16BE(16);
  if (pageSize === 0 || bytes % (pageSize === 1 ? 65_536 : pageSize) !== 0) throw wrong(name, 'ends within a page');
}

function isHead(head: Buffer): boolean {
  return head.toString('latin1', 0, magic.length) === magic;
}

function wrong(name: string, what: string): BackupError {
  return new BackupError('part-corrupt', `${name} ${what}`, {
    hint: 'who has written to the vault? Restore another backup, and keep this one to look into it',
  });
}
